"""One report as it reads from top to bottom: the answer, why, where, what comes, what stands beside spend."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button_link, icon
from guardian.ui.components.cards import card
from guardian.ui.components.chart import chart
from guardian.ui.components.states import notice
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.reports.rows import BudgetLine, Line, Mover, Tile

_OF = Column("Of", narrow="second")
_NAME = Column("What moved", narrow="first")
_BEFORE = Column("Before", numeric=True)
_AFTER = Column("Now", numeric=True, narrow="amount")
_CHANGE = Column("Change", numeric=True, narrow="aside")
_WHY = Column("Why", narrow="always")
_MOVERS = [_NAME, _OF, _BEFORE, _AFTER, _CHANGE, _WHY]

_BUDGET = Column("Budget", narrow="first")
_STATE = Column("State", narrow="second")
_SPENT = Column("Spent", numeric=True, narrow="amount")
_LIMIT = Column("Limit", numeric=True, narrow="aside")
_FORECAST = Column("Forecast", numeric=True)
_BUDGETS = [_BUDGET, _STATE, _SPENT, _LIMIT, _FORECAST]


def paper_view(state: Any) -> rx.Component:
    """`state` is the ReportsState class; its `paper` is ready."""
    paper = state.paper
    return rx.fragment(
        _head(paper),
        rx.el.div(rx.foreach(paper.tiles, _tile), class_name="tiles"),
        rx.cond(
            paper.notes.length() > 0, notice(rx.foreach(paper.notes, _paragraph), tone="warn", icon_name="circle-help")
        ),
        rx.cond(
            paper.chart,
            card(
                "Spend by day",
                chart(state.figure, state.figure_text),
                aside=rx.el.span(state.figure_note, class_name="muted small"),
            ),
        ),
        _unless_empty(paper.causes, _causes(paper)),
        _unless_empty(paper.movers, _movers(paper)),
        rx.el.div(
            _unless_empty(paper.models, _table("Models", "models", "Model", paper.models)),
            _unless_empty(paper.teams, _table("Teams", "teams", "Team*", paper.teams)),
            class_name="columns two",
        ),
        rx.cond(paper.tracked != "", rx.el.p(paper.tracked, class_name="muted small")),
        rx.cond(paper.forecast != "", card("Forecast", rx.el.p(paper.forecast))),
        _unless_empty(paper.budgets, _budgets(paper)),
        _unless_empty(
            paper.anomalies,
            card("Unusual hours", rx.el.ul(rx.foreach(paper.anomalies, _sentence), class_name="list sentences")),
        ),
        _unless_empty(paper.books, _books(paper)),
        _unless_empty(paper.savings, _savings(paper)),
    )


def _head(paper: Any) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.div(
                rx.el.h2(paper.title, class_name="paper-title"),
                rx.el.p(paper.headline, class_name="paper-headline"),
                class_name="stack tight",
            ),
            # Answered by the API and no page of ours: the browser follows it by itself.
            button_link(icon("download", 14), "Download PDF", to=paper.pdf, kind="primary", reload_document=True),
            class_name="key-head",
        ),
        rx.el.p(paper.about, class_name="muted small"),
        class_name="paper-head",
    )


def _tile(tile: Tile, place: Any) -> rx.Component:
    return rx.el.section(
        rx.el.h3(tile.name, class_name="name"),
        rx.el.div(
            rx.el.span(
                tile.value,
                custom_attrs={"data-exact": tile.exact},
                title=rx.cond(tile.exact != "", f"${tile.exact}", ""),
            ),
            class_name="value",
        ),
        rx.el.div(tile.note, class_name="note"),
        key=tile.name,
        class_name=rx.cond(place == 0, "card tile lead", "card tile"),
    )


def _causes(paper: Any) -> rx.Component:
    head = _columns("Cause", "Amount", "Of the change")
    return _card_of(
        "Why it changed",
        data_table(
            "causes",
            head,
            rx.fragment(
                rx.foreach(paper.causes, partial(_line, head)),
                rx.el.tr(
                    cell(head[0], rx.el.strong("Together")),
                    cell(head[1], rx.el.strong(paper.change)),
                    cell(head[2], ""),
                ),
            ),
            caption="The parts of the change, which add up to it",
        ),
    )


def _movers(paper: Any) -> rx.Component:
    return _card_of(
        "What moved most",
        data_table(
            "movers", _MOVERS, rx.foreach(paper.movers, _mover), caption="What moved most, the largest change first"
        ),
    )


def _mover(mover: Mover) -> rx.Component:
    return rx.el.tr(
        cell(_NAME, mover.name),
        cell(_OF, rx.el.span(mover.of, class_name="nowrap")),
        cell(_BEFORE, mover.before),
        cell(_AFTER, mover.after),
        cell(_CHANGE, mover.change),
        cell(_WHY, rx.el.span(mover.why, class_name="muted small")),
        key=mover.key,
    )


def _table(title: str, name: str, of: str, lines: Any) -> rx.Component:
    head = _columns(of, "Spend", "Of all")
    return _card_of(
        title,
        data_table(name, head, rx.foreach(lines, partial(_line, head)), caption=f"{title} by spend"),
    )


def _columns(name: str, figure: str, share: str) -> list[Column]:
    return [
        Column(name, narrow="first"),
        Column(figure, numeric=True, narrow="amount"),
        Column(share, numeric=True, narrow="aside"),
    ]


def _line(head: list[Column], line: Line) -> rx.Component:
    return rx.el.tr(cell(head[0], line.name), cell(head[1], line.figure), cell(head[2], line.share), key=line.key)


def _budgets(paper: Any) -> rx.Component:
    return _card_of(
        "Budgets when the period ended",
        data_table("budgets", _BUDGETS, rx.foreach(paper.budgets, _budget), caption="Budgets when the period ended"),
    )


def _budget(line: BudgetLine) -> rx.Component:
    return rx.el.tr(
        cell(_BUDGET, line.name),
        cell(_STATE, badge(line.state, line.tone)),
        cell(
            _SPENT,
            rx.el.span(
                rx.el.span(style={"width": f"{line.width}%"}, class_name=line.tone),
                class_name="bar paper-bar",
                custom_attrs={"aria-hidden": "true"},
            ),
            f"{line.spent} ({line.percent})",
        ),
        cell(_LIMIT, f"of {line.limit}"),
        cell(_FORECAST, line.forecast),
        key=line.key,
    )


def _books(paper: Any) -> rx.Component:
    return card(
        "Reconciliation",
        rx.el.dl(
            rx.foreach(paper.books, _book),
            class_name="facts paper-facts",
        ),
        rx.cond(paper.findings.length() > 0, rx.el.ul(rx.foreach(paper.findings, _told), class_name="list sentences")),
    )


def _book(line: Line) -> rx.Component:
    return rx.el.div(rx.el.dt(line.name), rx.el.dd(line.figure), key=line.key)


def _savings(paper: Any) -> rx.Component:
    return card(
        "What was not spent",
        rx.el.p(
            "What the same usage would have cost more, had it been done the other way. No part of spend, each by "
            "itself: they do not add up.",
            class_name="muted",
        ),
        rx.el.ul(rx.foreach(paper.savings, _saving), class_name="list sentences"),
    )


def _told(line: Line) -> rx.Component:
    return rx.el.li(rx.el.span(line.name), rx.el.span(line.figure, class_name="num"), key=line.key)


def _saving(line: Line) -> rx.Component:
    """The sentence has its amount, and no column that somebody would add up."""
    return rx.el.li(line.name, key=line.key)


def _paragraph(text: Any) -> rx.Component:
    return rx.el.p(text)


def _sentence(text: Any) -> rx.Component:
    return rx.el.li(text)


def _card_of(title: str, table: rx.Component) -> rx.Component:
    return rx.el.section(rx.el.div(rx.el.h2(title), class_name="card-head"), table, class_name="card")


def _unless_empty(rows: Any, part: rx.Component) -> rx.Component:
    return rx.cond(rows.length() > 0, part)
