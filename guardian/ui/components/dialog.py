"""Dialogs: the browser's own modal <dialog> (focus trap, Esc, backdrop) driven by a var; no library is loaded."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from guardian.ui.components.basics import button
from guardian.ui.components.forms import labelled, refusal


@dataclass(frozen=True)
class Asking:
    """What a dialog needs of a State that has several kinds of them; any other State takes guardian.ui.dialogs."""

    dialog: Any
    refusal: Any
    close: Any


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
    *fields: Any,
    name: str,
    before: rx.Component | None = None,
    after: rx.Component | None = None,
    **form: Any,
) -> rx.Component:
    """A form that shows while `state.dialog` is `which`, and goes by `state.close`.

    `before` stands above the form and `after` below; `form` is the rest of `dialog_form`.
    """
    return dialog(
        state.dialog == which,
        title,
        before or rx.fragment(),
        dialog_form(state, *fields, **form),
        after or rx.fragment(),
        on_dismiss=state.close,
        name=name,
    )


def dialog_form(
    state: Any,
    *fields: Any,
    on_submit: Any,
    verb: Any,
    kept: str,
    kind: str = "primary",
    working: Any = False,
    tall: bool = False,
    **props: Any,
) -> rx.Component:
    """The form of a dialog: `state.refusal` says why it was refused, and `kept` that nothing was lost.

    Nothing can be pressed while it is `working`. The end of a `tall` one, which may not fit the screen, is always in
    sight.
    """
    end = (
        refusal(state.refusal, kept),
        actions(state.close, verb, kind=kind, type="submit", disabled=working, cancel_disabled=working),
    )
    return rx.el.form(
        *fields,
        *([rx.el.div(*end, class_name="dialog-foot")] if tall else end),
        on_submit=on_submit,
        class_name="form",
        **props,
    )


def confirm_dialog(
    state: Any,
    which: str,
    title: Any,
    *lost: Any,
    on_confirm: Any,
    verb: Any,
    name: str,
    kept: str = "",
    word: Any = None,
    kind: str = "danger",
) -> rx.Component:
    """Asks before something goes, while `state.dialog` is `which`: `lost` says what, and `kept` what a refusal spared,
    where the State does not leave that to a toast.

    What cannot be undone has a `word`: the button works once the person has typed it.
    """
    return dialog(
        state.dialog == which,
        title,
        *lost,
        rx.fragment() if word is None else _typed(state, word, f"{name}-word"),
        refusal(state.refusal, kept) if kept else rx.fragment(),
        actions(
            state.close,
            verb,
            kind=kind,
            on_click=on_confirm,
            disabled=False if word is None else state.typed != word,
        ),
        on_dismiss=state.close,
        name=name,
    )


def _typed(state: Any, word: Any, ident: str) -> rx.Component:
    return labelled(
        rx.fragment("Type ", rx.el.strong(word), " to confirm"),
        ident,
        rx.el.input(
            id=ident,
            value=state.typed,
            on_change=state.type_name,
            class_name="input",
            custom_attrs={"autoComplete": "off", "autoFocus": True},
        ),
    )
