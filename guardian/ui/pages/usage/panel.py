"""The explorer's side panel: one row with its bill, where its price comes from, its timing and its raw fields."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import copy_button, link, money, provider_badge
from guardian.ui.components.side_panel import side_panel
from guardian.ui.pages.usage.bill import BillRow, Fact


def usage_panel(state: Any) -> rx.Component:
    """Open while the address names a row."""
    panel = state.panel
    return side_panel(
        panel.id != "",
        rx.cond(panel.title != "", provider_badge(panel.title, panel.color), "No such row"),
        rx.cond(
            panel.title != "",
            rx.fragment(
                rx.el.div(
                    rx.el.div(money(panel.money, data_testid="row-cost"), class_name="value"),
                    rx.el.p(panel.about, class_name="muted"),
                    rx.cond(panel.href != "", link("All about this call", to=panel.href, class_name="small")),
                    class_name="panel-lead",
                ),
                bill_of(panel),
                section("Timing", facts_list(panel.times)),
                section("Raw fields", facts_list(panel.facts)),
            ),
            rx.el.p(
                "There is no row of this id in your organization. It may have been replaced when its provider restated "
                "that hour. Close this and look at the rows of the same time.",
                class_name="muted",
            ),
        ),
        close_href=state.close_href,
        name="row",
    )


def section(title: str, *children: rx.Component) -> rx.Component:
    """A titled part of what is told of a row."""
    return rx.el.section(rx.el.h3(title), *children, class_name="panel-section")


def bill_of(panel: Any) -> rx.Component:
    """What the amount is made of, line by line, and where the price comes from."""
    return section(
        "Bill",
        rx.cond(
            panel.bill.length() > 0,
            rx.el.table(
                rx.el.caption("What the amount is made of", class_name="sr-only"),
                rx.el.thead(
                    rx.el.tr(
                        rx.el.th("Quantity and price", scope="col"), rx.el.th("Amount", scope="col", class_name="num")
                    )
                ),
                rx.el.tbody(rx.foreach(panel.bill, _bill_row)),
                rx.el.tfoot(
                    rx.el.tr(
                        rx.el.th("Sum", scope="row"),
                        rx.el.td(money(panel.sum, data_testid="bill-sum"), class_name="num"),
                    )
                ),
                class_name="bill",
            ),
        ),
        rx.el.p(panel.price, class_name="muted small"),
        rx.cond(panel.rounding != "", rx.el.p(panel.rounding, class_name="muted small")),
        rx.cond(panel.doubt != "", rx.el.p(panel.doubt, class_name="warn small")),
    )


def _bill_row(row: BillRow) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.div(row.unit),
            rx.el.div(
                row.quantity,
                " × ",
                rx.el.span(row.price, title=row.price_title),
                rx.cond(row.multiplier != "", rx.fragment(" ", row.multiplier)),
                class_name="muted small",
            ),
        ),
        rx.el.td(money(row.amount), class_name="num"),
        key=row.key,
    )


def facts_list(facts: Any) -> rx.Component:
    """Named values, those that people carry elsewhere with a button to copy them."""
    return rx.el.dl(rx.foreach(facts, _fact), class_name="raw")


def _fact(fact: Fact) -> rx.Component:
    return rx.el.div(
        rx.el.dt(fact.name),
        rx.el.dd(fact.text, rx.cond(fact.copyable, copy_button(fact.text, f"Copy {fact.name}"))),
        key=fact.name,
    )
