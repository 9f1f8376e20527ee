"""How the activity log looks: a search and filters above the lines, and what a line changed in a panel."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button, button_link, copy_button, icon, link, moment
from guardian.ui.components.cards import card
from guardian.ui.components.choosing import segments
from guardian.ui.components.filter_bar import choice_links, filter_bar, picker
from guardian.ui.components.frame import frame
from guardian.ui.components.side_panel import side_panel
from guardian.ui.components.states import skeleton_card
from guardian.ui.components.table import Column, cell, data_table, pages
from guardian.ui.pages.activity.rows import ActivityRow, Difference
from guardian.ui.rows import Choice

_WHAT = Column("What", narrow="first")
_THING = Column("Which", narrow="second")
_WHO = Column("Who", narrow="amount")
_FROM = Column("From")
_WHEN = Column("When", narrow="aside")
_NAME = Column("Name", narrow="first")
_BEFORE = Column("Before", narrow="second")
_AFTER = Column("After", narrow="always")


def activity_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the ActivityState class."""
    table = data_table(
        "activity",
        [_WHAT, _THING, _WHO, _FROM, _WHEN],
        rx.foreach(state.lines, _line),
        caption="What was done, newest first",
    )
    nothing = rx.cond(state.filtered, "Nothing is found by this.", "Nothing was done yet.")
    return frame(
        state,
        here,
        _bar(state),
        card(
            "What was done",
            rx.cond(state.lines.length() > 0, table, rx.el.p(nothing, class_name="muted none")),
            pages(state),
        ),
        _panel(state),
        skeleton=skeleton_card(8, "36px"),
        about=rx.cond(state.loaded, rx.fragment("Who did what, times in ", state.viewer.zone), "\u00a0"),
        actions=rx.cond(
            state.export_href != "",
            button_link(icon("download", 14), "Export CSV", to=state.export_href, reload_document=True),
        ),
    )


def _bar(state: Any) -> rx.Component:
    return filter_bar(
        rx.el.form(
            rx.el.input(
                type="search",
                name="q",
                default_value=state.searched,
                key=state.searched,
                placeholder="Name, id, address or value",
                size=26,
                class_name="input",
                custom_attrs={"aria-label": "Search the activity", "data-filter": "true"},
            ),
            button("Search", type="submit"),
            on_submit=state.search,
            role="search",
            class_name="row",
        ),
        segments(state.spans, "Time"),
        picker("actions", "Action", state.action, choice_links(state.actions, "Actions")),
        rx.foreach(state.chips, _chip),
    )


def _chip(choice: Choice) -> rx.Component:
    return rx.el.span(
        rx.el.span(choice.label),
        link(icon("x", 14), to=choice.href, custom_attrs={"aria-label": f"Remove the filter {choice.label}"}),
        class_name="chip",
        key=choice.label,
    )


def _line(row: ActivityRow) -> rx.Component:
    return rx.el.tr(
        cell(_WHAT, link(row.what, to=row.href, prevent_scroll_reset=True)),
        cell(_THING, row.thing),
        cell(
            _WHO,
            rx.cond(row.person_href != "", link(row.who, to=row.person_href), rx.el.span(row.who, class_name="muted")),
            rx.cond(row.through != "", rx.el.div(row.through, class_name="small bad"), rx.fragment()),
        ),
        cell(_FROM, row.address),
        cell(_WHEN, moment(row.when)),
        key=row.id,
    )


def _panel(state: Any) -> rx.Component:
    detail = state.detail
    return side_panel(
        detail.id != "",
        detail.what,
        rx.el.dl(
            _fact("Who", detail.who),
            rx.cond(detail.through != "", _fact("Really", f"{detail.through}, through their eyes"), rx.fragment()),
            _fact("When", detail.when),
            _fact("From", detail.address),
            _fact("Action", rx.el.code(detail.code)),
            _fact("Kind", detail.kind),
            rx.cond(
                detail.thing != "",
                _fact("Thing", link(detail.thing, to=detail.thing_href)),
                rx.fragment(),
            ),
            rx.cond(
                detail.request != "–",
                _fact("Request", rx.el.code(detail.request), copy_button(detail.request, "Copy the request id")),
                rx.fragment(),
            ),
            _fact("Number", detail.number),
            rx.foreach(detail.facts, _told),
            class_name="facts",
        ),
        rx.cond(
            detail.changes.length() > 0,
            rx.el.section(
                rx.el.h3("What changed"),
                data_table(
                    "changes",
                    [_NAME, _BEFORE, _AFTER],
                    rx.foreach(detail.changes, _difference),
                    caption="What changed, before and after",
                ),
            ),
            rx.fragment(),
        ),
        rx.cond(
            detail.others != "",
            rx.el.section(rx.el.h3("Changed with it"), rx.el.pre(detail.others, class_name="mail-text")),
            rx.fragment(),
        ),
        close_href=state.close_href,
        name="activity-detail",
    )


def _fact(name: str, *value: Any) -> rx.Component:
    return rx.el.div(rx.el.dt(name), rx.el.dd(*value))


def _told(fact: Difference) -> rx.Component:
    return rx.el.div(rx.el.dt(fact.name), rx.el.dd(fact.after), key=fact.name)


def _difference(row: Difference) -> rx.Component:
    return rx.el.tr(
        cell(_NAME, row.name),
        cell(_BEFORE, rx.el.span("was ", class_name="narrow-only"), row.before),
        cell(_AFTER, rx.el.span("now ", class_name="narrow-only"), row.after),
        key=row.name,
    )
