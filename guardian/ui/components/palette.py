"""The palette: Ctrl K or ⌘ K opens a list of places, narrowed by typing. assets/guardian.js does the work."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import icon, link
from guardian.ui.palette import PaletteState, Place


def palette(places: list[tuple[str, str, str]], *more: Any) -> rx.Component:
    """A modal list of (name, href, icon), of the models and keys that are found, and of what a page adds."""
    return rx.el.dialog(
        rx.el.input(
            type="text",
            placeholder="Go to a page, a model or a key…",
            class_name="input",
            on_focus=PaletteState.find(""),
            on_change=PaletteState.find.debounce(120),
            custom_attrs={"aria-label": "Go to", "autoComplete": "off"},
        ),
        rx.el.ul(
            *(palette_item(name, href, symbol) for name, href, symbol in places),
            *more,
            rx.foreach(PaletteState.places, _place),
        ),
        rx.el.p("Nothing by that name.", class_name="none", hidden=True),
        id="palette",
        class_name="palette",
        custom_attrs={"aria-label": "Go to"},
    )


def palette_item(name: Any, href: Any, symbol: str) -> rx.Component:
    """One place of the palette."""
    return rx.el.li(link(icon(symbol, 16), name, to=href))


def _place(place: Place) -> rx.Component:
    return rx.el.li(
        link(
            rx.cond(place.is_key, icon("key-round", 16), icon("box", 16)),
            rx.el.span(place.name, class_name="what"),
            rx.el.span(place.detail, class_name="muted small push"),
            to=place.href,
        ),
        key=place.href,
    )
