"""What is shown once: put into a field by the server's answer, held by no var, and copied from there."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button, icon
from guardian.ui.components.forms import labelled
from guardian.ui.components.states import notice


def secret_once(ident: str, label: str, made: Any, on_done: Any) -> rx.Component:
    """A secret in the element `ident`; hidden until something was `made`, and always there: it is put in afterwards."""
    return rx.el.div(
        notice("Copy it now. It is shown this once and cannot be read again.", tone="warn", icon_name="triangle-alert"),
        secret_field(ident, label),
        rx.el.div(button("Done", kind="primary", on_click=on_done), class_name="dialog-actions"),
        class_name="form",
        hidden=made == "",
    )


def secret_field(ident: str, label: str) -> rx.Component:
    """An empty field that cannot be typed in, and the button that copies what was put there."""
    shown = rx.el.input(id=ident, read_only=True, class_name="input mono", custom_attrs={"autoComplete": "off"})
    return labelled(label, ident, rx.el.div(shown, copy_from(ident), class_name="joined"))


def copy_from(ident: str) -> rx.Component:
    """A button that copies what stands in the element `ident`."""
    return rx.el.button(
        icon("copy", 14),
        rx.el.span("Copy", custom_attrs={"data-copy-label": "true"}),
        type="button",
        class_name="button",
        custom_attrs={"data-copy-from": ident},
    )
