"""What the doors share that a mailed link opens: the link's token, and what is said where there is none."""

from typing import Any, ClassVar

import reflex as rx

from guardian.ui.components.states import notice
from guardian.ui.pages.doors.door import Door, carried, door, door_form


class Mailed(Door, mixin=True):
    """`usable` is False where the address has no token or the token was refused; `done` once it was taken.

    The token itself is in no var.
    """

    _for_strangers: ClassVar[bool] = False

    usable: bool = True
    done: bool = False

    def _read_address(self, query: dict[str, str]) -> None:
        super()._read_address(query)
        self.done = query.get("done") == "1"
        self.usable = bool(query.get("token")) and query.get("error") != "token"


def mailed_door(
    state: Any,
    title: str,
    about: str,
    *fields: rx.Component,
    action: str,
    verb: str,
    onwards: rx.Component,
    done: tuple[rx.Component, ...] = (),
    foot: rx.Component | None = None,
) -> rx.Component:
    """A form with a button and no visit alone: programs that check mail for bad links visit them all.

    `done` is shown once the link was taken, `onwards` where it is of no use.
    """
    useless = rx.el.div(
        rx.cond(
            state.problem == "", notice("This page needs the link from the mail: open it from there.", tone="warn")
        ),
        onwards,
        class_name="form",
    )
    asked = rx.cond(state.usable, door_form(action, *fields, carried("token"), verb=verb), useless)
    said = rx.el.div(*done, class_name="form", role="status")
    return door(title, about, state.problem, rx.cond(state.done, said, asked) if done else asked, foot=foot)
