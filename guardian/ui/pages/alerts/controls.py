"""The builder's controls: each tells the State what was chosen or typed, and keeps it while the server answers."""

from typing import Any

import reflex as rx

from guardian.ui.components import forms
from guardian.ui.components.forms import choice, labelled, options_of
from guardian.ui.rows import Option

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
    return forms.select_field(
        label,
        name,
        rx.el.option(first, value="") if first else rx.fragment(),
        options_of(options),
        ident=f"alert-{name}",
        default_value=value,
        # What is watched, or what it is of, brings other choices: the field is made anew with them.
        key=f"{name}-{state.edition}-{state.draft.watched}" + (f"-{state.draft.scope}" if name == "of" else ""),
        on_change=state.choose(name),
    )


def text_field(state: Any, label: Any, name: str, shown: Any, **props: Any) -> rx.Component:
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
