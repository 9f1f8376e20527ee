"""How /billing looks: the plan and its bars, what can be bought beside it, the invoices; calm where nothing is sold."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.services.people.billing.plans import HOLD
from guardian.ui.components.basics import badge, button, icon, link, moment
from guardian.ui.components.cards import card
from guardian.ui.components.dialog import confirm_dialog
from guardian.ui.components.frame import frame
from guardian.ui.components.states import notice, progress_bar, skeleton_card
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.billing.rows import InvoiceRow, PlanRow, SumLine, UsedRow

_NUMBER = Column("Invoice", narrow="first")
_PERIOD = Column("Period", narrow="second")
_AMOUNT = Column("Amount", numeric=True, narrow="amount")
_STATUS = Column("Status", narrow="aside")
_WHEN = Column("Made", narrow="always")
_PDF = Column("", narrow="always")
_COLUMNS = [_NUMBER, _PERIOD, _STATUS, _AMOUNT, _WHEN, _PDF]


def billing_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the BillingState class."""
    return frame(
        state,
        here,
        rx.cond(state.on_the_way != "", notice(rx.el.p(state.on_the_way), icon_name="hourglass")),
        _plan(state),
        rx.cond(state.sold, _offers(state)),
        rx.cond(state.sold | (state.invoices.length() > 0), _invoices(state, here)),
        _change_dialog(state),
        _end_dialog(state),
        skeleton=rx.fragment(skeleton_card(5, "28px"), skeleton_card(3, "28px")),
        about=rx.cond(
            state.loaded,
            rx.cond(
                state.sold,
                "What your organization may use, and what it pays for it.",
                "This installation is your own: there is nothing to buy, and nothing is locked.",
            ),
            "\u00a0",
        ),
        actions=rx.cond(
            state.loaded & state.has_portal, button(icon("credit-card", 14), "Cards and addresses", on_click=state.pay)
        ),
    )


def _plan(state: Any) -> rx.Component:
    return card(
        rx.fragment("Plan ", rx.el.span(state.plan, custom_attrs={"data-testid": "plan"})),
        rx.el.div(rx.foreach(state.used, _used), class_name="plan-used"),
        rx.el.p(state.kept, class_name="muted small"),
        rx.cond(
            state.next_step != "",
            rx.el.div(
                rx.el.span(state.next_step),
                rx.cond(state.can_end, button("End the subscription", on_click=state.ask_end)),
                rx.cond(state.can_go_on, button("Go on after all", on_click=state.go_on)),
                class_name="row plan-next",
            ),
        ),
        aside=rx.el.span(state.price, class_name="muted small"),
    )


def _used(row: UsedRow) -> rx.Component:
    return rx.el.div(
        rx.cond(
            row.percent != "",
            progress_bar(row.name, row.percent, rx.fragment(rx.el.strong(row.used), " ", row.note)),
            rx.el.div(
                rx.el.span(row.name),
                rx.el.span(rx.el.strong(row.used), " ", row.note, class_name="muted small push"),
                class_name="row",
            ),
        ),
        class_name=f"plan-limit {row.tone}",
        key=row.name,
        custom_attrs={"data-testid": "limit"},
    )


def _offers(state: Any) -> rx.Component:
    return rx.el.section(
        rx.el.h2("Plans", class_name="sr-only"),
        rx.el.div(rx.foreach(state.plans, partial(_offer, state)), class_name="plans"),
    )


def _offer(state: Any, row: PlanRow) -> rx.Component:
    lines: Any = row.lines
    return rx.el.section(
        rx.el.div(rx.el.h3(row.name), rx.cond(row.current, badge("Yours", "good")), class_name="row plan-name"),
        rx.el.p(row.price, class_name="plan-price"),
        rx.el.ul(rx.foreach(lines, _line)),
        rx.cond(row.verb != "", rx.cond(row.larger, _choose(state, row, "primary"), _choose(state, row, ""))),
        class_name="card plan-offer",
        key=row.plan,
    )


def _choose(state: Any, row: PlanRow, kind: str) -> rx.Component:
    return button(
        row.verb, kind=kind, on_click=state.choose(row.plan), custom_attrs={"data-testid": f"choose-{row.plan}"}
    )


def _line(text: str) -> rx.Component:
    return rx.el.li(icon("check", 14), rx.el.span(text))


def _item(text: str) -> rx.Component:
    return rx.el.li(text)


def _sum(line: SumLine) -> rx.Component:
    return rx.fragment(rx.el.dt(line.name), rx.el.dd(line.amount))


def _invoices(state: Any, here: str) -> rx.Component:
    return card(
        "Invoices",
        rx.cond(
            (state.invoices.length() > 0) | ~state.newest,
            rx.fragment(
                data_table(
                    "invoices", _COLUMNS, rx.foreach(state.invoices, _invoice), caption="Invoices, latest first"
                ),
                rx.cond(
                    (state.older != "") | ~state.newest,
                    rx.el.div(
                        rx.cond(state.newest, rx.fragment(), link("Newest", to=here)),
                        rx.cond(state.older != "", link("Older", to=state.older)),
                        class_name="card-foot",
                    ),
                ),
            ),
            rx.el.p("No invoice yet. Each one will be here, as a PDF too, and comes by mail.", class_name="muted"),
        ),
    )


def _invoice(row: InvoiceRow) -> rx.Component:
    return rx.el.tr(
        cell(_NUMBER, rx.el.span(row.number)),
        cell(_PERIOD, row.period),
        cell(_STATUS, badge(row.status, row.tone)),
        cell(_AMOUNT, row.amount),
        cell(_WHEN, moment(row.when)),
        cell(
            _PDF,
            rx.el.span(
                # Answered by the API and no page of ours: the browser follows it by itself.
                link(
                    "PDF", to=row.pdf, reload_document=True, custom_attrs={"aria-label": f"Invoice {row.number} as PDF"}
                ),
                rx.cond(
                    row.pay != "",
                    rx.el.a("Pay", href=row.pay, custom_attrs={"aria-label": f"Pay invoice {row.number}"}),
                ),
                class_name="row",
            ),
        ),
        key=row.id,
        custom_attrs={"data-testid": "invoice"},
    )


def _change_dialog(state: Any) -> rx.Component:
    change = state.change
    return confirm_dialog(
        state,
        "change",
        rx.fragment("Move to ", change.name),
        rx.el.dl(
            rx.foreach(change.lines, _sum),
            rx.el.dt(rx.el.strong(change.due_name)),
            rx.el.dd(rx.el.strong(change.due, custom_attrs={"data-testid": "due"})),
            rx.el.dt("After that"),
            rx.el.dd(change.after),
            class_name="plan-sums",
        ),
        rx.cond(
            change.too_many.length() > 0,
            notice(
                rx.el.p("There is more than this plan has room for. It stays, but nothing new can be added:"),
                rx.el.ul(rx.foreach(change.too_many, _item)),
                tone="warn",
                icon_name="triangle-alert",
            ),
        ),
        on_confirm=state.apply,
        verb=rx.fragment("Move to ", change.name),
        kept="Nothing was changed.",
        kind="primary",
        name="change",
    )


def _end_dialog(state: Any) -> rx.Component:
    return confirm_dialog(
        state,
        "end",
        "End the subscription?",
        rx.el.p("The plan stays until what is paid for is over. After that the limits of the plan Free hold:"),
        rx.el.ul(
            rx.el.li("Keys, alerts, members and sums stay."),
            rx.el.li("Nothing new can be added beyond what Free has room for."),
            rx.el.li("The gateway stops at Free's number of requests a month."),
            rx.el.li(f"{HOLD.days} days later, single calls are kept for as long as Free keeps them."),
        ),
        on_confirm=state.end,
        verb="End the subscription",
        kept="It goes on as before.",
        name="end",
    )
