"""/forgot-password: asking for a mail with a link to choose a new password."""

from typing import ClassVar

import reflex as rx

from guardian.ui.components.basics import link
from guardian.ui.components.forms import field
from guardian.ui.components.states import notice
from guardian.ui.pages.doors.door import FORGOT, SIGN_IN, Door, door, door_form

ROUTE = FORGOT


class ForgotState(Door, rx.State):
    """`sent` is True once the form was sent, whether that person exists or not."""

    _for_strangers: ClassVar[bool] = False

    sent: bool = False

    def _read_address(self, query: dict[str, str]) -> None:
        super()._read_address(query)
        self.sent = query.get("sent") == "1"


def page() -> rx.Component:
    return door(
        "Reset your password",
        "Tell us your e-mail address, and a link to choose a new password is sent to it.",
        ForgotState.problem,
        rx.cond(
            ForgotState.sent,
            rx.el.div(
                notice(
                    "If there is an account with this address, a link is on its way to it. It works once, within an "
                    "hour.",
                    icon_name="mail-check",
                ),
                role="status",
            ),
        ),
        door_form(
            "/auth/password/forgot",
            field(
                "E-mail",
                "email",
                kind="email",
                value=ForgotState.email,
                required=True,
                custom_attrs={"autoComplete": "username", "autoFocus": True, "maxLength": 320},
            ),
            verb="Send the link",
        ),
        foot=rx.el.p("Remembered it? ", link("Sign in", to=SIGN_IN)),
    )
