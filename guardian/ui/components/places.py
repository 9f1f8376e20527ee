"""The organization switch of the frame: a button with the name, and a menu of the others."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import icon
from guardian.ui.components.dialog import actions, dialog
from guardian.ui.components.forms import field
from guardian.ui.places import PlaceRow, PlacesState


def place_switch(organization: Any, name: str) -> rx.Component:
    """The button and its menu; `name` is the menu's id, unique on the page."""
    return rx.el.div(
        rx.el.button(
            icon("building-2", 18),
            rx.el.span(
                rx.el.span("Organization", class_name="muted small"),
                rx.el.strong(organization),
                class_name="organization label",
            ),
            icon("chevrons-up-down", 14),
            type="button",
            class_name="place-button",
            title="Switch organization",
            style={"anchorName": f"--{name}"},
            on_click=PlacesState.open,
            custom_attrs={"popoverTarget": name, "aria-label": f"Organization {organization}, switch"},
        ),
        rx.el.div(
            rx.foreach(PlacesState.places, partial(_place, name)),
            rx.cond(
                PlacesState.joinable != "", _item("log-in", f"Join {PlacesState.joinable}", name, PlacesState.join)
            ),
            _item("plus", "Another organization", name, PlacesState.open_new),
            id=name,
            class_name="popover menu places",
            style={"positionAnchor": f"--{name}"},
            custom_attrs={"popover": "auto"},
        ),
    )


def new_place_dialog() -> rx.Component:
    """The form of another organization."""
    return dialog(
        PlacesState.making,
        "Another organization",
        rx.el.form(
            field(
                "Name",
                "name",
                ident="place-name",
                required=True,
                max_length=200,
                help="With members, keys, budgets and usage of its own. You own it, and switch between both.",
                custom_attrs={"autoComplete": "off", "autoFocus": True},
            ),
            actions(PlacesState.close_new, "Make it", type="submit"),
            on_submit=PlacesState.create,
            class_name="form",
        ),
        on_dismiss=PlacesState.close_new,
        name="new-place",
    )


def _place(name: str, row: PlaceRow) -> rx.Component:
    return rx.el.button(
        rx.cond(row.current, icon("check", 16), icon("building-2", 16)),
        rx.el.span(row.name),
        rx.el.span(row.role, class_name="muted small push"),
        type="button",
        class_name="menu-item",
        on_click=PlacesState.switch(row.id),
        key=row.id,
        custom_attrs={
            "popoverTarget": name,
            "popoverTargetAction": "hide",
            "aria-current": rx.cond(row.current, "true", "false"),
        },
    )


def _item(symbol: str, text: Any, name: str, on_click: Any) -> rx.Component:
    return rx.el.button(
        icon(symbol, 16),
        text,
        type="button",
        class_name="menu-item",
        on_click=on_click,
        custom_attrs={"popoverTarget": name, "popoverTargetAction": "hide"},
    )
