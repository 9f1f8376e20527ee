"""/unsubscribe?token=…: no more reports by mail, with the link of such a mail; nobody needs to sign in."""

from typing import ClassVar

import reflex as rx

from guardian.ui.components.basics import button_link, link
from guardian.ui.components.states import notice
from guardian.ui.pages.doors.door import UNSUBSCRIBE, Door, carried, door, door_form

ROUTE = UNSUBSCRIBE
_SETTINGS = "/settings#report-mails"


class UnsubscribeState(Door, rx.State):
    """`usable` is False where the address has no token or the token was refused; `done` once it was taken."""

    _for_strangers: ClassVar[bool] = False

    usable: bool = True
    done: bool = False

    def _read_address(self, query: dict[str, str]) -> None:
        super()._read_address(query)
        self.done = query.get("done") == "1"
        self.usable = bool(query.get("token")) and query.get("error") != "token"


def page() -> rx.Component:
    return door(
        "No more reports by mail",
        "Weekly and monthly reports stay on the page Reports.",
        UnsubscribeState.problem,
        rx.cond(
            UnsubscribeState.done,
            rx.el.div(
                notice("You get no more reports by mail.", tone="good", icon_name="mail-check"),
                class_name="form",
                role="status",
            ),
            rx.cond(
                UnsubscribeState.usable,
                # A button and no visit alone: programs that check mail for bad links visit them all.
                door_form("/auth/unsubscribe", carried("token"), verb="Stop these mails"),
                rx.el.div(
                    rx.cond(
                        UnsubscribeState.problem == "",
                        notice("This page needs the link from the mail: open it from there.", tone="warn"),
                        rx.fragment(),
                    ),
                    button_link("Choose under Settings", to=_SETTINGS, kind="primary wide"),
                    class_name="form",
                ),
            ),
        ),
        foot=rx.el.p("You can change this at any time under ", link("Settings", to=_SETTINGS)),
    )
