"""Cards: tiles with one figure, figures in a row, ranked breakdowns, and the frame of a chart."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import link, money
from guardian.ui.rows import Money, Ranked


def card(title: Any, *children: Any, aside: rx.Component | None = None) -> rx.Component:
    """A titled card."""
    return rx.el.section(
        rx.el.div(rx.el.h2(title), aside or rx.fragment(), class_name="card-head"),
        rx.el.div(*children, class_name="card-body"),
        class_name="card",
    )


def tile(name: Any, value: rx.Component, *notes: Any, lead: bool = False) -> rx.Component:
    """One figure with its name above and what it means below; `lead` makes it the answer of the page."""
    return rx.el.section(
        rx.el.h2(name, class_name="name"),
        rx.el.div(value, class_name="value"),
        *(rx.el.div(note, class_name="note") for note in notes),
        class_name="card tile lead" if lead else "card tile",
    )


def figure(name: Any, value: rx.Component, *notes: Any, lead: bool = False) -> rx.Component:
    """One of several figures in a row of one card; `lead` makes it the answer of the page."""
    return rx.el.div(
        rx.el.h2(name, class_name="name"),
        rx.el.div(value, class_name="value"),
        *notes,
        class_name="figure lead" if lead else "figure",
    )


def money_tile(name: Any, amount: Money, *notes: Any, testid: str | None = None, lead: bool = False) -> rx.Component:
    """A tile whose figure is an amount."""
    props: dict[str, Any] = {"data_testid": testid} if testid else {}
    return tile(name, money(amount, **props), *notes, lead=lead)


def ranked_card(title: str, rows: Any, nothing: str) -> rx.Component:
    """A breakdown: names with their share as a bar, the most expensive first; `nothing` is said when there is none."""
    return card(
        title,
        rx.cond(
            rows.length() > 0,
            rx.el.ol(rx.foreach(rows, _ranked_row), class_name="ranked"),
            rx.el.p(nothing, class_name="muted"),
        ),
    )


def _ranked_row(row: Ranked) -> rx.Component:
    return rx.el.li(
        rx.el.span(
            rx.cond(
                row.href != "",
                rx.el.span(link(row.name, to=row.href)),
                rx.el.span(row.name),
            ),
            rx.cond(row.detail != "", rx.el.span(row.detail, class_name="muted small")),
            title=rx.cond(row.detail != "", f"{row.name}, {row.detail}", row.name),
            class_name="name",
        ),
        rx.el.span(row.share, class_name="share"),
        rx.el.span(money(row.money), class_name="amount"),
        rx.el.span(
            rx.el.span(style={"width": f"{row.width}%", "background": row.color}),
            class_name="bar",
            custom_attrs={"aria-hidden": "true"},
        ),
        key=row.key,
    )
