"""The smallest parts: money, change, badges, buttons, links, icons. Functions of values; they know no State."""

from typing import Any

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from guardian.ui.rows import Delta, Moment, Money

_LONG = 11  # characters of an amount that still fit in a tile of a narrow screen: $999,999.99


def icon(name: str, size: int = 16) -> rx.Component:
    """A lucide icon that screen readers skip: the text beside it says the same."""
    return rx.icon(name, size=size, custom_attrs={"aria-hidden": "true"})


def link(*children: Any, to: Any, **props: Any) -> rx.Component:
    """A link to one of our pages, followed without loading the document again."""
    return ReactRouterLink.create(*children, to=to, **props)


def button(*children: Any, kind: str = "", **props: Any) -> rx.Component:
    """A button; `kind` is "", primary, danger, quiet, or several of them. Its text is a verb."""
    props.setdefault("type", "button")
    return rx.el.button(*children, class_name=f"button {kind}".strip(), **props)


def button_link(*children: Any, to: Any, kind: str = "", **props: Any) -> rx.Component:
    """A link that looks like a button: where an action begins on another page."""
    return link(*children, to=to, class_name=f"button {kind}".strip(), **props)


def money(amount: Money, **props: Any) -> rx.Component:
    """An amount with its exact value on hover. A dotted underline says that `note` has something to tell about it."""
    text: Any = amount.text
    marked: Any = rx.cond(amount.note != "", "marked", "")
    long: Any = rx.cond(text.length() > _LONG, " long", "")
    return rx.el.span(
        text,
        title=amount.title,
        class_name=marked + long,
        custom_attrs={"data-live": "true", "data-exact": amount.exact, "aria-description": amount.note},
        **props,
    )


def moment(when: Moment) -> rx.Component:
    """A time, told from now and kept so by assets/guardian.js, with the whole of it on hover."""
    return rx.cond(
        when.iso != "",
        rx.el.time(
            when.text,
            title=when.title,
            date_time=when.iso,
            class_name="moment",
            custom_attrs={"data-relative": "true"},
        ),
        rx.el.span(when.text, class_name="muted"),
    )


def delta(change: Delta) -> rx.Component:
    """A change against a period that is named beside it. Spending more is no alarm: no red, no green."""
    return rx.el.span(
        rx.match(
            change.direction,
            ("up", icon("arrow-up-right", 14)),
            ("down", icon("arrow-down-right", 14)),
            rx.fragment(),
        ),
        rx.cond(change.text != "", rx.el.span(change.text, custom_attrs={"data-live": "true"})),
        rx.el.span(change.against, class_name="muted"),
        class_name="row small delta",
    )


def badge(text: Any, tone: Any = "") -> rx.Component:
    """A word about a state; `tone` is "", good, warn, bad or accent. The word says it, the colour only helps."""
    return rx.el.span(text, class_name=f"badge {tone}")


def breakable(text: Any) -> rx.Component:
    """A code like context_length_exceeded, which may go on in another line where it has an underscore."""
    return rx.foreach(text.split("_"), _breakable_part)


def _breakable_part(part: Any, place: Any) -> rx.Component:
    return rx.fragment(rx.cond(place > 0, rx.fragment("_", rx.el.wbr())), part)


def provider_badge(name: Any, color: Any) -> rx.Component:
    """A provider's name with its colour."""
    return rx.el.span(
        rx.el.span(class_name="swatch", style={"background": color}, custom_attrs={"aria-hidden": "true"}),
        rx.el.span(name),
        class_name="provider",
    )


def copy_button(text: Any, label: Any) -> rx.Component:
    """Copies `text`; `label` says what that is."""
    return rx.el.button(
        icon("copy", 14),
        rx.el.span(label, class_name="sr-only", custom_attrs={"data-copy-label": "true"}),
        type="button",
        class_name="button quiet icon",
        title=label,
        custom_attrs={"data-copy": text},
    )
