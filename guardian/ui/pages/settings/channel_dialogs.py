"""The dialogs of channels: adding one, editing it, a new secret for a webhook, and deleting it."""

from typing import Any

import reflex as rx

from guardian.services.guard.notices.checking import MAX_NAME
from guardian.ui.components.dialog import actions, dialog
from guardian.ui.components.forms import choice, field, refusal
from guardian.ui.pages.settings.channel_rows import KIND_NAMES
from guardian.ui.pages.settings.channels import SECRET_FIELD
from guardian.ui.pages.settings.dialogs import secret_once

_HELP = {
    "SLACK": "The address of an incoming webhook, as in https://hooks.slack.com/services/…",
    "TEAMS": "The address of a workflow that posts what a Teams webhook receives, as in https://….logic.azure.com/…",
    "DISCORD": "The address of a webhook of the channel, as in https://discord.com/api/webhooks/…",
    "WEBHOOK": "It gets JSON by POST, signed as Standard Webhooks says. You get the secret once the channel is added.",
}


def channel_dialogs(state: Any) -> rx.Component:
    """All of them; the State says which one is open."""
    return rx.fragment(_add_dialog(state), _edit_dialog(state), _renew_dialog(state), _delete_dialog(state))


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


def _add_dialog(state: Any) -> rx.Component:
    return dialog(
        state.channel_dialog == "add",
        rx.cond(state.channel_made != "", rx.fragment(state.channel_made, " is added"), "Add a channel"),
        rx.el.form(
            rx.el.div(
                rx.el.label("Kind", html_for="channel-kind"),
                rx.el.select(
                    *(rx.el.option(name, value=kind.value) for kind, name in KIND_NAMES.items()),
                    name="kind",
                    id="channel-kind",
                    value=state.channel_kind,
                    on_change=state.choose_channel_kind,
                    class_name="input",
                ),
                class_name="field",
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
            refusal(state.channel_refusal, "No channel was added."),
            actions(state.close_channel, "Add the channel", type="submit"),
            on_submit=state.add_channel,
            class_name="form",
            hidden=state.channel_made != "",
        ),
        secret_once(SECRET_FIELD, "Signing secret", state.channel_made, state.close_channel),
        on_dismiss=state.close_channel,
        name="add-channel",
    )


def _edit_dialog(state: Any) -> rx.Component:
    return dialog(
        state.channel_dialog == "edit",
        rx.fragment("Edit ", state.channel.name),
        rx.el.form(
            field(
                "Name", "name", ident="edit-channel-name", value=state.channel.name, required=True, max_length=MAX_NAME
            ),
            _fields(state, ident="edit-channel", needed=False),
            _reports(state, ident="edit-channel", checked=state.channel.reports),
            rx.el.p("What is left empty stays as it is: ", state.channel.hint, class_name="muted small"),
            refusal(state.channel_refusal, "Nothing was changed."),
            actions(state.close_channel, "Save", type="submit"),
            on_submit=state.save_channel,
            class_name="form",
        ),
        on_dismiss=state.close_channel,
        name="edit-channel",
    )


def _renew_dialog(state: Any) -> rx.Component:
    return dialog(
        state.channel_dialog == "renew",
        rx.fragment("A new secret for ", state.channel.name),
        rx.el.div(
            rx.el.p(
                "Messages are signed with the new secret from now on, and for 24 hours with the present one as well, "
                "so that the receiver can change over. One that was renewed before is worth nothing any more."
            ),
            refusal(state.channel_refusal, "Nothing was changed."),
            actions(state.close_channel, "Make a new secret", on_click=state.renew_secret),
            class_name="form",
            hidden=state.channel_made != "",
        ),
        secret_once(SECRET_FIELD, "Signing secret", state.channel_made, state.close_channel),
        on_dismiss=state.close_channel,
        name="renew-channel",
    )


def _delete_dialog(state: Any) -> rx.Component:
    return dialog(
        state.channel_dialog == "delete",
        rx.fragment("Delete ", state.channel.name, "?"),
        rx.el.p(
            "Alerts that name it tell the others that they name, and what still waits for it is not sent. "
            "The history of what was sent stays.",
        ),
        actions(state.close_channel, "Delete the channel", kind="danger", on_click=state.delete_channel),
        on_dismiss=state.close_channel,
        name="delete-channel",
    )
