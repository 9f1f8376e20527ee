"""The data table: sticky header, sort by click, copy as CSV; on a narrow screen each row is a card of two lines."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from guardian.ui.components.basics import icon


@dataclass(frozen=True)
class Column:
    """A column: `sort` is the name given to `on_sort`, empty where it cannot be sorted.

    `narrow` is the cell's place on a narrow screen: first, second (below it), amount (at the right), aside (below
    that), always (a line of its own) or empty (left out, already where the table gets tight).
    """

    title: str
    sort: str = ""
    numeric: bool = False
    narrow: str = ""


def cell(column: Column, *children: Any, **props: Any) -> rx.Component:
    """The cell of a row under `column`."""
    names = f"{'num' if column.numeric else 'wide'} {column.narrow or 'spare'}"
    return rx.el.td(*children, class_name=names, **props)


def data_table(
    name: str, columns: list[Column], rows: rx.Component, *, caption: str, sorted_by: Any, descending: Any, on_sort: Any
) -> rx.Component:
    """`rows` is the rx.foreach of the body's rows; `caption` says for screen readers what the table holds."""
    return rx.el.div(
        rx.el.table(
            rx.el.caption(caption, class_name="sr-only"),
            rx.el.thead(rx.el.tr(*(_head(column, sorted_by, descending, on_sort) for column in columns))),
            rx.el.tbody(rows),
            id=name,
            class_name="table",
        ),
        class_name="table-wrap",
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


def _head(column: Column, sorted_by: Any, descending: Any, on_sort: Any) -> rx.Component:
    class_name = " ".join(filter(None, ("num" if column.numeric else "", "" if column.narrow else "spare")))
    if not column.sort:
        return rx.el.th(column.title, class_name=class_name, scope="col")
    here = sorted_by == column.sort
    return rx.el.th(
        rx.el.button(
            column.title,
            rx.cond(here, rx.cond(descending, icon("arrow-down", 12), icon("arrow-up", 12)), rx.fragment()),
            type="button",
            on_click=on_sort(column.sort),
        ),
        class_name=class_name,
        scope="col",
        custom_attrs={"aria-sort": rx.cond(here, rx.cond(descending, "descending", "ascending"), "none")},
    )
