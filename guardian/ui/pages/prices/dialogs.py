"""The dialogs of the price page: agree on a price, let another follow, end one, and price what has none."""

from typing import Any

import reflex as rx

from guardian.ui.components.dialog import form_dialog
from guardian.ui.components.forms import choices, field
from guardian.ui.components.states import notice
from guardian.ui.pages.prices.look_up import provider_select
from guardian.ui.pages.prices.rows import FIELDS

_EXACT = {"autoComplete": "off", "inputMode": "decimal"}
_KEPT = "Nothing was changed."


def price_dialogs(state: Any) -> rx.Component:
    """All of them; the State says which one is open."""
    return rx.fragment(_agree(state), _change(state), _end(state), _fill(state))


def _agree(state: Any) -> rx.Component:
    pattern = field(
        "Models",
        "pattern",
        ident="agree-pattern",
        help="A name, or a pattern like gpt-5*.",
        required=True,
        max_length=200,
        custom_attrs={"autoComplete": "off", "spellCheck": "false"},
    )
    return _price_dialog(
        state,
        "agree",
        "Agree on a price",
        rx.el.div(provider_select("provider", "agree-provider"), pattern, class_name="pair"),
        *_terms(state, "agree"),
        verb="Agree on it",
        on_submit=state.agree,
    )


def _change(state: Any) -> rx.Component:
    return _price_dialog(
        state,
        "change",
        rx.fragment("Another price of ", state.price.pattern),
        *_terms(state, "change"),
        before=rx.el.p(
            "Now: ",
            state.price.price,
            ". It ends when the new one begins, and what it priced keeps its bill.",
            class_name="muted",
        ),
        verb="Let it follow",
        on_submit=state.change,
    )


def _end(state: Any) -> rx.Component:
    return form_dialog(
        state,
        "end",
        rx.fragment("End the price of ", state.price.pattern),
        field(
            "Last day",
            "last",
            ident="end-last",
            kind="date",
            help="Without one it ends now. From then on the list price holds, or another agreed one.",
        ),
        on_submit=state.end,
        verb="End it",
        kept=_KEPT,
        name="end",
    )


def _fill(state: Any) -> rx.Component:
    return _price_dialog(
        state,
        "fill",
        rx.fragment("A price for ", state.waiting.model),
        _prices("fill"),
        before=rx.el.p(
            "For all of its use (",
            state.waiting.seen,
            "). What is stored is priced with it at once.",
            class_name="muted",
        ),
        verb="Price and back-fill",
        on_submit=state.fill,
    )


def _price_dialog(
    state: Any,
    which: str,
    title: Any,
    *fields: rx.Component,
    verb: str,
    on_submit: Any,
    before: rx.Component | None = None,
) -> rx.Component:
    """A form that first shows what the price would mean; the same form sent again agrees on it."""
    shown = state.example != ""
    words = rx.cond(state.doubt != "", f"It is meant: {verb.lower()}", rx.cond(shown, verb, "Show an example call"))
    example = rx.el.div(
        rx.cond(
            state.doubt != "",
            notice(rx.el.p(rx.el.strong(state.doubt)), rx.el.p(state.example), tone="warn", icon_name="scale"),
            rx.cond(shown, notice(state.example, icon_name="receipt")),
        ),
        role="status",
    )
    return form_dialog(
        state, which, title, *fields, example, on_submit=on_submit, verb=words, kept=_KEPT, name=which, before=before
    )


def _terms(state: Any, name: str) -> tuple[rx.Component, ...]:
    return _percent(name), _prices(name), _days(name, state.today), _note(name)


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
    return choices(
        "Dollars per 1,000,000 tokens",
        rx.el.div(
            *(
                field(label, unit, ident=f"{name}-{unit}", custom_attrs=_EXACT, placeholder="2.50")
                for unit, label in FIELDS.items()
            ),
            class_name="pair",
        ),
    )


def _days(name: str, today: Any) -> rx.Component:
    return rx.el.div(
        field("From", "first", ident=f"{name}-first", kind="date", value=today),
        field("Last day", "last", ident=f"{name}-last", kind="date", help="Empty for no end."),
        class_name="pair",
    )


def _note(name: str) -> rx.Component:
    return field("Note", "note", ident=f"{name}-note", max_length=500, placeholder="Contract 12, page 3")
