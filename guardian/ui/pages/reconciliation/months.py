"""The months of /reconciliation: which are closed, what changed since, and the dialogs that close and reopen."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, money
from guardian.ui.components.cards import card
from guardian.ui.components.dialog import confirm_dialog, form_dialog
from guardian.ui.components.forms import field
from guardian.ui.components.states import notice
from guardian.ui.pages.reconciliation.rows import MonthRow


def months_card(state: Any) -> rx.Component:
    """The months, newest first."""

    def month(row: MonthRow) -> rx.Component:
        return _month(row, state)

    return card("Months", rx.el.ul(rx.foreach(state.months, month), class_name="list"))


def _month(row: MonthRow, state: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(rx.el.strong(row.name), badge(row.state, row.tone), class_name="row"),
            rx.cond(
                row.note != "",
                rx.el.p(
                    "Spend ", money(row.spend), ", billed ", money(row.billed), ". ", row.note, class_name="muted small"
                ),
            ),
            rx.cond(
                row.adjusted,
                rx.el.div(
                    rx.el.p("Adjustments since", class_name="small label-text"),
                    rx.el.ul(rx.foreach(row.adjustments, _item)),
                    class_name="stack tight",
                ),
            ),
            class_name="stack",
        ),
        rx.cond(
            row.may_close,
            button("Close month", on_click=state.open_close(row.month), title=f"Close {row.name}"),
            rx.cond(
                row.may_reopen, button("Reopen", on_click=state.open_reopen(row.month), title=f"Reopen {row.name}")
            ),
        ),
        key=row.month,
    )


def _item(text: str) -> rx.Component:
    return rx.el.li(text, class_name="small")


def month_dialogs(state: Any) -> rx.Component:
    """The dialog that is open, if any."""
    return rx.fragment(_close_dialog(state), _reopen_dialog(state))


def _close_dialog(state: Any) -> rx.Component:
    return form_dialog(
        state,
        "close",
        rx.fragment("Close ", state.month.name, "?"),
        field("Note", "note", ident="month-note", help="For whoever reads it later; may stay empty."),
        before=rx.fragment(
            rx.el.p(
                "Its figures are kept as they stand now. What providers restate, what is priced anew or imported later "
                "does not change them: it is listed beside them as an adjustment."
            ),
            rx.cond(
                state.month.doubtful,
                notice(
                    rx.el.p(rx.el.strong("It is not settled yet.")),
                    rx.el.ul(rx.foreach(state.month.doubts, _item)),
                    tone="warn",
                    icon_name="triangle-alert",
                ),
            ),
        ),
        on_submit=state.close_month,
        verb=rx.cond(state.month.doubtful, "Close it as it is", "Close month"),
        kept="The month stays open.",
        name="close-month",
    )


def _reopen_dialog(state: Any) -> rx.Component:
    return confirm_dialog(
        state,
        "reopen",
        rx.fragment("Reopen ", state.month.name, "?"),
        rx.el.p(
            "The figures that were frozen are forgotten, and with them what changed since. It can be closed again, "
            "with the figures of then."
        ),
        word=state.month.name,
        on_confirm=state.reopen,
        verb="Reopen month",
        kept="The month stays closed.",
        name="reopen-month",
    )
