"""How the price page looks: the queue of what has no price first, then what was agreed, looked up, and priced anew."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, icon, provider_badge
from guardian.ui.components.cards import card
from guardian.ui.components.frame import frame
from guardian.ui.components.menu import menu, menu_item
from guardian.ui.components.states import skeleton_card
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.prices.dialogs import price_dialogs
from guardian.ui.pages.prices.look_up import look_up_card
from guardian.ui.pages.prices.rows import AgreedRow, UnpricedRow
from guardian.ui.pages.prices.runs_view import currency_card, repricing_card

_MODEL = Column("Model", narrow="first")
_REASON = Column("Why", narrow="second")
_TOKENS = Column("Tokens", numeric=True, narrow="amount")
_NEAREST = Column("Nearest priced model", narrow="always")
_UNPRICED = [_MODEL, _REASON, _TOKENS, _NEAREST]
_PATTERN = Column("Models", narrow="first")
_PRICE = Column("Price", narrow="amount")
_EXAMPLE = Column("Example call", narrow="always")
_SPAN = Column("Holds", narrow="second")
_MORE = Column("Change", numeric=True, narrow="aside")
_AGREED = [_PATTERN, _PRICE, _EXAMPLE, _SPAN, _MORE]


def prices_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the PricesState class."""
    agree = rx.cond(
        state.may_change, button(icon("plus"), "Agree on a price", kind="primary", on_click=state.open_agree)
    )
    return frame(
        state,
        here,
        _queue(state),
        _agreed(state),
        look_up_card(state),
        repricing_card(state),
        currency_card(state),
        price_dialogs(state),
        skeleton=rx.fragment(skeleton_card(4, "36px"), skeleton_card(3, "36px"), skeleton_card(2, "36px")),
        about=rx.cond(
            state.loaded,
            f"The provider's own cost first, then agreed prices, then the list. Times in {state.viewer.zone}.",
            "\u00a0",
        ),
        actions=rx.cond(state.loaded, agree),
    )


def _queue(state: Any) -> rx.Component:
    return card(
        "Usage without a price",
        rx.cond(
            state.unpriced.length() > 0,
            rx.fragment(
                rx.el.p(
                    "It is in no total. Give it a price, and what is stored is priced with it at once; that can be "
                    "undone below.",
                    class_name="muted small",
                ),
                data_table(
                    "unpriced",
                    _UNPRICED,
                    rx.foreach(state.unpriced, partial(_unpriced, state)),
                    caption="Usage without a price",
                ),
            ),
            rx.el.p(icon("circle-check", 18), "Everything that was used has a price.", class_name="row all-well"),
        ),
    )


def _unpriced(state: Any, row: UnpricedRow) -> rx.Component:
    like = rx.cond(
        (row.best != "") & state.may_change,
        button("Price like ", row.best, on_click=state.fill_like(row.key), disabled=state.busy),
    )
    own = rx.cond(state.may_change, button("Other price…", on_click=state.open_fill(row.key), disabled=state.busy))
    return rx.el.tr(
        cell(
            _MODEL,
            provider_badge(row.model, row.color),
            rx.el.div(row.name, ", ", row.seen, class_name="muted small"),
        ),
        cell(_REASON, row.reason),
        cell(_TOKENS, row.tokens, rx.el.div(row.counted, class_name="muted small"), title=row.tokens_title),
        cell(
            _NEAREST,
            rx.match(
                rx.cond(row.untold, "untold", rx.cond(row.best != "", "near", "")),
                ("untold", rx.el.span("No price helps: what it used was never told.", class_name="muted")),
                (
                    "near",
                    rx.el.div(
                        rx.el.span(row.best, " "),
                        rx.cond(
                            row.guess != "",
                            rx.el.span(
                                row.guess, class_name="marked", title="A guess: all of these tokens at its list price."
                            ),
                        ),
                        title=row.others,
                    ),
                ),
                rx.el.span("No priced model has a name like it.", class_name="muted"),
            ),
            rx.cond(row.untold, rx.fragment(), rx.el.div(like, own, class_name="row actions")),
        ),
        key=row.key,
        custom_attrs={"data-testid": "unpriced"},
    )


def _agreed(state: Any) -> rx.Component:
    return card(
        "Agreed prices",
        rx.cond(
            state.agreed.length() > 0,
            data_table(
                "agreed", _AGREED, rx.foreach(state.agreed, partial(_agreed_row, state)), caption="Agreed prices"
            ),
            rx.el.p(
                "None. Everything is priced by the list. If you have a contract, agree on its discount or its prices "
                "here, with their dates.",
                class_name="muted",
            ),
        ),
    )


def _agreed_row(state: Any, row: AgreedRow) -> rx.Component:
    name = f"price-{row.id}"
    more = menu(
        name,
        f"More for the price of {row.pattern}",
        rx.cond(
            row.may_end,
            rx.fragment(
                menu_item("replace", "Let another price follow", name, on_click=state.open_change(row.id)),
                menu_item("calendar-x", "End it", name, on_click=state.open_end(row.id)),
            ),
        ),
        menu_item("trash-2", "Delete", name, tone="bad", on_click=state.delete(row.id)),
    )
    return rx.el.tr(
        cell(
            _PATTERN,
            provider_badge(row.pattern, row.color),
            rx.el.div(row.name, class_name="muted small"),
        ),
        cell(
            _PRICE,
            rx.el.span(row.price, title=row.title),
            rx.cond(row.note != "", rx.el.div(row.note, class_name="muted small clipped", title=row.note)),
        ),
        cell(_EXAMPLE, rx.cond(row.example != "", row.example, rx.el.span("–", class_name="muted"))),
        cell(
            _SPAN,
            rx.el.span(row.span, title=row.span_title),
            " ",
            badge(row.state, row.tone),
            rx.cond(row.by != "", rx.el.div("by ", row.by, class_name="muted small")),
        ),
        cell(_MORE, rx.cond(state.may_change, more)),
        key=row.id,
        custom_attrs={"data-testid": "agreed"},
    )
