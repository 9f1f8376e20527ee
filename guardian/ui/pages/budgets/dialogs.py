"""The dialogs of the budgets: the form, the raise, and the deletion."""

from typing import Any

import reflex as rx

from guardian.ui.components.dialog import confirm_dialog, form_dialog
from guardian.ui.components.forms import field
from guardian.ui.pages.budgets.form import budget_form


def budget_dialogs(state: Any) -> rx.Component:
    """All of them; the State says which one is open."""
    return rx.fragment(budget_form(state), _raise(state), _delete(state))


def _raise(state: Any) -> rx.Component:
    return form_dialog(
        state,
        "raise",
        rx.fragment("Raise ", state.budget.name, " for a time"),
        rx.el.div(
            field(
                "Limit until then, in dollars",
                "amount",
                ident="raise-amount",
                value=state.raise_amount,
                help=f"Now {state.budget.limit.text}.",
                required=True,
                custom_attrs={"inputMode": "decimal", "autoComplete": "off"},
            ),
            field(
                "Last day",
                "until",
                ident="raise-until",
                kind="date",
                value=state.raise_until,
                min=state.raise_first,
                help="It ends by itself.",
                required=True,
            ),
            class_name="budget-pair",
        ),
        field(
            "Why",
            "reason",
            ident="raise-reason",
            help="Kept in the activity log, and shown on the budget.",
            required=True,
            max_length=200,
            custom_attrs={"autoComplete": "off"},
        ),
        on_submit=state.lift,
        verb="Raise the limit",
        kept="The limit is as it was.",
        name="raise-budget",
    )


def _delete(state: Any) -> rx.Component:
    return confirm_dialog(
        state,
        "delete",
        rx.fragment("Delete ", state.budget.name, "?"),
        rx.el.p(
            "What was spent stays in the ledger. Nothing is stopped or told by this budget any more, and access "
            "tokens that name it have none."
        ),
        word=state.budget.name,
        on_confirm=state.delete,
        verb="Delete the budget",
        kept="Nothing was deleted.",
        name="delete-budget",
    )
