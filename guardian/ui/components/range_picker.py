"""The range picker: presets as links, so that a range can be shared and reloaded, and two dates for any other."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button, icon
from guardian.ui.components.choosing import segments


def range_picker(choices: Any, custom: Any, first: Any, last: Any, on_custom: Any) -> rx.Component:
    """`choices` are the presets, `custom` the label of a custom range or empty, `first` and `last` ISO dates.

    `on_custom` gets the submitted form: {"from": ..., "to": ...}.
    """
    other: Any = rx.cond(custom != "", custom, "Custom")  # pyright: ignore[reportUnknownVariableType]  # Var of anything
    return rx.el.div(
        segments(
            choices,
            "Range",
            rx.el.button(
                icon("calendar", 14),
                other,
                type="button",
                custom_attrs={"popoverTarget": "range-dates", "aria-current": rx.cond(custom != "", "true", "false")},
            ),
            scrolls=True,
        ),
        rx.el.div(
            rx.el.form(
                _day("From", "from", first),
                _day("To", "to", last),
                button("Show", type="submit", kind="primary"),
                on_submit=on_custom,
                class_name="form",
            ),
            id="range-dates",
            class_name="popover",
            custom_attrs={"popover": "auto"},
        ),
        class_name="range",
    )


def _day(label: str, name: str, value: Any) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=f"range-{name}"),
        rx.el.input(
            type="date",
            name=name,
            id=f"range-{name}",
            default_value=value,
            key=value,
            required=True,
            class_name="input",
        ),
        class_name="field",
    )
