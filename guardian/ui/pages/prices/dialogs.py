"""The dialogs of the price page: agree on a price, let another follow, end one, and price what has none."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button
from guardian.ui.components.dialog import dialog
from guardian.ui.components.forms import field, refusal
from guardian.ui.components.states import notice
from guardian.ui.pages.prices.look_up import provider_select
from guardian.ui.pages.prices.rows import FIELDS

_EXACT = {"autoComplete": "off", "inputMode": "decimal"}


def price_dialogs(state: Any) -> rx.Component:
    """All of them; the State says which one is open."""
    return rx.fragment(_agree(state), _change(state), _end(state), _fill(state))


def _agree(state: Any) -> rx.Component:
    return dialog(
        state.dialog == "agree",
        "Agree on a price",
        rx.el.form(
            rx.el.div(
                provider_select("provider", "agree-provider"),
                field(
                    "Models",
                    "pattern",
                    ident="agree-pattern",
                    help="A name, or a pattern like gpt-5*.",
                    required=True,
                    max_length=200,
                    custom_attrs={"autoComplete": "off", "spellCheck": "false"},
                ),
                class_name="pair",
            ),
            _percent("agree"),
            _prices("agree"),
            _days("agree", state.today),
            _note("agree"),
            *_outcome(state, "Agree on it"),
            on_submit=state.agree,
            class_name="form",
        ),
        on_dismiss=state.close,
        name="agree",
    )


def _change(state: Any) -> rx.Component:
    return dialog(
        state.dialog == "change",
        rx.fragment("Another price of ", state.price.pattern),
        rx.el.p(
            "Now: ",
            state.price.price,
            ". It ends when the new one begins, and what it priced keeps its bill.",
            class_name="muted",
        ),
        rx.el.form(
            _percent("change"),
            _prices("change"),
            _days("change", state.today),
            _note("change"),
            *_outcome(state, "Let it follow"),
            on_submit=state.change,
            class_name="form",
        ),
        on_dismiss=state.close,
        name="change",
    )


def _end(state: Any) -> rx.Component:
    return dialog(
        state.dialog == "end",
        rx.fragment("End the price of ", state.price.pattern),
        rx.el.form(
            field(
                "Last day",
                "last",
                ident="end-last",
                kind="date",
                help="Without one it ends now. From then on the list price holds, or another agreed one.",
            ),
            refusal(state.refusal, "Nothing was changed."),
            rx.el.div(
                button("Cancel", on_click=state.close),
                button("End it", type="submit", kind="primary"),
                class_name="dialog-actions",
            ),
            on_submit=state.end,
            class_name="form",
        ),
        on_dismiss=state.close,
        name="end",
    )


def _fill(state: Any) -> rx.Component:
    return dialog(
        state.dialog == "fill",
        rx.fragment("A price for ", state.waiting.model),
        rx.el.p(
            "From its first use on (",
            state.waiting.seen,
            "). What is stored is priced with it at once.",
            class_name="muted",
        ),
        rx.el.form(
            _prices("fill"),
            *_outcome(state, "Price and back-fill"),
            on_submit=state.fill,
            class_name="form",
        ),
        on_dismiss=state.close,
        name="fill",
    )


def _percent(name: str) -> rx.Component:
    return field(
        "Percent of the list price",
        "percent",
        ident=f"{name}-percent",
        help="A discount of 15 % is 85. Leave it empty if you agreed on prices.",
        custom_attrs=_EXACT,
        placeholder="85",
    )


def _prices(name: str) -> rx.Component:
    """Never per token, and never per thousand: the legend says it, and the example shows it."""
    return rx.el.fieldset(
        rx.el.legend("Dollars per 1,000,000 tokens", class_name="label-text"),
        rx.el.div(
            *(
                field(label, unit, ident=f"{name}-{unit}", custom_attrs=_EXACT, placeholder="2.50")
                for unit, label in FIELDS.items()
            ),
            class_name="pair",
        ),
        class_name="choices",
    )


def _days(name: str, today: Any) -> rx.Component:
    return rx.el.div(
        field("From", "first", ident=f"{name}-first", kind="date", value=today),
        field("Last day", "last", ident=f"{name}-last", kind="date", help="Empty for no end."),
        class_name="pair",
    )


def _note(name: str) -> rx.Component:
    return field("Note", "note", ident=f"{name}-note", max_length=500, placeholder="Contract 12, page 3")


def _outcome(state: Any, verb: str) -> tuple[rx.Component, ...]:
    """What the price would mean, or why it cannot be; the same form sent again agrees on it."""
    shown = state.example != ""
    words = rx.cond(state.doubt != "", f"It is meant: {verb.lower()}", rx.cond(shown, verb, "Show an example call"))
    return (
        rx.el.div(
            rx.cond(
                state.doubt != "",
                notice(rx.el.p(rx.el.strong(state.doubt)), rx.el.p(state.example), tone="warn", icon_name="scale"),
                rx.cond(shown, notice(state.example, icon_name="receipt"), rx.fragment()),
            ),
            role="status",
        ),
        refusal(state.refusal, "Nothing was changed."),
        rx.el.div(
            button("Cancel", on_click=state.close),
            button(words, type="submit", kind="primary"),
            class_name="dialog-actions",
        ),
    )
