"""Dialogs: the browser's own modal <dialog> (focus trap, Esc, backdrop) driven by a var; no library is loaded."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button
from guardian.ui.components.forms import refusal


def dialog(is_open: Any, title: Any, *children: Any, on_dismiss: Any, name: str) -> rx.Component:
    """A modal that shows while `is_open`; `on_dismiss` is called by Esc, by the backdrop and by Cancel.

    `children` end with their own row of buttons (`actions`). `name` is its id.
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


def actions(
    on_dismiss: Any, verb: Any, *, kind: str = "primary", cancel_disabled: Any = False, **props: Any
) -> rx.Component:
    """The row that a dialog ends with: Cancel, and what it is there for. `props` are the second button's."""
    return rx.el.div(
        button("Cancel", on_click=on_dismiss, disabled=cancel_disabled),
        button(verb, kind=kind, **props),
        class_name="dialog-actions",
    )


def form_dialog(
    state: Any,
    which: str,
    title: Any,
    *fields: rx.Component,
    on_submit: Any,
    verb: Any,
    kept: str,
    name: str,
    before: rx.Component | None = None,
) -> rx.Component:
    """A form that shows while `state.dialog` is `which`, and goes by `state.close`.

    `before` stands above the form. `state.refusal` says why it was refused, and `kept` that nothing was lost.
    """
    return dialog(
        state.dialog == which,
        title,
        rx.fragment() if before is None else before,
        rx.el.form(
            *fields,
            refusal(state.refusal, kept),
            actions(state.close, verb, type="submit"),
            on_submit=on_submit,
            class_name="form",
        ),
        on_dismiss=state.close,
        name=name,
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
        actions(on_dismiss, verb, kind="danger", on_click=on_confirm, disabled=(typed != word) | busy),
        on_dismiss=on_dismiss,
        name=name,
    )
