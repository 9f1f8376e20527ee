"""One of several links to the same page, of which one is current: tabs, and segments of a button."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import link
from guardian.ui.rows import Choice


def tabs(choices: Any, name: str) -> rx.Component:
    """What the page shows below; `name` says what is chosen, for screen readers."""
    return rx.el.nav(rx.foreach(choices, _tab), custom_attrs={"aria-label": name})


def segments(choices: Any, name: str, *others: rx.Component, scrolls: bool = False) -> rx.Component:
    """A choice within the page; `others` stand behind the links. Unless it `scrolls`, the page stays where it is."""

    def segment(choice: Choice) -> rx.Component:
        return _choice(choice, "true", scrolls=scrolls)

    return rx.el.div(
        rx.foreach(choices, segment),
        *others,
        class_name="segments",
        role="group",
        custom_attrs={"aria-label": name},
    )


def _tab(choice: Choice) -> rx.Component:
    return _choice(choice, "page")


def _choice(choice: Choice, current: str, *, scrolls: bool = False) -> rx.Component:
    props = {} if scrolls else {"prevent_scroll_reset": True}
    return link(
        choice.label,
        to=choice.href,
        custom_attrs={"aria-current": rx.cond(choice.current, current, "false")},
        key=choice.label,
        **props,
    )
