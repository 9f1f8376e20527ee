"""The builder's controls: each tells the State what was chosen or typed, and keeps it while the server answers."""

from typing import Any, cast

import reflex as rx

from guardian.ui.components.forms import choice
from guardian.ui.pages.alerts.words import Option

EXACT = {"autoComplete": "off", "inputMode": "decimal"}
_WAIT = 300  # milliseconds after the last key, so that typing asks once


def channel_choice(state: Any, option: Option) -> rx.Component:
    return choice(
        "checkbox",
        "channels",
        option.text,
        ident=f"channel-{option.value}",
        default_checked=state.draft.channels.contains(option.value),
        on_change=state.switch_on(option.value),
        value=option.value,
    )


def switch_choice(state: Any, name: str, label: str, on: Any) -> rx.Component:
    return choice("checkbox", name, label, ident=f"alert-{name}", default_checked=on, on_change=state.switch_on(name))


def select_field(state: Any, label: str, name: str, value: Any, options: Any, *, first: str = "") -> rx.Component:
    return labelled(
        label,
        f"alert-{name}",
        rx.el.select(
            rx.el.option(first, value="") if first else rx.fragment(),
            _options(options),
            id=f"alert-{name}",
            name=name,
            default_value=value,
            # What is watched, or what it is of, brings other choices: the field is made anew with them.
            key=f"{name}-{state.edition}-{state.draft.watched}" + (f"-{state.draft.scope}" if name == "of" else ""),
            on_change=state.choose(name),
            class_name="input",
        ),
    )


def _options(options: Any) -> rx.Component:
    """Those of a var, or those that are always the same."""
    if isinstance(options, tuple):
        return rx.fragment(*(option_control(each) for each in cast("tuple[Option, ...]", options)))
    return rx.foreach(options, option_control)


def option_control(option: Option) -> rx.Component:
    return rx.el.option(option.text, value=option.value, key=option.value)


def labelled(label: str, ident: str, control: rx.Component) -> rx.Component:
    return rx.el.div(rx.el.label(label, html_for=ident), control, class_name="field")


def text_field(state: Any, label: str, name: str, shown: Any, **props: Any) -> rx.Component:
    return labelled(label, f"alert-{name}", input_control(state, name, shown, **props))


def input_control(state: Any, name: str, shown: Any, **props: Any) -> rx.Component:
    """What is typed is told after a moment; another beginning makes the field anew."""
    return rx.el.input(
        id=f"alert-{name}",
        name=name,
        default_value=shown,
        key=f"{name}-{state.edition}-{shown}",
        on_change=state.type_text(name).debounce(_WAIT),
        class_name="input",
        **props,
    )
