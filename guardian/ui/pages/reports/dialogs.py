"""The dialog that asks for a report: what it is about, and of whom."""

from typing import Any

import reflex as rx

from guardian.ui.components.dialog import form_dialog
from guardian.ui.components.forms import field, options_of, select_field
from guardian.ui.pages.reports.changes import OWN_DAYS


def new_dialog(state: Any) -> rx.Component:
    """Open while the State says so."""
    return form_dialog(
        state,
        "new",
        "New report",
        select_field(
            "About",
            "span",
            options_of(state.spans),
            ident="report-span",
            default_value=state.span,
            on_change=state.choose_span,
        ),
        rx.cond(
            state.span == OWN_DAYS,
            rx.el.div(
                field("First day", "from", ident="report-from", kind="date", value=state.first, required=True),
                field("Last day", "to", ident="report-to", kind="date", value=state.last, required=True),
                class_name="budget-pair",
            ),
        ),
        select_field("Of", "team", options_of(state.teams), ident="report-team"),
        on_submit=state.make,
        verb="Make the report",
        kept="No report was asked for.",
        name="new-report",
    )
