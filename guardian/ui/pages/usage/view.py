"""How the explorer looks: how much first, bars and groups or single rows below, and the bill of one row beside."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button_link, delta, icon, money
from guardian.ui.components.cards import figure
from guardian.ui.components.chart import chart
from guardian.ui.components.choosing import tabs
from guardian.ui.components.frame import frame
from guardian.ui.components.range_picker import range_picker
from guardian.ui.components.states import empty_state, nothing_connected, skeleton, skeleton_card
from guardian.ui.pages.usage.bar import usage_bar, views_menu
from guardian.ui.pages.usage.dialogs import view_dialogs
from guardian.ui.pages.usage.panel import usage_panel
from guardian.ui.pages.usage.tables import groups_table, rows_table


def usage_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the UsageState class."""
    return frame(
        state,
        here,
        usage_bar(state),
        _tabs(state),
        rx.match(
            state.nothing,
            ("", rx.cond(state.tab == "rows", rows_table(state), _spending(state))),
            ("filtered", _nothing_matches(state)),
            ("unconnected", _nothing_connected()),
            _nothing_in_range(state),
        ),
        usage_panel(state),
        view_dialogs(state),
        skeleton=_skeleton(),
        about=rx.cond(
            state.loaded,
            rx.el.span(f"{state.freshness}, times in {state.zone}", title=state.freshness_title),
            rx.el.span("\u00a0"),
        ),
        actions=range_picker(state.ranges, state.custom, state.first, state.last, state.choose_days),
    )


def _tabs(state: Any) -> rx.Component:
    return rx.el.div(
        tabs(state.tabs, "Show as"),
        views_menu(state),
        class_name="tabs",
    )


def _spending(state: Any) -> rx.Component:
    return rx.fragment(
        rx.el.section(
            rx.el.div(
                figure("Spend", money(state.total, data_testid="explorer-total"), delta(state.change), lead=True),
                figure("Calls", rx.el.span(state.calls, custom_attrs={"data-live": "true"})),
                figure("Tokens", rx.el.span(state.tokens, custom_attrs={"data-live": "true"})),
                rx.cond(
                    state.unpriced != "",
                    figure(
                        "Tokens without a price",
                        rx.el.span(state.unpriced, class_name="warn"),
                        rx.el.span("not in the spend", class_name="muted small"),
                    ),
                ),
                class_name="figures",
            ),
            rx.el.div(chart(state.figure, state.figure_text), class_name="card-body"),
            class_name="card",
            custom_attrs={"aria-label": "Spend over time"},
        ),
        groups_table(state),
    )


def _nothing_matches(state: Any) -> rx.Component:
    return empty_state(
        "search-x",
        "Nothing matches",
        "No usage in this range has all of these values. Take a filter away, or choose a longer range.",
        button_link(icon("x"), "Clear the filters", to=state.clear_href, kind="primary"),
    )


def _nothing_in_range(state: Any) -> rx.Component:
    return empty_state(
        "calendar-search",
        "No usage in this range",
        "What was spent, on what and by whom, is shown here as soon as there is some in the days that you chose.",
        button_link(icon("calendar"), "Show the last 90 days", to=state.wider_href, kind="primary"),
    )


def _nothing_connected() -> rx.Component:
    return nothing_connected(
        "With an admin key of a provider, what was spent in the last 90 days is pulled at once, and can be looked at "
        "here by model, project, key and person, down to the single line of a bill."
    )


def _skeleton() -> rx.Component:
    return rx.fragment(
        rx.el.div(skeleton("32px", "480px"), class_name="filter-bar"),
        skeleton("36px", "160px"),
        skeleton_card(1, "356px"),
        skeleton_card(8, "36px"),
    )
