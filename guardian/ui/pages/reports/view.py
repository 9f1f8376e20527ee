"""How /reports looks: the list or nothing yet; one report while it is made, when it failed, and when it is there."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, button_link, icon, link, moment, money
from guardian.ui.components.frame import frame
from guardian.ui.components.states import empty_state, loading_note, notice, skeleton, skeleton_card
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.reports.dialogs import new_dialog
from guardian.ui.pages.reports.paper import paper_view
from guardian.ui.pages.reports.rows import ReportRow

_TITLE = Column("Report", narrow="first")
_KIND = Column("Kind", narrow="second")
_STATUS = Column("Status", narrow="aside")
_TOTAL = Column("Spend", numeric=True, narrow="amount")
_CHANGE = Column("Change", numeric=True)
_BY = Column("Who asked")
_MADE = Column("Asked for")
_COLUMNS = [_TITLE, _KIND, _STATUS, _TOTAL, _CHANGE, _BY, _MADE]


def reports_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the ReportsState class."""
    new = rx.cond(state.can_create, button(icon("plus"), "New report", kind="primary", on_click=state.open_new))
    return frame(
        state,
        here,
        rx.cond(
            state.asked != "",
            _opened(state, here),
            rx.cond((state.reports.length() > 0) | ~state.newest, _list(state, here), _empty(new)),
        ),
        new_dialog(state),
        skeleton=rx.fragment(skeleton_card(4, "28px"), skeleton_card(3, "28px")),
        about=rx.cond(
            state.loaded & (state.asked == ""),
            f"Made by themselves after each week and month, of the organization and of each team. "
            f"Times in {state.viewer.zone}.",
            "\u00a0",
        ),
        actions=rx.cond(
            state.loaded,
            rx.cond(
                state.asked != "",
                button_link(icon("arrow-left", 14), "All reports", to=here),
                rx.cond(state.reports.length() > 0, new),
            ),
        ),
    )


def _list(state: Any, here: str) -> rx.Component:
    return rx.el.section(
        data_table("reports", _COLUMNS, rx.foreach(state.reports, _report), caption="Reports, the latest first"),
        rx.cond(
            (state.older != "") | ~state.newest,
            rx.el.div(
                rx.cond(state.newest, rx.fragment(), link("Newest", to=here)),
                rx.cond(state.older != "", link("Older", to=state.older)),
                class_name="card-foot",
            ),
        ),
        class_name="card",
    )


def _report(row: ReportRow) -> rx.Component:
    return rx.el.tr(
        cell(_TITLE, link(row.title, to=row.href, class_name="into")),
        cell(_KIND, rx.el.span(row.kind, class_name="nowrap")),
        cell(_STATUS, rx.el.span(badge(row.status, row.tone), title=row.error)),
        cell(_TOTAL, money(row.total)),
        cell(_CHANGE, row.change),
        cell(_BY, rx.el.span(row.by, class_name="nowrap")),
        cell(_MADE, rx.el.span(moment(row.made), class_name="nowrap")),
        key=row.id,
        class_name="opens",
        custom_attrs={"data-testid": "report"},
    )


def _opened(state: Any, here: str) -> rx.Component:
    paper = state.paper
    return rx.cond(
        paper.id == "",
        empty_state(
            "search-x",
            "There is no such report",
            "No report of your organization has this id. The address may be cut off or mistyped.",
            button_link("Show all reports", to=here, kind="primary"),
        ),
        rx.cond(paper.ready, paper_view(state), rx.cond(paper.failed, _failed(state), _being_made(paper))),
    )


def _failed(state: Any) -> rx.Component:
    return rx.fragment(
        rx.el.h2(state.paper.title, class_name="paper-title"),
        notice(
            rx.el.p(state.paper.error),
            rx.cond(
                state.can_create,
                button(icon("rotate-cw", 14), "Make it again", on_click=state.make_again(state.paper.id)),
            ),
            tone="bad",
            icon_name="circle-alert",
        ),
    )


def _being_made(paper: Any) -> rx.Component:
    return rx.fragment(
        rx.el.h2(paper.title, class_name="paper-title"),
        notice(
            rx.el.p("This report is being made. It shows here by itself, mostly within a minute; you may leave."),
            icon_name="hourglass",
        ),
        loading_note("The report is being made"),
        rx.el.div(
            *(rx.el.div(skeleton("16px", "40%"), skeleton("32px", "70%"), class_name="card tile") for _ in range(4)),
            class_name="tiles",
            custom_attrs={"aria-hidden": "true"},
        ),
        skeleton_card(1, "240px"),
    )


def _empty(new: rx.Component) -> rx.Component:
    return empty_state(
        "file-text",
        "No report yet",
        "A report says what a week or a month has cost, what changed and why, what comes next, and how budgets stand. "
        "The first one is made by itself when a week with usage is over; or ask for one now.",
        new,
    )
