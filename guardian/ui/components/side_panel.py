"""The side panel: what is behind a row, beside the table it was opened from; the browser's own modal <dialog>."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import icon, link


def side_panel(is_open: Any, title: Any, *children: Any, close_href: Any, name: str) -> rx.Component:
    """Shows while `is_open`, which the address decides: Esc, a click beside it and its own cross go to `close_href`."""
    return rx.el.dialog(
        rx.cond(
            is_open,
            rx.el.div(
                rx.el.div(
                    rx.el.h2(title, id=f"{name}-title"),
                    link(
                        icon("x", 18),
                        to=close_href,
                        title="Close",
                        prevent_scroll_reset=True,
                        class_name="button quiet icon",
                        custom_attrs={"data-dismiss": "true", "aria-label": "Close"},
                    ),
                    class_name="panel-head",
                ),
                *children,
                class_name="panel-body",
            ),
        ),
        id=name,
        class_name="panel",
        custom_attrs={"data-open": rx.cond(is_open, "true", "false"), "aria-labelledby": f"{name}-title"},
    )
