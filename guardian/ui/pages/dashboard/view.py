"""How the dashboard looks: the answer first, what it is made of below."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import delta, link, money, provider_badge
from guardian.ui.components.cards import card, money_tile, ranked_card
from guardian.ui.components.chart import chart
from guardian.ui.components.frame import frame
from guardian.ui.components.range_picker import range_picker
from guardian.ui.components.states import nothing_connected, notice, progress_bar, skeleton_card
from guardian.ui.components.table import Column, cell, copy_csv, data_table
from guardian.ui.pages.dashboard.setup_view import setup_again, setup_card
from guardian.ui.rows import Line, Pull

_MODEL = Column("Model", sort="model", narrow="first")
_PROJECT = Column("Project", sort="project", narrow="second")
_KEY = Column("Provider key", sort="provider_key")
_CALLS = Column("Calls", sort="requests", numeric=True)
_TOKENS = Column("Tokens", sort="tokens", numeric=True, narrow="aside")
_SPEND = Column("Spend", sort="cost", numeric=True, narrow="amount")
_COLUMNS = [_MODEL, _PROJECT, _KEY, _CALLS, _TOKENS, _SPEND]


_NOTHING = "No spend in this range."


def dashboard_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the DashboardState class."""
    return frame(
        state,
        here,
        # Figures come first where there are any; before, the steps are all there is to do.
        rx.cond(state.has_keys, _content(state), rx.fragment(setup_card(state), _nothing_connected())),
        setup_again(state),
        skeleton=_skeleton(),
        about=rx.cond(
            state.loaded,
            rx.el.span(f"{state.freshness}, times in {state.viewer.zone}", title=state.freshness_title),
            rx.el.span("\u00a0"),
        ),
        actions=rx.cond(
            state.has_keys,
            range_picker(state.choices, state.custom, state.first, state.last, state.choose_days),
            rx.fragment(),
        ),
    )


def _content(state: Any) -> rx.Component:
    return rx.fragment(
        rx.foreach(state.failures, _failure),
        rx.foreach(state.pulls, _pull),
        _tiles(state),
        setup_card(state),
        rx.cond(
            state.unpriced != "",
            notice(
                rx.el.p(state.unpriced), link("Give them a price", to="/prices"), tone="warn", icon_name="circle-help"
            ),
            rx.fragment(),
        ),
        card("Spend per day", chart(state.figure, state.figure_text)),
        rx.el.div(
            rx.el.div(
                ranked_card("By provider", state.by_provider, _NOTHING),
                ranked_card("By provider key", state.by_key, _NOTHING),
                class_name="column",
            ),
            ranked_card("By model", state.by_model, _NOTHING),
            ranked_card("By project", state.by_project, _NOTHING),
            class_name="columns",
        ),
        _lines(state),
    )


def _tiles(state: Any) -> rx.Component:
    return rx.el.div(
        money_tile(
            rx.fragment("Spend, ", rx.el.span(state.range_label)),
            state.total,
            state.volume,
            rx.cond(state.converted != "", rx.el.span(state.converted, data_testid="converted"), rx.fragment()),
            testid="total-spend",
            lead=True,
        ),
        money_tile("Today so far", state.today, "since midnight"),
        money_tile("This month so far", state.month, delta(state.month_change)),
        money_tile(rx.fragment("Billed, ", rx.el.span(state.range_label)), state.billed, state.billed_note),
        class_name="tiles",
    )


def _lines(state: Any) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h2("Most expensive lines"),
            rx.cond(state.lines.length() > 0, copy_csv("lines"), rx.fragment()),
            class_name="card-head",
        ),
        rx.cond(
            state.lines.length() > 0,
            data_table(
                "lines",
                _COLUMNS,
                rx.foreach(state.lines, _line),
                caption="The most expensive lines of the range",
                sorted_by=state.sorted_by,
                descending=state.descending,
                on_sort=state.sort,
            ),
            rx.el.div(rx.el.p(_NOTHING, class_name="muted"), class_name="card-body"),
        ),
        class_name="card",
    )


def _line(line: Line) -> rx.Component:
    return rx.el.tr(
        cell(
            _MODEL,
            provider_badge(link(line.model, to=line.href, class_name="into"), line.color),
            rx.el.div(
                line.provider,
                ", ",
                line.operation,
                rx.cond(line.tier != "", rx.fragment(", ", line.tier), rx.fragment()),
                class_name="muted small",
            ),
            custom_attrs={"data-csv": line.model},
        ),
        cell(
            _PROJECT,
            rx.el.span(line.provider, ", ", class_name="narrow-only"),
            line.project,
            title=line.project_id,
            custom_attrs={"data-csv": line.project},
        ),
        cell(_KEY, line.provider_key, title=line.provider_key_id),
        cell(_CALLS, line.requests_text, custom_attrs={"data-csv": rx.cond(line.requests, f"{line.requests}", "")}),
        cell(
            _TOKENS,
            line.tokens_text,
            rx.el.span(" tokens", class_name="narrow-only"),
            title=line.tokens_title,
            custom_attrs={"data-csv": f"{line.tokens}"},
        ),
        cell(_SPEND, money(line.money), custom_attrs={"data-csv": line.money.exact}),
        key=line.key,
        class_name="opens",
    )


def _pull(pull: Pull) -> rx.Component:
    return rx.el.div(
        rx.el.div(progress_bar(f"Pulling {pull.label}", pull.percent, pull.note), class_name="card-body"),
        class_name="card",
        key=pull.key,
    )


def _failure(pull: Pull) -> rx.Component:
    return notice(
        rx.el.p(rx.el.strong(pull.label), ": ", pull.note),
        link("Open keys", to="/keys"),
        tone="bad",
        icon_name="circle-alert",
    )


def _nothing_connected() -> rx.Component:
    return nothing_connected(
        "Add an admin key of a provider. The last 90 days are pulled at once, and what was spent, on which model, "
        "project and key, is shown here."
    )


def _skeleton() -> rx.Component:
    return rx.fragment(
        rx.el.div(*(rx.el.div(class_name="card tile skeleton") for _ in range(4)), class_name="tiles"),
        skeleton_card(1, "292px"),
        rx.el.div(*(skeleton_card(8, "28px") for _ in range(3)), class_name="columns"),
        skeleton_card(8, "36px"),
    )
