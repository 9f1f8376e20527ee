"""How /reconciliation looks: the answer in a sentence, why books differ, the books themselves, and the months."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button_link, icon, link, money
from guardian.ui.components.cards import card, money_tile, tile
from guardian.ui.components.chart import chart
from guardian.ui.components.choosing import segments
from guardian.ui.components.frame import frame
from guardian.ui.components.range_picker import range_picker
from guardian.ui.components.states import empty_state, notice, skeleton_card
from guardian.ui.components.table import Column, cell, copy_csv, data_table
from guardian.ui.pages.reconciliation.months import month_dialogs, months_card
from guardian.ui.pages.reconciliation.rows import BookRow, Chosen, FindingRow

_CAUSE = Column("Cause", narrow="second")
_SENTENCE = Column("What happened", narrow="first")
_WHEN = Column("Days, UTC")
_BETWEEN = Column("Between", narrow="aside")
_SIZE = Column("Amount", numeric=True, narrow="amount")
_FINDINGS = [_SENTENCE, _CAUSE, _BETWEEN, _WHEN, _SIZE]

_NAME = Column("", narrow="first")
_TRACKED = Column("Tracked", numeric=True)
_REPORTED = Column("Reported, our price", numeric=True, narrow="aside")
_BILLED = Column("Billed", numeric=True, narrow="amount")
_DIFFERENCE = Column("Billed − ours", numeric=True, narrow="second")
_LINES = [_NAME, _TRACKED, _REPORTED, _BILLED, _DIFFERENCE]


def reconciliation_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the ReconciliationState class."""
    return frame(
        state,
        here,
        rx.cond(state.has_books, _content(state), _nothing()),
        rx.cond(state.months.length() > 0, months_card(state)),
        month_dialogs(state),
        skeleton=_skeleton(),
        about=rx.cond(state.loaded, rx.el.span(state.about), rx.el.span("\u00a0")),
        actions=range_picker(state.choices, state.custom, state.first, state.last, state.choose_days),
    )


def _content(state: Any) -> rx.Component:
    return rx.fragment(
        rx.el.section(
            rx.el.h2(state.answer, custom_attrs={"data-live": "true"}, data_testid="answer"),
            rx.el.p(state.answer_note, class_name="muted"),
            class_name="card answer",
        ),
        _tiles(state),
        rx.cond(
            state.unpriced != "",
            notice(
                rx.el.p(state.unpriced), link("Give them a price", to="/prices"), tone="warn", icon_name="circle-help"
            ),
        ),
        rx.cond(
            state.has_bill,
            rx.fragment(),
            notice(
                "No cost report covers these days, so nothing can be said about the bill. An admin key that may read "
                "costs brings it; providers state a day's bill a few hours after its end.",
                rx.el.p(link("Open keys", to="/keys")),
            ),
        ),
        rx.cond(
            state.has_tracked,
            rx.fragment(),
            notice(
                "No call was tracked up to these days, so nobody knows who caused this spend. Send calls through the "
                "gateway, or tell them to the ingest API.",
            ),
        ),
        rx.el.div(
            _over_time(
                "Attribution coverage over time", state.coverage_figure, state.coverage_text, state.coverage_missing
            ),
            _over_time("Drift over time", state.drift_figure, state.drift_text, state.drift_missing),
            class_name="columns two",
        ),
        _findings(state),
        _lines(state),
    )


def _over_time(title: str, figure: Any, text: Any, missing: Any) -> rx.Component:
    return card(title, rx.cond(missing != "", rx.el.p(missing, class_name="muted"), chart(figure, text)))


def _tiles(state: Any) -> rx.Component:
    return rx.el.div(
        money_tile("Tracked", state.tracked, "single calls: gateway, ingest, imports"),
        money_tile("Reported, at our price", state.reported, state.spend),
        money_tile("Billed", state.billed, "the providers' cost reports"),
        tile("Coverage", rx.el.span(state.coverage, data_testid="coverage"), state.coverage_note),
        tile("Drift", rx.el.span(state.drift, data_testid="drift"), state.drift_note),
        class_name="tiles",
    )


def _findings(state: Any) -> rx.Component:
    return rx.el.section(
        rx.el.div(rx.el.h2("Why the books differ"), copy_csv("findings"), class_name="card-head"),
        rx.cond(
            state.findings.length() > 0,
            data_table(
                "findings",
                _FINDINGS,
                rx.foreach(state.findings, _finding),
                caption="Differences between the books, the greatest first",
                sorted_by="",
                descending=True,
                on_sort=None,
            ),
            rx.el.p("No difference at all.", class_name="muted card-body"),
        ),
        _more(state.more_findings),
        class_name="card",
    )


def _finding(row: FindingRow) -> rx.Component:
    return rx.el.tr(
        cell(_SENTENCE, rx.el.span(row.sentence), " ", link("Rows", to=row.href, class_name="small nowrap")),
        cell(_CAUSE, badge(row.cause, row.tone)),
        cell(_BETWEEN, rx.el.span(row.between, class_name="nowrap")),
        cell(_WHEN, rx.el.span(row.days, class_name="nowrap")),
        cell(_SIZE, money(row.size), custom_attrs={"data-csv": row.size.exact}, title=row.amount),
        key=row.key,
    )


def _lines(state: Any) -> rx.Component:
    return rx.el.section(
        rx.el.div(rx.el.h2("The three books side by side"), copy_csv("books"), class_name="card-head"),
        rx.el.div(
            segments(state.tabs, "Rows of the table"),
            rx.foreach(state.chosen, _chosen),
            class_name="row card-body",
        ),
        rx.cond(
            state.lines.length() > 0,
            data_table(
                "books",
                [Column(state.dimension, narrow="first"), *_LINES[1:]],
                rx.foreach(state.lines, _line),
                caption="Tracked, reported and billed, side by side",
                sorted_by="",
                descending=True,
                on_sort=None,
            ),
            rx.el.p("No book has anything here.", class_name="muted card-body"),
        ),
        _more(state.more_lines),
        class_name="card",
    )


def _chosen(chosen: Chosen) -> rx.Component:
    return rx.el.span(
        rx.el.span(rx.el.span(chosen.label, ": ", class_name="muted"), chosen.value, class_name="picked"),
        link(
            icon("x", 14),
            to=chosen.href,
            title="Remove",
            prevent_scroll_reset=True,
            custom_attrs={"aria-label": f"Show every {chosen.label}"},
        ),
        class_name="badge accent",
        key=chosen.label,
    )


def _line(row: BookRow) -> rx.Component:
    return rx.el.tr(
        cell(
            _NAME,
            rx.el.span(
                rx.cond(
                    row.color != "",
                    rx.el.span(class_name="swatch", style={"background": row.color}, aria_hidden="true"),
                ),
                link(row.name, to=row.href, prevent_scroll_reset=True),
                class_name="provider",
            ),
            rx.cond(row.detail != "", rx.el.div(row.detail, class_name="muted small")),
            custom_attrs={"data-csv": row.name},
        ),
        cell(_TRACKED, money(row.tracked), custom_attrs={"data-csv": row.tracked.exact}),
        cell(
            _REPORTED,
            rx.el.span("ours ", class_name="narrow-only"),
            money(row.reported),
            custom_attrs={"data-csv": row.reported.exact},
        ),
        cell(_BILLED, money(row.billed), custom_attrs={"data-csv": row.billed.exact}),
        cell(_DIFFERENCE, money(row.difference), custom_attrs={"data-csv": row.difference.exact}),
        key=row.key,
    )


def _more(text: Any) -> rx.Component:
    return rx.cond(text != "", rx.el.p(text, class_name="muted small card-body"))


def _nothing() -> rx.Component:
    return empty_state(
        "scale",
        "Nothing to compare in these days",
        "Here the calls that were tracked, the usage that providers report and the bill are held against each other, "
        "and every difference gets its cause. An admin key brings usage and bill; the gateway brings the calls.",
        button_link(icon("plus"), "Add a key", to="/keys", kind="primary"),
    )


def _skeleton() -> rx.Component:
    return rx.fragment(
        rx.el.div(class_name="card skeleton", style={"height": "84px"}),
        rx.el.div(*(rx.el.div(class_name="card tile skeleton") for _ in range(5)), class_name="tiles"),
        rx.el.div(*(skeleton_card(1, "292px") for _ in range(2)), class_name="columns two"),
        skeleton_card(5, "36px"),
    )
