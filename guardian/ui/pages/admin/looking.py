"""Looking through another person's eyes, on the page of people: the dialog that asks why, and those that run."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from guardian.ui.components.basics import button, moment
from guardian.ui.components.dialog import actions, dialog
from guardian.ui.components.forms import plain_form
from guardian.ui.pages.admin.area import why_field
from guardian.ui.rows import Moment


@dataclass(frozen=True)
class LookRow:
    """An impersonation that runs."""

    id: str
    about: str
    reason: str
    since: Moment


def running_look(state: Any, row: LookRow) -> rx.Component:
    """One that runs, and the way to end it."""
    return rx.el.div(
        rx.el.p(row.about, ", ", moment(row.since), rx.el.span(row.reason, class_name="muted small row")),
        button("End", on_click=state.stop_look(row.id)),
        class_name="row",
        key=row.id,
    )


def look_dialog(state: Any) -> rx.Component:
    """Asks for the reason; a plain form, because the answer changes the cookie."""
    return dialog(
        state.through_id != "",
        "Look through another person's eyes",
        rx.el.p(
            "For an hour you see what ",
            rx.el.strong(state.through),
            " sees. Their organization is told by mail, reads your reason, and finds what you do in its activity log.",
        ),
        plain_form(
            "/auth/impersonation",
            rx.el.input(type="hidden", name="userId", value=state.through_id, read_only=True),
            why_field(),
            actions(state.close, "Look", type="submit"),
            class_name="form",
        ),
        on_dismiss=state.close,
        name="impersonate",
    )
