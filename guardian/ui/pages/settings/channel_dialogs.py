"""The dialogs of channels: adding one, editing it, a new secret for a webhook, and deleting it."""

from typing import Any

import reflex as rx

from guardian.services.guard.notices.checking import MAX_NAME
from guardian.ui.components.dialog import Asking, confirm_dialog, form_dialog
from guardian.ui.components.forms import choice, field, select_field
from guardian.ui.components.secret import secret_once
from guardian.ui.pages.settings.channel_rows import KIND_NAMES
from guardian.ui.pages.settings.channels import SECRET_FIELD

_HELP = {
    "SLACK": "The address of an incoming webhook, as in https://hooks.slack.com/services/…",
    "TEAMS": "The address of a workflow that posts what a Teams webhook receives, as in https://….logic.azure.com/…",
    "DISCORD": "The address of a webhook of the channel, as in https://discord.com/api/webhooks/…",
    "WEBHOOK": "It gets JSON by POST, signed as Standard Webhooks says. You get the secret once the channel is added.",
}


def channel_dialogs(state: Any) -> rx.Component:
    """All of them; the State says which one is open."""
    asking = Asking(state.channel_dialog, state.channel_refusal, state.close_channel)
    each = (_add_dialog, _edit_dialog, _renew_dialog, _delete_dialog)
    return rx.fragment(*(dialog(asking, state) for dialog in each))


def _fields(state: Any, *, ident: str, needed: bool) -> rx.Component:
    """What the chosen kind needs; in a change nothing has to be given again."""

    def address(kind: str) -> rx.Component:
        return field(
            "Address",
            "url",
            ident=f"{ident}-url",
            kind="url",
            help=_HELP[kind],
            required=needed,
            max_length=2000,
            custom_attrs={"autoComplete": "off", "spellCheck": "false"},
        )

    pager = rx.fragment(
        field(
            "Integration key",
            "routingKey",
            ident=f"{ident}-key",
            required=needed,
            max_length=32,
            help="Of an integration “Events API v2” of a service: 32 letters and digits.",
            custom_attrs={"autoComplete": "off", "spellCheck": "false"},
        ),
        field(
            "Address of the Events API",
            "url",
            ident=f"{ident}-events",
            kind="url",
            max_length=2000,
            help="Only where it is another one, as https://events.eu.pagerduty.com in Europe.",
        ),
    )
    mail = field("E-mail address", "address", ident=f"{ident}-address", kind="email", required=needed, max_length=200)
    return rx.fragment(
        rx.match(
            state.channel_kind,
            ("EMAIL", mail),
            ("PAGERDUTY", pager),
            *((kind, address(kind)) for kind in _HELP),
            rx.fragment(),
        )
    )


def _reports(state: Any, *, ident: str, checked: Any) -> rx.Component:
    """Chats and webhooks take reports; people choose their mails for themselves, and a report is no incident."""
    return rx.cond(
        (state.channel_kind == "EMAIL") | (state.channel_kind == "PAGERDUTY"),
        rx.fragment(),
        choice(
            "checkbox",
            "reports",
            "Weekly and monthly reports",
            "Of the whole organization, once they are made.",
            ident=f"{ident}-reports",
            default_checked=checked,
        ),
    )


def _add_dialog(asking: Asking, state: Any) -> rx.Component:
    return form_dialog(
        asking,
        "add",
        rx.cond(state.channel_made != "", rx.fragment(state.channel_made, " is added"), "Add a channel"),
        select_field(
            "Kind",
            "kind",
            *(rx.el.option(name, value=kind.value) for kind, name in KIND_NAMES.items()),
            ident="channel-kind",
            value=state.channel_kind,
            on_change=state.choose_channel_kind,
        ),
        field(
            "Name",
            "name",
            ident="channel-name",
            required=True,
            max_length=MAX_NAME,
            help="As in FinOps or #ai-costs.",
        ),
        _fields(state, ident="channel", needed=True),
        _reports(state, ident="channel", checked=False),
        on_submit=state.add_channel,
        verb="Add the channel",
        kept="No channel was added.",
        hidden=state.channel_made != "",
        after=_secret(state),
        name="add-channel",
    )


def _edit_dialog(asking: Asking, state: Any) -> rx.Component:
    return form_dialog(
        asking,
        "edit",
        rx.fragment("Edit ", state.channel.name),
        field("Name", "name", ident="edit-channel-name", value=state.channel.name, required=True, max_length=MAX_NAME),
        _fields(state, ident="edit-channel", needed=False),
        _reports(state, ident="edit-channel", checked=state.channel.reports),
        rx.el.p("What is left empty stays as it is: ", state.channel.hint, class_name="muted small"),
        on_submit=state.save_channel,
        verb="Save",
        kept="Nothing was changed.",
        name="edit-channel",
    )


def _renew_dialog(asking: Asking, state: Any) -> rx.Component:
    return form_dialog(
        asking,
        "renew",
        rx.fragment("A new secret for ", state.channel.name),
        rx.el.p(
            "Messages are signed with the new secret from now on, and for 24 hours with the present one as well, "
            "so that the receiver can change over. One that was renewed before is worth nothing any more."
        ),
        on_submit=state.renew_secret,
        verb="Make a new secret",
        kept="Nothing was changed.",
        hidden=state.channel_made != "",
        after=_secret(state),
        name="renew-channel",
    )


def _delete_dialog(asking: Asking, state: Any) -> rx.Component:
    return confirm_dialog(
        asking,
        "delete",
        rx.fragment("Delete ", state.channel.name, "?"),
        rx.el.p(
            "Alerts that name it tell the others that they name, and what still waits for it is not sent. "
            "The history of what was sent stays.",
        ),
        on_confirm=state.delete_channel,
        verb="Delete the channel",
        kept="Nothing was deleted.",
        name="delete-channel",
    )


def _secret(state: Any) -> rx.Component:
    return secret_once(SECRET_FIELD, "Signing secret", state.channel_made, state.close_channel)
