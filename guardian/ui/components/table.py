"""The data table: sticky header, sort by click, columns to hide, CSV; on a narrow screen each row is a small card."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from guardian.ui.components.basics import button_link, icon, link


@dataclass(frozen=True)
class Column:
    """A column: `sort` is the name given to `on_sort` or `sorts`, empty where it cannot be sorted.

    `narrow` is the cell's place on a narrow screen: first, second (below it), amount (at the right), aside (below
    that), always (a line of its own) or empty (left out, already where the table gets tight). `name` is what the
    table's `hidden` calls it, empty where it cannot be hidden.
    """

    title: str
    sort: str = ""
    numeric: bool = False
    narrow: str = ""
    name: str = ""


def cell(column: Column, *children: Any, hidden: Any = None, **props: Any) -> rx.Component:
    """The cell of a row under `column`; `hidden` is the var of the names of the columns that are not shown."""
    names = f"{'num' if column.numeric else 'wide'} {column.narrow or 'spare'}"
    return _unless_hidden(column, hidden, rx.el.td(*children, class_name=names, **props))


def data_table(
    name: str,
    columns: list[Column],
    rows: rx.Component,
    *,
    caption: str,
    sorted_by: Any = "",
    descending: Any = False,
    on_sort: Any = None,
    sorts: Any = None,
    hidden: Any = None,
    scrolls: Any = False,
) -> rx.Component:
    """`rows` is the rx.foreach of the body's rows; `caption` says for screen readers what the table holds.

    A click on a head calls `on_sort` with the column's name, or follows the address that `sorts` has for it. A table
    that `scrolls` has more columns than fit, and a box of its own to scroll them in.
    """
    heads = (_unless_hidden(each, hidden, _head(each, sorted_by, descending, on_sort, sorts)) for each in columns)
    return rx.el.div(
        rx.el.table(
            rx.el.caption(caption, class_name="sr-only"),
            rx.el.thead(rx.el.tr(*heads)),
            rx.el.tbody(rows),
            id=name,
            class_name="table",
        ),
        class_name=rx.cond(scrolls, "table-wrap scrolls", "table-wrap"),
        custom_attrs={"tabIndex": "0", "role": "region", "aria-label": caption},
    )


def copy_csv(table: str) -> rx.Component:
    """A button that copies the table of that name as CSV, exact amounts included."""
    return rx.el.button(
        icon("copy", 14),
        rx.el.span("Copy CSV", custom_attrs={"data-copy-label": "true"}),
        type="button",
        class_name="button quiet",
        custom_attrs={"data-copy-table": table},
    )


def download_csv(table: str, filename: Any) -> rx.Component:
    """A button that saves the table of that name as a file, exact amounts included."""
    return rx.el.button(
        icon("download", 14),
        "Download CSV",
        type="button",
        class_name="button quiet",
        custom_attrs={"data-save-table": table, "data-filename": filename},
    )


def pages(state: Any) -> rx.Component:
    """Below a table that is turned by the address: to `state.next_href`, and back to `state.first_href`."""
    return rx.cond(
        (state.next_href != "") | (state.first_href != ""),
        rx.el.nav(
            rx.cond(state.first_href != "", button_link("Newest", to=state.first_href), rx.fragment()),
            rx.cond(state.next_href != "", button_link("Older", to=state.next_href), rx.fragment()),
            class_name="row more",
            custom_attrs={"aria-label": "Pages of the list"},
        ),
        rx.fragment(),
    )


def _unless_hidden(column: Column, hidden: Any, part: rx.Component) -> rx.Component:
    if hidden is None or not column.name:
        return part
    return rx.cond(hidden.contains(column.name), rx.fragment(), part)


def _head(column: Column, sorted_by: Any, descending: Any, on_sort: Any, sorts: Any) -> rx.Component:
    class_name = " ".join(filter(None, ("num" if column.numeric else "", "" if column.narrow else "spare")))
    if not column.sort:
        return rx.el.th(column.title, class_name=class_name, scope="col")
    here = sorted_by == column.sort
    arrow = rx.cond(here, rx.cond(descending, icon("arrow-down", 12), icon("arrow-up", 12)))
    sort = (
        rx.el.button(column.title, arrow, type="button", on_click=on_sort(column.sort))
        if on_sort is not None
        else link(column.title, arrow, to=sorts[column.sort], prevent_scroll_reset=True)
    )
    return rx.el.th(
        sort,
        class_name=class_name,
        scope="col",
        custom_attrs={"aria-sort": rx.cond(here, rx.cond(descending, "descending", "ascending"), "none")},
    )
