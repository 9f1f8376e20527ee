"""A menu behind a button: the browser's own popover, so that Esc, a click beside it and the focus just work."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import icon


def menu(name: Any, label: Any, *items: rx.Component) -> rx.Component:
    """A button with three dots, called `label`, that opens `items`. `name` is the popover's id."""
    anchor = f"--{name}"
    return rx.el.div(
        rx.el.button(
            icon("ellipsis", 16),
            type="button",
            class_name="button icon",
            title="More",
            style={"anchorName": anchor},
            custom_attrs={"popoverTarget": name, "aria-label": label},
        ),
        rx.el.div(
            *items,
            id=name,
            class_name="popover menu",
            style={"positionAnchor": anchor},
            custom_attrs={"popover": "auto"},
        ),
    )


def menu_item(symbol: str, text: str, menu_name: Any, *, on_click: Any, tone: str = "") -> rx.Component:
    """One action; a click closes the menu."""
    return rx.el.button(
        icon(symbol, 16),
        text,
        type="button",
        class_name=f"menu-item {tone}".strip(),
        on_click=on_click,
        custom_attrs={"popoverTarget": menu_name, "popoverTargetAction": "hide"},
    )
