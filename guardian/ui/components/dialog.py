"""Dialogs: the browser's own modal <dialog> (focus trap, Esc, backdrop) driven by a var; no library is loaded."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button


def dialog(is_open: Any, title: Any, *children: Any, on_dismiss: Any, name: str) -> rx.Component:
    """A modal that shows while `is_open`; `on_dismiss` is called by Esc, by the backdrop and by Cancel.

    `children` end with their own row of buttons (class dialog-actions). `name` is its id.
    """
    return rx.el.dialog(
        rx.cond(
            is_open,
            rx.el.div(
                rx.el.h2(title, id=f"{name}-title"),
                *children,
                rx.el.button(
                    "Cancel",
                    type="button",
                    on_click=on_dismiss,
                    class_name="sr-only",
                    custom_attrs={"data-dismiss": "true", "tabIndex": "-1"},
                ),
                class_name="dialog-body",
            ),
            rx.fragment(),
        ),
        id=name,
        custom_attrs={"data-open": rx.cond(is_open, "true", "false"), "aria-labelledby": f"{name}-title"},
    )


def confirm_dialog(
    is_open: Any,
    title: Any,
    *lost: Any,
    word: Any,
    typed: Any,
    on_type: Any,
    on_confirm: Any,
    on_dismiss: Any,
    verb: str,
    busy: Any = False,
    name: str = "confirm",
) -> rx.Component:
    """A destructive action: `lost` says what goes, and the button works once the person has typed `word`."""
    return dialog(
        is_open,
        title,
        *lost,
        rx.el.div(
            rx.el.label("Type ", rx.el.strong(word), " to confirm", html_for=f"{name}-word"),
            rx.el.input(
                id=f"{name}-word",
                value=typed,
                on_change=on_type,
                class_name="input",
                custom_attrs={"autoComplete": "off", "autoFocus": True},
            ),
            class_name="field",
        ),
        rx.el.div(
            button("Cancel", on_click=on_dismiss),
            button(verb, kind="danger", on_click=on_confirm, disabled=(typed != word) | busy),
            class_name="dialog-actions",
        ),
        on_dismiss=on_dismiss,
        name=name,
    )
