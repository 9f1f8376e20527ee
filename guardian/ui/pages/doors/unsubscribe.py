"""/unsubscribe?token=…: no more reports by mail, with the link of such a mail; nobody needs to sign in."""

import reflex as rx

from guardian.ui.components.basics import button_link, link
from guardian.ui.components.states import notice
from guardian.ui.pages.doors.door import UNSUBSCRIBE
from guardian.ui.pages.doors.mailed import Mailed, mailed_door

ROUTE = UNSUBSCRIBE
_SETTINGS = "/settings#report-mails"


class UnsubscribeState(Mailed, rx.State):
    """What the link of the mail is worth."""


def page() -> rx.Component:
    return mailed_door(
        UnsubscribeState,
        "No more reports by mail",
        "Weekly and monthly reports stay on the page Reports.",
        action="/auth/unsubscribe",
        verb="Stop these mails",
        onwards=button_link("Choose under Settings", to=_SETTINGS, kind="primary wide"),
        done=(notice("You get no more reports by mail.", tone="good", icon_name="mail-check"),),
        foot=rx.el.p("You can change this at any time under ", link("Settings", to=_SETTINGS)),
    )
