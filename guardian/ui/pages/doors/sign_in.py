"""/: signing in."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import link
from guardian.ui.components.forms import field
from guardian.ui.components.states import notice
from guardian.ui.pages.doors.door import FORGOT, SIGN_IN, SIGN_UP, Door, carried, door, door_form
from guardian.ui.pages.doors.providers import Button, buttons, provider_buttons

ROUTE = SIGN_IN


class SignInState(Door, rx.State):
    """`done` says what was just finished elsewhere: a changed password, a session that was ended.

    `providers` are the ways in beside the password.
    """

    done: str = ""
    providers: list[Button] = []

    def _read_address(self, query: dict[str, str]) -> None:
        super()._read_address(query)
        self.providers = buttons(query)
        self.done = "Your password is changed. Sign in with it." if query.get("reset") == "1" else ""


def page() -> rx.Component:
    # The address is filled in already: the next thing to type is the password.
    again: Any = SignInState.email != ""
    return door(
        "Sign in",
        "What your company spends on AI, to the cent.",
        SignInState.problem,
        rx.cond(SignInState.done != "", notice(SignInState.done, icon_name="circle-check")),
        provider_buttons(SignInState.providers),
        door_form(
            "/auth/login",
            field(
                "E-mail",
                "email",
                kind="email",
                value=SignInState.email,
                required=True,
                custom_attrs={"autoComplete": "username", "autoFocus": ~again, "maxLength": 320},
            ),
            field(
                "Password",
                "password",
                kind="password",
                required=True,
                key=SignInState.email,
                custom_attrs={"autoComplete": "current-password", "autoFocus": again},
            ),
            carried("next"),
            verb="Sign in",
        ),
        link("Forgot your password?", to=FORGOT),
        foot=rx.el.p("New here? ", link("Create an account", to=SIGN_UP)),
    )
