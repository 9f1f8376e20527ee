"""/reset-password?token=…: choosing a new password with a mailed link."""

import reflex as rx

from guardian.ui.components.basics import button_link, link
from guardian.ui.pages.doors.door import FORGOT, RESET, SIGN_IN
from guardian.ui.pages.doors.fields import new_password
from guardian.ui.pages.doors.mailed import Mailed, mailed_door

ROUTE = RESET


class ResetState(Mailed, rx.State):
    """What the link of the mail is worth."""


def page() -> rx.Component:
    return mailed_door(
        ResetState,
        "Choose a new password",
        "You are signed out everywhere, and sign in with the new one.",
        new_password("New password", first=True),
        action="/auth/password/reset",
        verb="Change the password",
        onwards=button_link("Ask for a new link", to=FORGOT, kind="primary wide"),
        foot=rx.el.p("Remembered it? ", link("Sign in", to=SIGN_IN)),
    )
