"""The form of a budget: what it limits, how much, how the past would have run, and what happens when it is spent."""

from collections.abc import Mapping
from typing import Any

import reflex as rx

from guardian.services.guard.budgets.checking import MAX_NAME, MAX_ROLLING_DAYS
from guardian.ui.components.basics import icon
from guardian.ui.components.dialog import form_dialog
from guardian.ui.components.forms import choice, choices, field, labelled, options_of, select_field
from guardian.ui.pages.budgets import words

_WAIT = 300  # ms of silence before what is typed is looked at


def budget_form(state: Any) -> rx.Component:
    """The dialog; a new budget needs no more than its last button."""
    is_new = state.shown.id == ""
    return form_dialog(
        state,
        "form",
        rx.cond(is_new, "New budget", rx.fragment("Edit ", state.budget.name)),
        _what(state),
        _how_much(state),
        rx.cond(state.shown.period == words.ROLLING, _days(state)),
        _look(state),
        _kinds(state),
        _more(state),
        on_submit=state.save,
        verb=rx.cond(is_new, "Set the budget", "Save"),
        kept="Nothing was changed.",
        name="budget-form",
    )


def _what(state: Any) -> rx.Component:
    return rx.el.div(
        select_field(
            "For",
            "scope",
            _options(words.SCOPES),
            ident="budget-scope",
            default_value=state.shown.scope,
            on_change=state.choose_scope,
        ),
        rx.cond(state.shown.scope == "organization", rx.fragment(), _of(state)),
        class_name="budget-pair",
    )


def _how_much(state: Any) -> rx.Component:
    return rx.el.div(
        field(
            "Limit in dollars",
            "amount",
            ident="budget-amount",
            value=state.shown.amount,
            on_change=state.type_amount.debounce(_WAIT),
            help=state.before,
            required=True,
            custom_attrs={"inputMode": "decimal", "autoComplete": "off"},
        ),
        select_field(
            "Counted",
            "period",
            _options(words.PERIODS),
            ident="budget-period",
            default_value=state.shown.period,
            on_change=state.choose_period,
        ),
        class_name="budget-pair",
    )


def _kinds(state: Any) -> rx.Component:
    return choices(
        "When it is spent",
        *(
            choice(
                "radio",
                "kind",
                name,
                what,
                ident=f"budget-{kind.lower()}",
                value=kind.value,
                default_checked=state.shown.kind == kind.value,
            )
            for kind, (name, what) in words.KINDS.items()
        ),
    )


def _of(state: Any) -> rx.Component:
    """The value of a scope: chosen from a list, or typed with what is known to choose from."""
    listed = options_of(state.targets)
    return rx.cond(
        state.picked,
        select_field(
            "Which",
            "of",
            listed,
            ident="budget-of",
            default_value=state.shown.of,
            on_change=state.choose_of,
            key=state.shown.scope,
        ),
        labelled(
            "Which",
            "budget-of",
            rx.el.input(
                name="of",
                id="budget-of",
                default_value=state.shown.of,
                on_change=state.choose_of.debounce(_WAIT),
                key=state.shown.scope,
                required=True,
                class_name="input",
                custom_attrs={"list": "budget-targets", "autoComplete": "off", "aria-describedby": "budget-of-help"},
            ),
            rx.el.datalist(listed, id="budget-targets"),
            help=state.hint,
        ),
    )


def _options(texts: Mapping[Any, str]) -> rx.Component:
    return rx.fragment(*(rx.el.option(text, value=str(value)) for value, text in texts.items()))


def _days(state: Any) -> rx.Component:
    return field(
        "Days to look back over",
        "days",
        ident="budget-days",
        value=state.shown.days,
        on_change=state.type_days.debounce(_WAIT),
        help=f"From 1 to {MAX_ROLLING_DAYS}. What is older is forgotten hour by hour.",
        custom_attrs={"inputMode": "numeric", "autoComplete": "off"},
    )


def _look(state: Any) -> rx.Component:
    """The past against the limit: a line that climbs, the limit across, a dot where a threshold was reached."""
    return rx.el.figure(
        rx.cond(
            state.look.text != "",
            rx.fragment(
                rx.el.div(
                    rx.el.svg(
                        rx.el.svg.path(d=state.look.limit, class_name="limit"),
                        rx.el.svg.path(d=state.look.line, class_name="line"),
                        rx.el.svg.path(d=state.look.marks, class_name="marks"),
                        view_box="-4 -4 308 88",
                        custom_attrs={"preserveAspectRatio": "none", "aria-hidden": "true"},
                    ),
                    class_name="look-picture",
                ),
                rx.el.div(
                    rx.el.span(state.look.first), rx.el.span(state.look.last), class_name="look-days muted small"
                ),
                rx.el.figcaption(state.look.text, class_name="small"),
            ),
            rx.el.figcaption(
                "Say what it limits and how much, and see how the past would have run.", class_name="muted small"
            ),
        ),
        class_name=rx.cond(state.look.over, "look over", "look"),
        custom_attrs={"aria-live": "polite"},
    )


def _more(state: Any) -> rx.Component:
    return rx.el.details(
        rx.el.summary("Name and thresholds", icon("chevron-down", 14)),
        rx.el.div(
            field(
                "Name",
                "name",
                ident="budget-name",
                value=state.shown.name,
                max_length=MAX_NAME,
                help="Left empty, it is called by what it limits.",
                custom_attrs={"autoComplete": "off"},
            ),
            field(
                "Tell people at",
                "thresholds",
                ident="budget-thresholds",
                value=state.shown.thresholds,
                on_change=state.type_thresholds.debounce(_WAIT),
                help="Percentages of the limit with commas between them.",
                custom_attrs={"autoComplete": "off"},
            ),
            class_name="form more-fields",
        ),
        class_name="more",
    )
