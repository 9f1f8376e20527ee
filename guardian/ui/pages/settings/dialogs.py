"""The dialogs of access tokens: making one, whose secret is shown once, and revoking one."""

from typing import Any

import reflex as rx

from guardian.models.enums import PROVIDER_NAMES
from guardian.services.people.access.tokens import MAX_NAME
from guardian.ui.components.basics import button, icon
from guardian.ui.components.dialog import actions, dialog
from guardian.ui.components.forms import choice, choices, field, refusal
from guardian.ui.components.states import notice
from guardian.ui.pages.settings.rows import EXPIRIES

SECRET_FIELD = "token-secret"  # noqa: S105  # the name of an element
_SCOPES = (
    ("api", "Read and change everything that you may, over REST"),
    ("gateway", "Call models through the gateway"),
    ("ingest", "Send usage, and nothing else"),
)


def token_dialogs(state: Any) -> rx.Component:
    """Both of them; the State says which one is open."""
    return rx.fragment(_create_dialog(state), _revoke_dialog(state))


def _create_dialog(state: Any) -> rx.Component:
    return dialog(
        state.dialog == "create",
        rx.cond(state.made != "", rx.fragment(state.made, " is made"), "Create an access token"),
        _token_form(state),
        secret_once(SECRET_FIELD, "Access token", state.made, state.close),
        on_dismiss=state.close,
        name="create-token",
    )


def _token_form(state: Any) -> rx.Component:
    return rx.el.form(
        field(
            "Name",
            "name",
            ident="token-name",
            help="What it is for, as in Nightly export.",
            required=True,
            max_length=MAX_NAME,
        ),
        choices(
            "It may",
            *(
                choice(
                    "checkbox", f"scope-{name}", name, what, ident=f"scope-{name}", default_checked=state.scope == name
                )
                for name, what in _SCOPES
            ),
        ),
        rx.cond(
            state.token_teams.length() > 0,
            rx.el.div(
                rx.el.label("Its calls are of", html_for="token-team"),
                rx.el.select(
                    rx.el.option("my own team, if I have one", value=""),
                    rx.foreach(state.token_teams, _team_option),
                    name="team",
                    id="token-team",
                    class_name="input",
                ),
                class_name="field",
            ),
            rx.fragment(),
        ),
        rx.el.details(
            rx.el.summary("What the gateway lets it call"),
            choices(
                "Providers (none ticked: all)",
                *(
                    choice("checkbox", f"provider-{each}", name, ident=f"token-provider-{each}")
                    for each, name in PROVIDER_NAMES.items()
                ),
            ),
            field(
                "Models",
                "models",
                ident="token-models",
                help="Names or patterns with commas between them, as in gpt-5*, claude-opus-4-5. Empty: all.",
            ),
            field(
                "Requests a minute", "requests", ident="token-requests", kind="number", min=1, help="Empty: no limit."
            ),
            field("Tokens a minute", "tokens", ident="token-tokens", kind="number", min=1, help="Empty: no limit."),
            class_name="form",
        ),
        rx.el.div(
            rx.el.label("Ends", html_for="token-expires"),
            rx.el.select(
                *(rx.el.option(text, value=days) for days, text in EXPIRIES),
                name="expires",
                id="token-expires",
                class_name="input",
            ),
            class_name="field",
        ),
        refusal(state.token_refusal, "No token was made."),
        actions(state.close, "Create the token", type="submit"),
        on_submit=state.create_token,
        class_name="form",
        hidden=state.made != "",
    )


def _team_option(name: Any) -> rx.Component:
    return rx.el.option(name, value=name, key=name)


def secret_once(ident: str, label: str, made: Any, on_done: Any) -> rx.Component:
    """A secret that is shown once, in the element `ident`; hidden until something was `made`."""
    # Always there while the dialog is open: the secret is put into the field itself, and into no var.
    return rx.el.div(
        notice("Copy it now. It is shown this once and cannot be read again.", tone="warn", icon_name="triangle-alert"),
        rx.el.div(
            rx.el.label(label, html_for=ident),
            rx.el.div(
                rx.el.input(id=ident, read_only=True, class_name="input mono", custom_attrs={"autoComplete": "off"}),
                rx.el.button(
                    icon("copy", 14),
                    rx.el.span("Copy", custom_attrs={"data-copy-label": "true"}),
                    type="button",
                    class_name="button",
                    custom_attrs={"data-copy-from": ident},
                ),
                class_name="joined",
            ),
            class_name="field",
        ),
        rx.el.div(button("Done", kind="primary", on_click=on_done), class_name="dialog-actions"),
        class_name="form",
        hidden=made == "",
    )


def _revoke_dialog(state: Any) -> rx.Component:
    return dialog(
        state.dialog == "revoke",
        rx.fragment("Revoke ", state.token.name, "?"),
        rx.el.p(
            "Every program that uses the token ",
            rx.el.code(state.token.hint),
            " is refused from now on. It cannot be undone; a new token can be made at any time.",
        ),
        actions(state.close, "Revoke the token", kind="danger", on_click=state.revoke_token),
        on_dismiss=state.close,
        name="revoke-token",
    )
