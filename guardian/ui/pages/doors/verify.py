"""/verify-email?token=…: confirming one's address with a mailed link."""

import reflex as rx

from guardian.ui.components.basics import button_link
from guardian.ui.components.states import notice
from guardian.ui.pages.doors.door import HOME, VERIFY
from guardian.ui.pages.doors.mailed import Mailed, mailed_door

ROUTE = VERIFY


class VerifyState(Mailed, rx.State):
    """What the link of the mail is worth."""


def page() -> rx.Component:
    onwards = button_link("Go on to the dashboard", to=HOME, kind="primary wide")
    return mailed_door(
        VerifyState,
        "Confirm your address",
        "Alerts and reports go to it.",
        action="/auth/verify",
        verb="Confirm this address",
        onwards=onwards,
        done=(notice("Your address is confirmed.", tone="good", icon_name="mail-check"), onwards),
    )
