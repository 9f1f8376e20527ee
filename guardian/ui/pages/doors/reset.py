"""/reset-password?token=…: choosing a new password with a mailed link."""

from typing import ClassVar

import reflex as rx

from guardian.services.people.access.passwords import MIN_CHARACTERS
from guardian.ui.components.basics import button_link, link
from guardian.ui.components.forms import field
from guardian.ui.components.states import notice
from guardian.ui.pages.doors.door import FORGOT, RESET, SIGN_IN, Door, carried, door, door_form
from guardian.ui.pages.doors.sign_up import PASSWORD_RULE

ROUTE = RESET


class ResetState(Door, rx.State):
    """`usable` is False where the address has no token or the token was refused; the token itself is in no var."""

    _for_strangers: ClassVar[bool] = False

    usable: bool = True

    def _read_address(self, query: dict[str, str]) -> None:
        super()._read_address(query)
        self.usable = bool(query.get("token")) and query.get("error") != "token"


def page() -> rx.Component:
    return door(
        "Choose a new password",
        "You are signed out everywhere, and sign in with the new one.",
        ResetState.problem,
        rx.cond(
            ResetState.usable,
            door_form(
                "/auth/password/reset",
                field(
                    "New password",
                    "password",
                    kind="password",
                    help=PASSWORD_RULE,
                    required=True,
                    custom_attrs={"autoComplete": "new-password", "autoFocus": True, "minLength": MIN_CHARACTERS},
                ),
                carried("token"),
                verb="Change the password",
            ),
            rx.el.div(
                rx.cond(
                    ResetState.problem == "",
                    notice("This page needs the link from the mail: open it from there.", tone="warn"),
                    rx.fragment(),
                ),
                button_link("Ask for a new link", to=FORGOT, kind="primary wide"),
                class_name="form",
            ),
        ),
        foot=rx.el.p("Remembered it? ", link("Sign in", to=SIGN_IN)),
    )
