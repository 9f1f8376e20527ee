"""How the price page asks for any model's price, and shows what it finds."""

from typing import Any

import reflex as rx

from guardian.models.enums import Provider
from guardian.ui.colors import provider_name
from guardian.ui.components.basics import button, provider_badge
from guardian.ui.components.cards import card
from guardian.ui.components.forms import field, select_field
from guardian.ui.components.states import notice
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.prices.found import FoundPrice, UnitRow

_UNIT = Column("Per million, or each", narrow="first")
_LISTED = Column("List", numeric=True, narrow="amount")
_PAID = Column("You pay", numeric=True, narrow="aside")
_NOTE = Column("Note", narrow="second")
_UNITS = [_UNIT, _NOTE, _LISTED, _PAID]


def provider_select(name: str, ident: str, *, every: str = "", value: Any = None) -> rx.Component:
    """The providers by name; `every` is the words for none of them in particular, left out where one is needed."""
    chosen = {} if value is None else {"default_value": value, "key": value}
    return select_field(
        "Provider",
        name,
        rx.el.option(every, value="") if every else rx.fragment(),
        *(rx.el.option(provider_name(each), value=each.value) for each in Provider),
        ident=ident,
        **chosen,
    )


def look_up_card(state: Any) -> rx.Component:
    """The question, which lives in the address, and its answer."""
    return card(
        "What a model costs",
        rx.el.form(
            rx.el.div(
                field(
                    "Model",
                    "model",
                    ident="look-up-model",
                    value=state.model,
                    required=True,
                    max_length=200,
                    placeholder="gpt-5.1",
                    custom_attrs={"autoComplete": "off", "spellCheck": "false"},
                ),
                provider_select("provider", "look-up-provider", every="Every provider", value=state.provider),
                field("On", "at", ident="look-up-at", kind="date", value=state.at),
                button("Look up", type="submit"),
                class_name="inline-form",
            ),
            on_submit=state.look_up,
            class_name="form",
        ),
        rx.cond(state.nothing != "", notice(state.nothing, icon_name="circle-help")),
        rx.foreach(state.found, _found),
    )


def _found(found: FoundPrice) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h3(provider_badge(found.title, found.color), " ", rx.el.span(found.name, class_name="muted")),
            rx.el.p(found.source, class_name="muted small"),
            rx.cond(found.override != "", rx.el.p(found.override)),
            rx.cond(found.example != "", rx.el.p(found.example)),
            class_name="stack tight",
        ),
        data_table(f"units-{found.key}", _UNITS, rx.foreach(found.units, _unit), caption=f"Prices of {found.title}"),
        rx.cond(
            found.has_derived,
            rx.el.details(
                rx.el.summary("Shares that cost what another one does"),
                data_table(
                    f"derived-{found.key}",
                    _UNITS,
                    rx.foreach(found.derived, _unit),
                    caption=f"Further prices of {found.title}",
                ),
            ),
        ),
        class_name="found",
        key=found.key,
        custom_attrs={"data-testid": "found"},
    )


def _unit(row: UnitRow) -> rx.Component:
    return rx.el.tr(
        cell(_UNIT, row.unit),
        cell(_NOTE, rx.el.span(row.note, class_name="muted small")),
        cell(_LISTED, row.listed),
        cell(_PAID, rx.cond(row.agreed != "", rx.el.strong(row.agreed), rx.el.span("list", class_name="muted"))),
        key=row.key,
    )
