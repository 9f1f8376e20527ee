"""The page's controls: a text to look for, a form of filters behind a button, and what is filtered as chips."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.models.enums import Provider
from guardian.ui.colors import provider_name
from guardian.ui.components.basics import button, icon, link
from guardian.ui.components.filter_bar import chip, filter_bar
from guardian.ui.components.forms import field, options_of, select_field
from guardian.ui.pages.requests.rows import Chip

_MENU = "call-filters"


def requests_bar(state: Any) -> rx.Component:
    """One row above the calls."""
    return filter_bar(
        rx.el.form(
            rx.el.label("Find calls", html_for="find-calls", class_name="sr-only"),
            rx.el.input(
                id="find-calls",
                name="q",
                type="search",
                default_value=state.text,
                key=state.text,
                placeholder="Model, session, request id, error",
                max_length=200,
                class_name="input",
                custom_attrs={"autoComplete": "off", "spellCheck": "false", "data-filter": "true"},
            ),
            on_submit=state.search,
            class_name="find-calls",
            role="search",
        ),
        rx.el.div(
            rx.el.button(
                icon("list-filter", 14),
                "Filter",
                type="button",
                class_name="button",
                on_click=state.open_filters,
                custom_attrs={"popoverTarget": _MENU},
            ),
            rx.el.div(
                _form(state),
                id=_MENU,
                class_name="popover picker values",
                custom_attrs={"popover": "auto", "aria-label": "Filter"},
            ),
        ),
        rx.foreach(state.chips, partial(_chip, state)),
        rx.cond(state.chips.length() > 1, link("Clear all", to=state.clear_href, class_name="button quiet")),
    )


def _chip(state: Any, each: Chip) -> rx.Component:
    return chip(each.label, each.text, each.title, each.href, _MENU, state.open_filters)


def _form(state: Any) -> rx.Component:
    providers = [rx.el.option(provider_name(each), value=each.value) for each in Provider]
    return rx.el.form(
        _select("Provider", "provider", *providers, default_value=state.provider, key=state.provider),
        field(
            "Model",
            "model",
            ident="call-model",
            value=state.model,
            list="call-models",
            custom_attrs={"autoComplete": "off", "spellCheck": "false"},
        ),
        rx.el.datalist(rx.foreach(state.models, _model), id="call-models"),
        # Made anew when its options come, or it would forget which one is chosen.
        _select(
            "Caller",
            "caller",
            options_of(state.callers),
            default_value=state.caller,
            key=f"{state.caller} {state.callers.length()}",
        ),
        rx.el.div(_cost(state.least), _tag(state.tag), class_name="pair"),
        rx.el.div(button("Show these calls", type="submit", kind="primary")),
        on_submit=state.apply_filters,
        class_name="form tight",
        custom_attrs={"data-closes": "true"},
    )


def _select(label: str, name: str, *options: rx.Component, **props: Any) -> rx.Component:
    return select_field(label, name, rx.el.option("Any", value=""), *options, ident=f"call-{name}", **props)


def _cost(least: Any) -> rx.Component:
    return field(
        "Costs at least, $",
        "minCost",
        ident="call-cost",
        value=least,
        placeholder="0.05",
        custom_attrs={"inputMode": "decimal", "autoComplete": "off"},
    )


def _tag(tag: Any) -> rx.Component:
    return field(
        "Tag",
        "tag",
        ident="call-tag",
        value=tag,
        placeholder="team:search",
        custom_attrs={"autoComplete": "off", "spellCheck": "false"},
    )


def _model(name: str) -> rx.Component:
    return rx.el.option(value=name, key=name)
