"""The palette: Ctrl K or ⌘ K opens a list of places, narrowed by typing. assets/guardian.js does the work."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import icon, link


def palette(places: list[tuple[str, str, str]], *more: Any) -> rx.Component:
    """A modal list of (name, href, icon), and whatever list items a page adds."""
    return rx.el.dialog(
        rx.el.input(
            type="text",
            placeholder="Go to…",
            class_name="input",
            custom_attrs={"aria-label": "Go to", "autoComplete": "off"},
        ),
        rx.el.ul(*(palette_item(name, href, symbol) for name, href, symbol in places), *more),
        rx.el.p("Nothing by that name.", class_name="none", hidden=True),
        id="palette",
        class_name="palette",
        custom_attrs={"aria-label": "Go to a page"},
    )


def palette_item(name: Any, href: Any, symbol: str) -> rx.Component:
    """One place of the palette."""
    return rx.el.li(link(icon(symbol, 16), name, to=href))
