"""The explorer's two tables: groups, which are the legend of the bars, and single rows."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import button_link, icon, link, money
from guardian.ui.components.filter_bar import check_links, picker
from guardian.ui.components.table import Column, cell, copy_csv, data_table, download_csv
from guardian.ui.pages.usage.groups import GroupRow
from guardian.ui.pages.usage.lines import UsageRow

_NAME = Column("Name", sort="name", narrow="first")
_SPEND = Column("Spend", sort="cost", numeric=True, narrow="amount")
_SHARE = Column("Share", numeric=True)
_CHANGE = Column("Change", sort="change", numeric=True, narrow="aside")
_CALLS = Column("Calls", sort="requests", numeric=True)
_TOKENS = Column("Tokens", sort="tokens", numeric=True, narrow="second")
_GROUPS = [_NAME, _SPEND, _SHARE, _CHANGE, _CALLS, _TOKENS]

_FITTING = 5  # columns that must be hidden for the others to fit beside each other
_WHEN = Column("Time", narrow="second")
_MODEL = Column("Model", narrow="first")
_PROJECT = Column("Project", name="project")
_KEY = Column("Provider key", name="key")
_PERSON = Column("Person", name="person")
_TIER = Column("Tier", name="tier")
_SESSION = Column("Session", name="session")
_TAGS = Column("Tags", name="tags")
_BOOK = Column("Book", name="book")
_REQUESTS = Column("Calls", numeric=True, name="calls")
_INPUT = Column("Tokens in", numeric=True, name="input")
_OUTPUT = Column("Tokens out", numeric=True, name="output")
_COST = Column("Cost", numeric=True, narrow="amount")
_ROWS = [
    *(_WHEN, _MODEL, _PROJECT, _KEY, _PERSON, _TIER, _SESSION, _TAGS, _BOOK),
    *(_REQUESTS, _INPUT, _OUTPUT, _COST),
]


def groups_table(state: Any) -> rx.Component:
    """What the bars are made of; a click looks into a group."""
    return rx.el.section(
        rx.el.div(
            rx.el.h2(
                "By ",
                state.grouped_by,
                rx.cond(
                    state.compared != "", rx.el.span(", change against ", state.compared, class_name="muted small")
                ),
            ),
            rx.el.div(
                copy_csv("groups"),
                download_csv("groups", f"spend-{state.first}-{state.last}.csv"),
                class_name="row tools",
            ),
            class_name="card-head",
        ),
        data_table(
            "groups",
            _GROUPS,
            rx.foreach(state.groups, _group),
            caption="Spend by group",
            sorted_by=state.sorted_by,
            descending=state.descending,
            sorts=state.sorts,
        ),
        rx.cond(
            state.more_href != "",
            rx.el.div(button_link("Show more", to=state.more_href, prevent_scroll_reset=True), class_name="card-foot"),
        ),
        class_name="card",
    )


def _share(row: GroupRow) -> rx.Component:
    bar = rx.el.span(
        rx.el.span(style={"width": f"{row.width}%", "background": row.color}),
        class_name="bar",
        custom_attrs={"aria-hidden": "true"},
    )
    return cell(
        _SHARE,
        rx.cond(row.share != "", bar),
        rx.el.span(row.share, class_name="share"),
        custom_attrs={"data-csv": row.share_csv},
    )


def _group(row: GroupRow) -> rx.Component:
    swatch = rx.el.span(class_name="swatch", style={"background": row.color}, custom_attrs={"aria-hidden": "true"})
    name = rx.cond(
        row.href != "",
        link(row.name, to=row.href, prevent_scroll_reset=True, class_name="into"),
        rx.el.span(row.name),
    )
    return rx.el.tr(
        cell(
            _NAME,
            rx.el.span(
                swatch,
                name,
                rx.cond(row.detail != "", rx.el.code(row.detail, class_name="muted")),
                class_name="named",
            ),
            title=row.title,
            custom_attrs={"data-csv": row.title},
        ),
        cell(_SPEND, money(row.money), custom_attrs={"data-csv": row.money.exact}),
        _share(row),
        cell(_CHANGE, rx.cond(row.change.text != "", row.change.text, "–"), custom_attrs={"data-csv": row.change_csv}),
        cell(
            _CALLS,
            rx.el.span(
                row.requests_text,
                class_name=rx.cond(row.requests_title != "", "marked", ""),
                custom_attrs={"aria-description": row.requests_title},
            ),
            title=row.requests_title,
            custom_attrs={"data-csv": row.requests_csv},
        ),
        cell(
            _TOKENS,
            row.tokens_text,
            rx.el.span(" tokens", class_name="narrow-only"),
            title=row.tokens_title,
            custom_attrs={"data-csv": f"{row.tokens}"},
        ),
        key=row.key,
        class_name=rx.cond(row.href != "", "opens", ""),
    )


def rows_table(state: Any) -> rx.Component:
    """Single rows, newest first; a click opens the bill."""
    return rx.el.section(
        rx.el.div(
            rx.el.h2("Rows ", rx.el.span("of every book, newest first", class_name="muted small")),
            rx.el.div(
                picker("columns", "", "Columns", check_links(state.columns, "Columns"), symbol="columns-3"),
                copy_csv("rows"),
                download_csv("rows", f"usage-rows-{state.first}-{state.last}.csv"),
                class_name="row tools",
            ),
            class_name="card-head",
        ),
        data_table(
            "rows",
            _ROWS,
            rx.foreach(state.lines, partial(_row, state)),
            caption="Usage rows",
            hidden=state.hidden,
            scrolls=state.hidden.length() < _FITTING,
        ),
        rx.cond(
            (state.older_href != "") | (state.newest_href != ""),
            rx.el.nav(
                rx.cond(
                    state.newest_href != "", button_link(icon("chevrons-left", 14), "Newest", to=state.newest_href)
                ),
                rx.cond(
                    state.older_href != "",
                    button_link("Older", icon("chevron-right", 14), to=state.older_href),
                    rx.el.span("These are the oldest of the range.", class_name="muted small"),
                ),
                class_name="card-foot",
                custom_attrs={"aria-label": "Older and newer rows"},
            ),
        ),
        class_name="card",
    )


def _row(state: Any, row: UsageRow) -> rx.Component:
    hidden = state.hidden
    return rx.el.tr(
        cell(_WHEN, row.when, title=row.when_title, custom_attrs={"data-csv": row.moment}),
        cell(
            _MODEL,
            rx.el.span(
                rx.el.span(class_name="swatch", style={"background": row.color}, custom_attrs={"aria-hidden": "true"}),
                link(row.model, to=row.href, prevent_scroll_reset=True, class_name="into"),
                class_name="named",
            ),
            rx.el.div(row.provider, ", ", row.operation, class_name="muted small"),
            title=row.model_title,
            custom_attrs={"data-csv": row.model_title},
        ),
        cell(_PROJECT, row.project, hidden=hidden, title=row.project_title),
        cell(_KEY, row.provider_key, hidden=hidden, title=row.provider_key_title),
        cell(_PERSON, row.person, hidden=hidden),
        cell(_TIER, row.tier, hidden=hidden),
        cell(_SESSION, row.session, hidden=hidden),
        cell(_TAGS, row.tags, hidden=hidden),
        cell(_BOOK, row.book, hidden=hidden),
        cell(_REQUESTS, row.requests, hidden=hidden, custom_attrs={"data-csv": row.requests_csv}),
        cell(_INPUT, row.input, hidden=hidden, title=row.input_csv, custom_attrs={"data-csv": row.input_csv}),
        cell(_OUTPUT, row.output, hidden=hidden, title=row.output_csv, custom_attrs={"data-csv": row.output_csv}),
        cell(_COST, money(row.money), custom_attrs={"data-csv": row.money.exact}),
        key=row.key,
        class_name="opens",
    )
