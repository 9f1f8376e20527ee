"""How the price page shows its runs (dry run, apply, undo) and the rates of other currencies."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.services.people.currency_codes import CURRENCIES
from guardian.ui.components.basics import badge, button, moment, money, provider_badge
from guardian.ui.components.cards import card
from guardian.ui.components.forms import field
from guardian.ui.components.states import notice, progress_bar
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.prices.look_up import provider_select
from guardian.ui.pages.prices.rows import RateRow
from guardian.ui.pages.prices.runs import DifferenceRow, RunRow

_MODEL = Column("Model", narrow="first")
_ROWS = Column("Rows", numeric=True, narrow="second")
_BEFORE = Column("Before", numeric=True)
_AFTER = Column("After", numeric=True, narrow="amount")
_CHANGE = Column("Change", numeric=True, narrow="aside")
_COLUMNS = [_MODEL, _ROWS, _BEFORE, _AFTER, _CHANGE]


def repricing_card(state: Any) -> rx.Component:
    """The form of a dry run, and the latest runs."""
    return card(
        "Price stored usage anew",
        rx.el.p(
            "By the prices of today, agreed and listed. First a dry run, which changes nothing; then it can be applied "
            "and undone, to the last digit. What a provider stated itself is never touched.",
            class_name="muted small",
        ),
        rx.cond(state.may_change, _form(state)),
        rx.cond(
            state.runs.length() > 0,
            rx.el.ul(rx.foreach(state.runs, partial(_run, state)), class_name="runs"),
            rx.el.p("No run yet.", class_name="muted none"),
        ),
    )


def _form(state: Any) -> rx.Component:
    return rx.el.form(
        rx.el.div(
            field("From", "first", ident="run-first", kind="date", value=state.month, required=True),
            field("Last day", "last", ident="run-last", kind="date", value=state.today, required=True),
            provider_select("provider", "run-provider", every="Every provider"),
            field("Models", "pattern", ident="run-pattern", placeholder="All, or gpt-5*", max_length=200),
            button("Dry run", type="submit", disabled=state.busy),
            class_name="inline-form",
        ),
        on_submit=state.dry_run,
        class_name="form",
    )


def _run(state: Any, run: RunRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(rx.el.h3(run.title), badge(run.state, run.tone), class_name="row"),
            rx.el.div(
                rx.cond(run.can_apply, button("Apply", kind="primary", on_click=state.apply(run.id))),
                rx.cond(run.can_undo, button("Undo", on_click=state.undo(run.id))),
                class_name="row",
            ),
            class_name="run-head",
        ),
        rx.cond(run.working, progress_bar(run.pull.label, run.pull.percent, run.pull.note)),
        rx.cond(run.result != "", rx.el.p(run.result)),
        rx.cond(run.error != "", notice(run.error, tone="bad", icon_name="circle-alert")),
        rx.cond(run.has_models, _models(run)),
        rx.el.p(
            "Asked ",
            moment(run.asked),
            rx.cond(run.by != "", rx.fragment(" by ", run.by)),
            rx.cond(run.version != "", rx.fragment(", price list ", run.version)),
            class_name="muted small",
        ),
        key=run.id,
        custom_attrs={"data-testid": "run"},
    )


def _models(run: RunRow) -> rx.Component:
    return rx.el.details(
        rx.el.summary("By model"),
        data_table(
            f"models-{run.id}",
            _COLUMNS,
            rx.foreach(run.models, _model),
            caption=f"The difference by model, {run.title}",
        ),
        rx.cond(run.more != "", rx.el.p(run.more, class_name="muted small")),
        open=run.can_apply,
    )


def _model(row: DifferenceRow) -> rx.Component:
    return rx.el.tr(
        cell(_MODEL, provider_badge(row.model, row.color), rx.el.div(row.provider, class_name="muted small")),
        cell(
            _ROWS,
            row.rows,
            rx.cond(row.unpriced != "", rx.el.div(row.unpriced, class_name="small")),
        ),
        cell(_BEFORE, money(row.before)),
        cell(_AFTER, money(row.after)),
        cell(_CHANGE, row.change),
        key=row.key,
    )


def currency_card(state: Any) -> rx.Component:
    """The currency of display, and its rates with their days and sources."""
    return card(
        "Currency",
        rx.el.p(
            "Amounts are kept in US dollars. Totals can be shown in another currency too, by the rate of their day; a "
            "day without one takes the last rate before it, and says so.",
            class_name="muted small",
        ),
        rx.cond(state.may_change, _currency_forms(state)),
        rx.cond(
            state.rates.length() > 0,
            rx.el.ul(rx.foreach(state.rates, _rate), class_name="list rates"),
            rx.el.p("No rate yet.", class_name="muted none"),
        ),
    )


def _currency_forms(state: Any) -> rx.Component:
    return rx.fragment(
        rx.el.form(
            rx.el.div(
                field(
                    "Show totals in",
                    "currency",
                    ident="currency",
                    value=state.currency,
                    required=True,
                    list="currencies",
                    max_length=3,
                    custom_attrs={"autoComplete": "off", "spellCheck": "false"},
                ),
                rx.el.datalist(*(rx.el.option(value=code) for code in sorted(CURRENCIES)), id="currencies"),
                button("Save", type="submit"),
                class_name="inline-form",
            ),
            on_submit=state.choose_currency,
            class_name="form",
        ),
        rx.el.details(
            rx.el.summary("Enter rates"),
            rx.el.form(
                rx.el.div(
                    field("Currency", "currency", ident="rate-currency", value=state.currency, list="currencies"),
                    field("Day", "day", ident="rate-day", kind="date", value=state.today),
                    field("1 US dollar is", "rate", ident="rate-rate", placeholder="0.8653"),
                    field("Source", "source", ident="rate-source", placeholder="ECB reference rate", required=True),
                    class_name="inline-form",
                ),
                rx.el.div(
                    rx.el.label("Or many: a day and a rate on each line", html_for="rate-csv"),
                    rx.el.textarea(
                        name="csv", id="rate-csv", class_name="input mono", rows="4", placeholder="2026-11-20,0.8653"
                    ),
                    class_name="field",
                ),
                rx.el.div(button("Keep the rates", type="submit")),
                on_submit=state.add_rates,
                class_name="form",
            ),
        ),
    )


def _rate(row: RateRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(rx.el.strong(row.rate), rx.el.span("from ", row.day, " on", class_name="muted"), class_name="row"),
        rx.el.span(row.source, rx.cond(row.by != "", rx.fragment(", by ", row.by)), class_name="muted small"),
        key=row.key,
    )
