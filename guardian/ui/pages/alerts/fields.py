"""The builder's fields: a sentence to fill in, from what is watched to whom it tells."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import button
from guardian.ui.components.forms import choices, labelled, options_of
from guardian.ui.pages.alerts import words
from guardian.ui.pages.alerts.controls import (
    EXACT,
    channel_choice,
    input_control,
    select_field,
    switch_choice,
    text_field,
)
from guardian.ui.pages.alerts.draft import READY


def builder_fields(state: Any) -> rx.Component:
    """All of them, in the order of the sentence."""
    return rx.fragment(
        rx.cond(state.draft.id == "", _ready(state)),
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
    return text_field(
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
    return choices(
        "When",
        labelled("What is watched", "alert-watched", watch),
        rx.el.div(
            select_field(state, "How it is compared", "comparison", draft.comparison, state.comparisons),
            text_field(
                state,
                rx.fragment("Threshold", rx.cond(state.unit != "", f", {state.unit}", "")),
                "threshold",
                state.shown.threshold,
                placeholder="50",
                custom_attrs=EXACT,
            ),
            class_name="pair",
        ),
        rx.cond(
            budget,
            rx.fragment(
                select_field(state, "Budget", "budget", draft.budget, state.budgets),
                rx.el.p("The threshold is for budgets that have none of their own.", class_name="help muted small"),
            ),
        ),
        rx.cond(state.windows.length() > 0, select_field(state, "Within", "window", draft.window, state.windows)),
    )


def _of(state: Any) -> rx.Component:
    return rx.cond(
        state.scopes.length() > 1,
        choices(
            "Of",
            rx.el.div(
                select_field(state, "What it looks at", "scope", state.draft.scope, state.scopes),
                _which(state),
                class_name="pair",
            ),
            rx.cond(state.groups.length() > 0, _split(state)),
        ),
    )


def _which(state: Any) -> rx.Component:
    """The value of a scope: chosen from a list, or typed with what is known to choose from."""
    typed = labelled(
        "Which one",
        "alert-of",
        input_control(
            state, "of", state.shown.of, placeholder="web", custom_attrs={"autoComplete": "off", "list": "alert-values"}
        ),
        rx.el.datalist(options_of(state.values), id="alert-values"),
    )
    picked = select_field(state, "Which one", "of", state.draft.of, state.values, first="Choose")
    return rx.cond(
        state.draft.scope == "organization", rx.fragment(), rx.cond(state.picked, picked, rx.fragment(typed))
    )


def _split(state: Any) -> rx.Component:
    return rx.el.div(
        select_field(state, "Split by", "group", state.draft.group, state.groups),
        rx.cond(
            state.draft.group == "tag:",
            text_field(state, "Name of the tag", "tag", state.shown.tag, placeholder="feature"),
        ),
        class_name="pair",
    )


def _told(state: Any) -> rx.Component:
    draft = state.draft
    return choices(
        "Tell",
        switch_choice(state, "mail", "Its owner by e-mail", draft.mail),
        rx.cond(
            draft.mail,
            text_field(
                state,
                "And these people of your organization",
                "emails",
                state.shown.emails,
                placeholder="addresses with commas between them",
                custom_attrs={"autoComplete": "off"},
            ),
        ),
        rx.cond(
            state.channels.length() > 0,
            rx.fragment(rx.foreach(state.channels, partial(channel_choice, state))),
            rx.el.p(
                "Slack, Discord, Teams, PagerDuty and more are here once your organization has such a channel.",
                class_name="help muted small",
            ),
        ),
        switch_choice(state, "webhook", "A webhook of its own, signed", draft.webhook),
        rx.cond(
            draft.webhook,
            text_field(
                state,
                "Address",
                "url",
                state.shown.url,
                placeholder="https://hooks.example.com/guardian",
                max_length=500,
            ),
        ),
    )


def _more(state: Any) -> rx.Component:
    draft = state.draft
    return rx.el.details(
        rx.el.summary("More: when to wait, when to tell again"),
        rx.el.div(
            rx.el.div(
                select_field(state, "Tell", "pending", draft.pending, state.waits),
                select_field(state, "Tell again", "again", draft.again, state.repeats),
                class_name="pair",
            ),
            rx.el.div(
                select_field(state, "Look at it", "frequency", draft.frequency, words.FREQUENCIES),
                select_field(state, "Without data", "no_data", draft.no_data, words.NO_DATA),
                class_name="pair",
            ),
            rx.el.div(
                text_field(state, "Over once it is back at", "recover", state.shown.recover, custom_attrs=EXACT),
                text_field(state, "Only from so many calls on", "least", state.shown.least, custom_attrs=EXACT),
                class_name="pair",
            ),
            class_name="form",
        ),
        class_name="more",
    )
