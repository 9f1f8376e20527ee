"""The filter bar: what a page is filtered by as chips, and small menus that hold links to choose from."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import icon, link
from guardian.ui.rows import Choice


def filter_bar(*children: Any) -> rx.Component:
    """A row of controls above the data."""
    return rx.el.div(*children, class_name="filter-bar", role="group", custom_attrs={"aria-label": "What is shown"})


def chip(label: Any, text: Any, title: Any, href: Any, menu: str, on_open: Any) -> rx.Component:
    """A filter: its words open `menu`, its cross follows `href`, the address without it."""
    return rx.el.span(
        rx.el.button(
            rx.el.span(label, ": ", class_name="muted"),
            text,
            type="button",
            title=title,
            on_click=on_open,
            custom_attrs={"popoverTarget": menu},
        ),
        link(
            icon("x", 14),
            to=href,
            title="Remove",
            prevent_scroll_reset=True,
            custom_attrs={"aria-label": f"Remove the filter {label}"},
        ),
        class_name="chip",
    )


def picker(name: str, label: str, value: Any, *content: Any, symbol: str = "chevron-down") -> rx.Component:
    """A button that tells `label` and `value` and opens `content`; `name` is the popover's id."""
    return rx.el.div(
        rx.el.button(
            rx.el.span(label, class_name="muted") if label else rx.fragment(),
            rx.el.span(value, class_name="picked"),
            icon(symbol, 14),
            type="button",
            class_name="button",
            custom_attrs={"popoverTarget": name},
        ),
        rx.el.div(*content, id=name, class_name="popover picker", custom_attrs={"popover": "auto"}),
    )


def choice_links(choices: Any, label: str) -> rx.Component:
    """Links of which one is current; choosing one closes the menu that they are in."""
    return rx.el.ul(rx.foreach(choices, _choice_link), class_name="choice-links", custom_attrs={"aria-label": label})


def check_links(choices: Any, label: str) -> rx.Component:
    """Links that switch something on or off each; the menu that they are in stays open."""
    return rx.el.ul(rx.foreach(choices, _check_link), class_name="choice-links", custom_attrs={"aria-label": label})


def check_link(*children: Any, href: Any, checked: Any, **props: Any) -> rx.Component:
    """A link that looks and sounds like a checkbox."""
    return link(
        rx.el.span(rx.cond(checked, icon("check", 12)), class_name="box", custom_attrs={"aria-hidden": "true"}),
        *children,
        to=href,
        role="checkbox",
        prevent_scroll_reset=True,
        class_name="check",
        custom_attrs={"aria-checked": rx.cond(checked, "true", "false"), "data-stay": "true"},
        **props,
    )


def _choice_link(choice: Choice) -> rx.Component:
    return rx.el.li(
        link(
            choice.label,
            rx.cond(choice.current, icon("check", 14)),
            to=choice.href,
            prevent_scroll_reset=True,
            custom_attrs={"aria-current": rx.cond(choice.current, "true", "false")},
        ),
        key=choice.label,
    )


def _check_link(choice: Choice) -> rx.Component:
    return rx.el.li(check_link(choice.label, href=choice.href, checked=choice.current), key=choice.label)
