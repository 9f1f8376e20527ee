"""The dialogs of access tokens: making one, whose secret is shown once, and revoking one."""

from typing import Any

import reflex as rx

from guardian.models.enums import PROVIDER_NAMES
from guardian.services.people.access.tokens import MAX_NAME
from guardian.ui.components.dialog import Asking, confirm_dialog, form_dialog
from guardian.ui.components.forms import choice, choices, field, select_field
from guardian.ui.components.secret import secret_once
from guardian.ui.pages.settings.rows import EXPIRIES

SECRET_FIELD = "token-secret"  # noqa: S105  # the name of an element
_SCOPES = (
    ("api", "Read and change everything that you may, over REST"),
    ("gateway", "Call models through the gateway"),
    ("ingest", "Send usage, and nothing else"),
)


def token_dialogs(state: Any) -> rx.Component:
    """Both of them; the State says which one is open."""
    asking = Asking(state.dialog, state.token_refusal, state.close)
    return rx.fragment(_create_dialog(asking, state), _revoke_dialog(asking, state))


def _create_dialog(asking: Asking, state: Any) -> rx.Component:
    return form_dialog(
        asking,
        "create",
        rx.cond(state.made != "", rx.fragment(state.made, " is made"), "Create an access token"),
        field(
            "Name",
            "name",
            ident="token-name",
            help="What it is for, as in Nightly export.",
            required=True,
            max_length=MAX_NAME,
        ),
        _scopes(state.scope),
        rx.cond(state.token_teams.length() > 0, _team(state.token_teams)),
        _of_gateway(),
        select_field(
            "Ends",
            "expires",
            *(rx.el.option(text, value=days) for days, text in EXPIRIES),
            ident="token-expires",
        ),
        on_submit=state.create_token,
        verb="Create the token",
        kept="No token was made.",
        hidden=state.made != "",
        after=secret_once(SECRET_FIELD, "Access token", state.made, state.close),
        name="create-token",
    )


def _scopes(chosen: Any) -> rx.Component:
    return choices(
        "It may",
        *(
            choice("checkbox", f"scope-{name}", name, what, ident=f"scope-{name}", default_checked=chosen == name)
            for name, what in _SCOPES
        ),
    )


def _team(teams: Any) -> rx.Component:
    return select_field(
        "Its calls are of",
        "team",
        rx.el.option("my own team, if I have one", value=""),
        rx.foreach(teams, _team_option),
        ident="token-team",
    )


def _team_option(name: Any) -> rx.Component:
    return rx.el.option(name, value=name, key=name)


def _of_gateway() -> rx.Component:
    """What the gateway holds a token to, behind a line that few people open."""
    return rx.el.details(
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
        *(
            field(label, name, ident=f"token-{name}", kind="number", min=1, help="Empty: no limit.")
            for label, name in (("Requests a minute", "requests"), ("Tokens a minute", "tokens"))
        ),
        class_name="form",
    )


def _revoke_dialog(asking: Asking, state: Any) -> rx.Component:
    return confirm_dialog(
        asking,
        "revoke",
        rx.fragment("Revoke ", state.token.name, "?"),
        rx.el.p(
            "Every program that uses the token ",
            rx.el.code(state.token.hint),
            " is refused from now on. It cannot be undone; a new token can be made at any time.",
        ),
        on_confirm=state.revoke_token,
        verb="Revoke the token",
        name="revoke-token",
    )
