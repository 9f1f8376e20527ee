"""How one call looks: what it cost and how it ended first, then timing, bill and whose it was, side by side."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button_link, icon, money, provider_badge
from guardian.ui.components.cards import card
from guardian.ui.components.frame import frame
from guardian.ui.components.states import empty_state, skeleton_card
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.call.rows import AttemptRow
from guardian.ui.pages.usage.panel import bill_of, facts_list

_PLACE = Column("Attempt")
_KEY = Column("Provider key", narrow="first")
_MODEL = Column("Model", narrow="second")
_STATUS = Column("Status", narrow="amount")
_TOOK = Column("Answered after", numeric=True, narrow="always")
_ERROR = Column("Error", narrow="aside")


def call_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the CallState class, `here` the page that it belongs to."""
    return frame(
        state,
        here,
        rx.cond(state.missing, _missing(), _call(state)),
        skeleton=rx.fragment(skeleton_card(2, "36px"), skeleton_card(4), skeleton_card(5)),
        title="One call",
        about=rx.cond(
            state.loaded & ~state.missing,
            f"{state.when}, {state.zone}",
            "\u00a0",
        ),
        actions=button_link(icon("arrow-left", 14), "All calls", to=here),
    )


def _missing() -> rx.Component:
    return empty_state(
        "search-x",
        "There is no such call",
        "No call of your organization has this id. The address may be cut off or mistyped; a call shows here a moment "
        "after it ended.",
        button_link("Show the last calls", to="/requests", kind="primary"),
    )


def _call(state: Any) -> rx.Component:
    return rx.fragment(
        _lead(state),
        rx.el.div(
            rx.el.div(
                card("Timing", _timing(state.facts.timing)),
                card(
                    "Tokens",
                    rx.cond(
                        state.facts.tokens.length() > 0,
                        facts_list(state.facts.tokens),
                        rx.el.p("The answer ended before it told how many.", class_name="muted"),
                    ),
                ),
                card("Caused by", facts_list(state.facts.who)),
                class_name="column",
            ),
            rx.el.div(
                rx.el.section(rx.el.div(bill_of(state.panel), class_name="card-body"), class_name="card"),
                card("Ids", facts_list(state.facts.ids)),
                class_name="column",
            ),
            class_name="columns two",
        ),
        rx.cond(state.facts.attempts.length() > 0, _attempts(state)),
        rx.el.details(
            rx.el.summary("Raw fields"),
            facts_list(state.panel.facts),
            class_name="card raw-fields",
        ),
    )


def _lead(state: Any) -> rx.Component:
    facts = state.facts
    return rx.el.section(
        rx.el.div(
            rx.el.h2(provider_badge(state.panel.title, state.panel.color)),
            badge(facts.status, facts.tone),
            rx.cond(facts.error != "", rx.el.code(facts.error)),
            class_name="row",
        ),
        rx.el.div(money(state.panel.money, data_testid="call-cost"), class_name="value"),
        rx.el.p(state.panel.about, class_name="muted"),
        rx.cond(facts.happened != "", rx.el.p(facts.happened)),
        class_name="card answer call-lead",
    )


def _timing(timing: Any) -> rx.Component:
    return rx.cond(
        timing.whole == "",
        rx.el.p("How long it took was not told.", class_name="muted"),
        rx.el.div(
            rx.cond(
                timing.first != "",
                rx.fragment(
                    rx.el.div(
                        rx.el.span(class_name="first", style={"width": f"{timing.first_width}%"}),
                        rx.el.span(style={"width": f"{timing.rest_width}%"}),
                        class_name="timeline",
                        custom_attrs={"aria-hidden": "true"},
                    ),
                    rx.el.dl(
                        _part("Until the first token", timing.first),
                        _part("From there to the end", timing.rest),
                        _part("Whole", timing.whole),
                        class_name="raw",
                    ),
                ),
                rx.el.dl(_part("Whole", timing.whole), class_name="raw"),
            ),
            class_name="stack",
        ),
    )


def _part(name: str, text: Any) -> rx.Component:
    return rx.el.div(rx.el.dt(name), rx.el.dd(text))


def _attempts(state: Any) -> rx.Component:
    return card(
        "Attempts",
        data_table(
            "attempts",
            [_PLACE, _KEY, _MODEL, _STATUS, _TOOK, _ERROR],
            rx.foreach(state.facts.attempts, _attempt),
            caption="The attempts of this call, in their order",
        ),
    )


def _attempt(row: AttemptRow) -> rx.Component:
    return rx.el.tr(
        cell(_PLACE, row.place),
        cell(_KEY, row.key, title=row.key_title),
        cell(_MODEL, row.model),
        cell(_STATUS, badge(row.status, row.tone)),
        cell(_TOOK, row.took),
        cell(_ERROR, rx.cond(row.error != "", rx.el.code(row.error), "–")),
        key=row.place,
    )
