"""/verify-email?token=…: confirming one's address with a mailed link."""

from typing import ClassVar

import reflex as rx

from guardian.ui.components.basics import button_link
from guardian.ui.components.states import notice
from guardian.ui.pages.doors.door import HOME, VERIFY, Door, carried, door, door_form

ROUTE = VERIFY


class VerifyState(Door, rx.State):
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
        "Confirm your address",
        "Alerts and reports go to it.",
        VerifyState.problem,
        rx.cond(
            VerifyState.done,
            rx.el.div(
                notice("Your address is confirmed.", tone="good", icon_name="mail-check"),
                button_link("Go on to the dashboard", to=HOME, kind="primary wide"),
                class_name="form",
                role="status",
            ),
            rx.cond(
                VerifyState.usable,
                # A button and no visit alone: programs that check mail for bad links visit them all.
                door_form("/auth/verify", carried("token"), verb="Confirm this address"),
                rx.el.div(
                    rx.cond(
                        VerifyState.problem == "",
                        notice("This page needs the link from the mail: open it from there.", tone="warn"),
                        rx.fragment(),
                    ),
                    button_link("Go on to the dashboard", to=HOME, kind="primary wide"),
                    class_name="form",
                ),
            ),
        ),
    )
