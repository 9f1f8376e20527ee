"""How the last calls look: what they add up to first, then one line for each, the newest on top."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, breakable, button, button_link, icon, link, money
from guardian.ui.components.cards import figure
from guardian.ui.components.choosing import tabs
from guardian.ui.components.code import code_block
from guardian.ui.components.frame import frame
from guardian.ui.components.states import empty_state, skeleton, skeleton_card
from guardian.ui.components.table import Column, cell, copy_csv, data_table
from guardian.ui.pages.requests.bar import requests_bar
from guardian.ui.pages.requests.rows import CallRow

_TIME = Column("Time", narrow="second")
_MODEL = Column("Model", narrow="first")
_CALLER = Column("Caller")
_KEY = Column("Provider key")
_INPUT = Column("In", numeric=True)
_OUTPUT = Column("Out", numeric=True)
_CACHED = Column("Cached", numeric=True)
_COST = Column("Cost", numeric=True, narrow="amount")
_LATENCY = Column("Latency", numeric=True)
_STATUS = Column("Status", narrow="aside")
_COLUMNS = [_TIME, _MODEL, _CALLER, _KEY, _INPUT, _OUTPUT, _CACHED, _COST, _LATENCY, _STATUS]


def requests_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the RequestsState class."""
    return frame(
        state,
        here,
        rx.match(
            state.nothing,
            ("none", _no_calls(state)),
            rx.fragment(
                requests_bar(state),
                rx.el.div(tabs(state.tabs, "Which calls"), class_name="tabs"),
                rx.cond(state.nothing == "filtered", _nothing_matches(state), _calls(state)),
            ),
        ),
        skeleton=rx.fragment(
            rx.el.div(skeleton("32px", "480px"), class_name="filter-bar"),
            skeleton("36px", "220px"),
            skeleton_card(1, "64px"),
            skeleton_card(8, "36px"),
        ),
        about=rx.cond(
            state.loaded,
            rx.el.span(
                rx.cond(state.paused, "Paused", "Live"),
                f", times in {state.zone}. What was asked and answered is never stored.",
            ),
            rx.el.span("\u00a0"),
        ),
        actions=_actions(state),
    )


def _actions(state: Any) -> rx.Component:
    # A page without calls has nothing to hold, and its one button below.
    return rx.cond(state.nothing == "none", rx.fragment(), _controls(state))


def _controls(state: Any) -> rx.Component:
    return rx.fragment(
        rx.el.span(
            rx.cond(state.paused & (state.waiting != ""), badge(rx.fragment(state.waiting, " waiting"), "accent")),
            role="status",
            class_name="waiting",
            custom_attrs={"data-testid": "waiting"},
        ),
        button(
            rx.cond(state.paused, icon("play", 14), icon("pause", 14)),
            rx.cond(state.paused, "Continue", "Pause"),
            on_click=state.toggle_pause,
        ),
        button_link(icon("plug", 14), "Connect an application", to="/settings#connect", kind="primary"),
    )


def _calls(state: Any) -> rx.Component:
    figures = state.figures
    return rx.fragment(
        rx.el.section(
            rx.el.div(
                figure(
                    f"{figures.count} since {figures.since}", money(figures.spend, data_testid="calls-spend"), lead=True
                ),
                figure("Failed", _live(figures.failed), _note(figures.failed_share)),
                figure("Half answered within", _live(figures.latency)),
                figure("Half began within", _live(figures.first_token), _note("first token, of streams")),
                class_name="figures",
            ),
            class_name="card calls-figures",
            custom_attrs={"aria-label": "The calls below in figures"},
        ),
        _table(state),
    )


def _note(text: Any) -> rx.Component:
    return rx.el.p(text, class_name="muted small")


def _live(text: Any) -> rx.Component:
    return rx.el.span(text, custom_attrs={"data-live": "true"})


def _table(state: Any) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h2("Calls ", rx.el.span("newest first", class_name="muted small")),
            rx.el.div(copy_csv("calls"), class_name="row tools"),
            class_name="card-head",
        ),
        data_table("calls", _COLUMNS, rx.foreach(state.calls, partial(_row)), caption="The last calls"),
        rx.el.div(
            rx.cond(state.more_href != "", button_link("Show more", to=state.more_href, prevent_scroll_reset=True)),
            rx.el.p(
                "Older calls are in the ",
                link("explorer", to="/usage?tab=rows"),
                ".",
                class_name="muted small",
            ),
            class_name="card-foot",
        ),
        class_name="card",
    )


def _model(row: CallRow) -> rx.Component:
    return cell(
        _MODEL,
        rx.el.span(
            rx.el.span(class_name="swatch", style={"background": row.color}, custom_attrs={"aria-hidden": "true"}),
            link(row.model, to=row.href, class_name="into"),
            class_name="named",
        ),
        rx.el.div(row.about, class_name="muted small"),
        title=row.model_title,
        custom_attrs={"data-csv": row.model_title},
    )


def _row(row: CallRow) -> rx.Component:
    return rx.el.tr(
        cell(
            _TIME,
            row.when,
            rx.el.span(", ", row.caller, ", ", row.latency, class_name="narrow-only"),
            title=row.when_title,
            custom_attrs={"data-csv": row.moment},
        ),
        _model(row),
        cell(
            _CALLER,
            row.caller,
            rx.cond(row.caller_detail != "", rx.el.div(row.caller_detail, class_name="muted small")),
            custom_attrs={"data-csv": row.caller},
        ),
        cell(_KEY, row.provider_key),
        cell(_INPUT, row.input, title=row.input_csv, custom_attrs={"data-csv": row.input_csv}),
        cell(_OUTPUT, row.output, title=row.output_csv, custom_attrs={"data-csv": row.output_csv}),
        cell(_CACHED, row.cached, title=row.cached_csv, custom_attrs={"data-csv": row.cached_csv}),
        cell(_COST, money(row.money), custom_attrs={"data-csv": row.money.exact}),
        cell(
            _LATENCY,
            row.latency,
            rx.cond(
                row.first_token != "",
                rx.el.div(row.first_token, title="Time to the first token", class_name="muted small"),
            ),
            custom_attrs={"data-csv": row.latency_csv},
        ),
        cell(
            _STATUS,
            badge(row.status, row.tone),
            rx.cond(row.error != "", rx.el.div(breakable(row.failure), title=row.error, class_name="small")),
            rx.cond(row.notes != "", rx.el.div(row.notes, class_name="muted small")),
            custom_attrs={"data-csv": row.status},
        ),
        key=row.key,
        class_name=rx.cond(row.fresh, "opens fresh", "opens"),
        custom_attrs={"data-call": row.key},
    )


def _nothing_matches(state: Any) -> rx.Component:
    return empty_state(
        "search-x",
        "No call matches",
        rx.fragment("The next one that does appears here by itself. ", state.searched),
        button_link(icon("x"), "Clear the filters", to=state.clear_href, kind="primary"),
    )


def _no_calls(state: Any) -> rx.Component:
    return empty_state(
        "activity",
        "No call yet",
        "Each call through the gateway appears here as it happens: who made it, what it cost, how long it took.",
        button_link(icon("plug"), "Connect an application", to="/settings#connect", kind="primary"),
        more=rx.fragment(
            rx.el.ol(
                rx.el.li("Store a key of the provider that it may call with, under ", link("Keys", to="/keys"), "."),
                rx.el.li(
                    "Create an access token with the scope gateway under ",
                    link("Settings", to="/settings#connect"),
                    ", and set it as GUARDIAN_TOKEN.",
                ),
                rx.el.li("Send the first call:"),
                class_name="steps",
            ),
            code_block(state.snippet, "Copy the first call"),
        ),
    )
