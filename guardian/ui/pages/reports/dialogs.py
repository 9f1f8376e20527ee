"""The dialog that asks for a report: what it is about, and of whom."""

from typing import Any

import reflex as rx

from guardian.ui.components.dialog import form_dialog
from guardian.ui.components.forms import field
from guardian.ui.pages.reports.changes import OWN_DAYS
from guardian.ui.pages.reports.rows import Option


def new_dialog(state: Any) -> rx.Component:
    """Open while the State says so."""
    return form_dialog(
        state,
        "new",
        "New report",
        _select("About", "span", state.spans, default_value=state.span, on_change=state.choose_span),
        rx.cond(
            state.span == OWN_DAYS,
            rx.el.div(
                field("First day", "from", ident="report-from", kind="date", value=state.first, required=True),
                field("Last day", "to", ident="report-to", kind="date", value=state.last, required=True),
                class_name="budget-pair",
            ),
            rx.fragment(),
        ),
        _select("Of", "team", state.teams),
        on_submit=state.make,
        verb="Make the report",
        kept="No report was asked for.",
        name="new-report",
    )


def _select(label: str, name: str, options: Any, **props: Any) -> rx.Component:
    ident = f"report-{name}"
    return rx.el.div(
        rx.el.label(label, html_for=ident),
        rx.el.select(rx.foreach(options, _option), name=name, id=ident, class_name="input", **props),
        class_name="field",
    )


def _option(option: Option) -> rx.Component:
    return rx.el.option(option.text, value=option.value, key=option.value)
