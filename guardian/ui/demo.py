"""The label of a demonstration: on every page that `guardian demo` serves, nothing may be taken for real."""

from typing import Any

import reflex as rx

from guardian.config import settings
from guardian.ui.components.basics import icon


class DemoState(rx.State):
    """Whether this is a demonstration. Pages are built once for all installations: only the running one knows."""

    shown: bool = False

    @rx.event
    async def enter(self) -> None:
        """Ask the process; it tells nothing of anybody, so that signed-out pages may ask too."""
        self.shown = settings().guardian_demo


def demo_label() -> rx.Component:
    """One line at the foot of every page; nothing where this is no demonstration."""
    enter: Any = DemoState.enter
    return rx.fragment(
        rx.cond(
            DemoState.shown,
            rx.el.div(
                icon("flask-conical", 14),
                rx.el.span(rx.el.strong("Demonstration: "), "the company, its calls and its bills are made up."),
                class_name="demo-label",
                role="note",
            ),
        ),
        on_mount=enter,
    )
