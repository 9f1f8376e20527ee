"""The dialogs of the explorer's saved views: save, rename, delete."""

from typing import Any

import reflex as rx

from guardian.services.ledger.saved_views import MAX_NAME
from guardian.ui.components.dialog import confirm_dialog, form_dialog
from guardian.ui.components.forms import choice, field


def view_dialogs(state: Any) -> rx.Component:
    """All of them; the State says which one is open."""
    return rx.fragment(_save(state), _rename(state), _delete(state))


def _save(state: Any) -> rx.Component:
    return form_dialog(
        state,
        "save",
        "Save this view",
        _name_field(""),
        rx.cond(
            state.may_share,
            choice(
                "checkbox",
                "shared",
                "Share with the organization",
                "Everybody finds it among their saved views, and its address opens it for them.",
                ident="view-shared",
            ),
        ),
        on_submit=state.save_view,
        verb="Save",
        kept="Nothing was saved.",
        name="save-view",
    )


def _rename(state: Any) -> rx.Component:
    return form_dialog(
        state,
        "rename",
        "Rename the view",
        _name_field(state.chosen.name),
        on_submit=state.rename_view,
        verb="Rename",
        kept="Nothing was changed.",
        name="rename-view",
    )


def _delete(state: Any) -> rx.Component:
    return confirm_dialog(
        state,
        "delete",
        rx.fragment("Delete ", state.chosen.name, "?"),
        rx.el.p(
            rx.cond(
                state.chosen.shared,
                "It goes for everybody in the organization, and its address leads nowhere from then on. ",
                "Its address leads nowhere from then on. ",
            ),
            "The usage that it shows stays.",
        ),
        on_confirm=state.delete_view,
        verb="Delete the view",
        kept="Nothing was deleted.",
        name="delete-view",
    )


def _name_field(value: Any) -> rx.Component:
    return field(
        "Name",
        "name",
        ident="view-name",
        value=value,
        help="What people will look for, as in Spend of the web team by model.",
        required=True,
        auto_complete="off",
        max_length=MAX_NAME,
    )
