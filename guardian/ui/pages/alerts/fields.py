"""The builder's fields: a sentence to fill in, from what is watched to whom it tells."""

from functools import partial
from typing import Any, cast

import reflex as rx

from guardian.ui.components.basics import button
from guardian.ui.components.forms import choice
from guardian.ui.pages.alerts import words
from guardian.ui.pages.alerts.draft import READY
from guardian.ui.pages.alerts.words import Option

_EXACT = {"autoComplete": "off", "inputMode": "decimal"}
_WAIT = 300  # milliseconds after the last key, so that typing asks once


def builder_fields(state: Any) -> rx.Component:
    """All of them, in the order of the sentence."""
    return rx.fragment(
        rx.cond(state.draft.id == "", _ready(state), rx.fragment()),
        _name(state),
        _watched(state),
        _of(state),
        _told(state),
        _more(state),
    )


def _ready(state: Any) -> rx.Component:
    return rx.el.div(
        rx.el.span("Begin with", class_name="muted small"),
        *(button(draft.name, on_click=state.open_new(name)) for name, draft in READY.items()),
        class_name="row wraps",
    )


def _name(state: Any) -> rx.Component:
    return _text(
        state, "Name", "name", state.shown.name, placeholder="Spend of the web team", required=True, max_length=100
    )


def _watched(state: Any) -> rx.Component:
    draft = state.draft
    watch = rx.el.select(
        *(
            rx.el.optgroup(*(rx.el.option(each.text, value=each.value) for each in options), label=family)
            for family, options in words.families()
        ),
        id="alert-watched",
        name="watched",
        default_value=draft.watched,
        key=f"watched-{state.edition}",
        on_change=state.choose("watched"),
        class_name="input",
    )
    budget = draft.watched.startswith("BUDGET_EXCEEDED")
    return rx.el.fieldset(
        rx.el.legend("When", class_name="label-text"),
        _labelled("What is watched", "alert-watched", watch),
        rx.el.div(
            _select(state, "How it is compared", "comparison", draft.comparison, state.comparisons),
            rx.el.div(
                rx.el.label("Threshold", rx.cond(state.unit != "", f", {state.unit}", ""), html_for="alert-threshold"),
                _input(state, "threshold", state.shown.threshold, placeholder="50", custom_attrs=_EXACT),
                class_name="field",
            ),
            class_name="pair",
        ),
        rx.cond(
            budget,
            rx.fragment(
                _select(state, "Budget", "budget", draft.budget, state.budgets),
                rx.el.p("The threshold is for budgets that have none of their own.", class_name="help muted small"),
            ),
            rx.fragment(),
        ),
        rx.cond(
            state.windows.length() > 0,
            _select(state, "Within", "window", draft.window, state.windows),
            rx.fragment(),
        ),
        class_name="choices",
    )


def _of(state: Any) -> rx.Component:
    draft = state.draft
    typed = rx.fragment(
        rx.el.div(
            rx.el.label("Which one", html_for="alert-of"),
            _input(
                state,
                "of",
                state.shown.of,
                placeholder="web",
                custom_attrs={"autoComplete": "off", "list": "alert-values"},
            ),
            rx.el.datalist(rx.foreach(state.values, _option), id="alert-values"),
            class_name="field",
        )
    )
    which = rx.cond(
        draft.scope == "organization",
        rx.fragment(),
        rx.cond(
            state.picked,
            _select(state, "Which one", "of", draft.of, state.values, first="Choose"),
            typed,
        ),
    )
    return rx.cond(
        state.scopes.length() > 1,
        rx.el.fieldset(
            rx.el.legend("Of", class_name="label-text"),
            rx.el.div(_select(state, "What it looks at", "scope", draft.scope, state.scopes), which, class_name="pair"),
            rx.cond(
                state.groups.length() > 0,
                rx.el.div(
                    _select(state, "Split by", "group", draft.group, state.groups),
                    rx.cond(
                        draft.group == "tag:",
                        _text(state, "Name of the tag", "tag", state.shown.tag, placeholder="feature"),
                        rx.fragment(),
                    ),
                    class_name="pair",
                ),
                rx.fragment(),
            ),
            class_name="choices",
        ),
        rx.fragment(),
    )


def _told(state: Any) -> rx.Component:
    draft = state.draft
    return rx.el.fieldset(
        rx.el.legend("Tell", class_name="label-text"),
        _switch(state, "mail", "Its owner by e-mail", draft.mail),
        rx.cond(
            state.channels.length() > 0,
            rx.fragment(rx.foreach(state.channels, partial(_channel, state))),
            rx.el.p(
                "Slack, Discord, Teams, PagerDuty and more are here once your organization has such a channel.",
                class_name="help muted small",
            ),
        ),
        _switch(state, "webhook", "A webhook of its own, signed", draft.webhook),
        rx.cond(
            draft.webhook,
            _text(
                state,
                "Address",
                "url",
                state.shown.url,
                placeholder="https://hooks.example.com/guardian",
                max_length=500,
            ),
            rx.fragment(),
        ),
        class_name="choices",
    )


def _more(state: Any) -> rx.Component:
    draft = state.draft
    return rx.el.details(
        rx.el.summary("More: when to wait, when to tell again"),
        rx.el.div(
            rx.el.div(
                _select(state, "Tell", "pending", draft.pending, words.PENDING),
                _select(state, "Tell again", "again", draft.again, words.AGAIN),
                class_name="pair",
            ),
            rx.el.div(
                _select(state, "Look at it", "frequency", draft.frequency, words.FREQUENCIES),
                _select(state, "Without data", "no_data", draft.no_data, words.NO_DATA),
                class_name="pair",
            ),
            rx.el.div(
                _text(state, "Over once it is back at", "recover", state.shown.recover, custom_attrs=_EXACT),
                _text(state, "Only from so many calls on", "least", state.shown.least, custom_attrs=_EXACT),
                class_name="pair",
            ),
            class_name="form",
        ),
        class_name="more",
    )


def _channel(state: Any, option: Option) -> rx.Component:
    return choice(
        "checkbox",
        "channels",
        option.text,
        ident=f"channel-{option.value}",
        default_checked=state.draft.channels.contains(option.value),
        on_change=state.switch_on(option.value),
        value=option.value,
    )


def _switch(state: Any, name: str, label: str, on: Any) -> rx.Component:
    return choice("checkbox", name, label, ident=f"alert-{name}", default_checked=on, on_change=state.switch_on(name))


def _select(state: Any, label: str, name: str, value: Any, options: Any, *, first: str = "") -> rx.Component:
    return _labelled(
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
        return rx.fragment(*(_option(each) for each in cast("tuple[Option, ...]", options)))
    return rx.foreach(options, _option)


def _option(option: Option) -> rx.Component:
    return rx.el.option(option.text, value=option.value, key=option.value)


def _labelled(label: str, ident: str, control: rx.Component) -> rx.Component:
    return rx.el.div(rx.el.label(label, html_for=ident), control, class_name="field")


def _text(state: Any, label: str, name: str, shown: Any, **props: Any) -> rx.Component:
    return _labelled(label, f"alert-{name}", _input(state, name, shown, **props))


def _input(state: Any, name: str, shown: Any, **props: Any) -> rx.Component:
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
