"""How the budgets look: a card for each with its bar, and the dialogs that make and change one."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, icon, link, money
from guardian.ui.components.frame import frame
from guardian.ui.components.menu import menu, menu_item
from guardian.ui.components.states import empty_state, notice, skeleton_card
from guardian.ui.pages.budgets.dialogs import budget_dialogs
from guardian.ui.pages.budgets.rows import BudgetRow, Tick


def budgets_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the BudgetsState class."""
    new = rx.cond(state.can_change, button(icon("plus"), "New budget", kind="primary", on_click=state.open_new))
    return frame(
        state,
        here,
        rx.cond(
            state.budgets.length() > 0,
            rx.el.ul(
                rx.foreach(state.budgets, partial(_budget, state)),
                class_name="stack budgets",
                custom_attrs={"aria-label": "Budgets"},
            ),
            _empty(new),
        ),
        budget_dialogs(state),
        skeleton=rx.fragment(skeleton_card(3, "28px"), skeleton_card(3, "28px")),
        about=rx.cond(
            state.loaded,
            f"Limits on AI provider spend that was tracked call by call. Times in {state.viewer.zone}.",
            "\u00a0",
        ),
        actions=rx.cond(state.loaded & (state.budgets.length() > 0), new),
    )


def _budget(state: Any, row: BudgetRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.h2(row.name, title=row.name, class_name="key-name"),
                rx.el.div(
                    rx.el.span(f"{row.scope}, {row.period}", class_name="muted"),
                    badge(row.kind),
                    badge(row.state, row.tone),
                    rx.cond(row.raised, badge("Raised", "accent")),
                    class_name="row",
                ),
                class_name="stack key-title",
            ),
            rx.cond(state.can_change, _menu(state, row)),
            class_name="key-head",
        ),
        rx.cond(row.raised, _raised(state, row)),
        _bar(row),
        rx.el.dl(
            _fact(row.left_name, money(row.left)),
            _fact(
                "Spent",
                money(row.spent),
                rx.el.span(f" of {row.limit.text}", class_name="muted"),
                rx.cond(row.href != "", link("Rows behind it", to=row.href, class_name="small behind")),
            ),
            _fact("Held by calls under way", money(row.held)),
            _fact(
                rx.fragment(rx.el.span(class_name="ahead-mark"), "Forecast"),
                rx.el.span(money(row.forecast), class_name=rx.cond(row.forecast_over, "bad", "")),
                rx.cond(
                    row.forecast_note != "",
                    rx.el.span(row.forecast_note, class_name="muted small behind", title="8 in 10 outcomes lie within"),
                ),
            ),
            _fact(row.resets_name, row.resets),
            class_name="facts budget-facts",
        ),
        rx.cond(row.note != "", rx.el.p(row.note, class_name="muted small")),
        key=row.id,
        class_name=rx.cond(row.active, "card key budget", "card key budget paused"),
        custom_attrs={"data-testid": "budget", "aria-label": row.name},
    )


def _menu(state: Any, row: BudgetRow) -> rx.Component:
    name = f"menu-{row.id}"
    return menu(
        name,
        f"More for {row.name}",
        menu_item("pencil", "Edit", name, on_click=state.open_edit(row.id)),
        menu_item("trending-up", "Raise for a time", name, on_click=state.open_raise(row.id)),
        rx.cond(
            row.active,
            menu_item("pause", "Pause", name, on_click=state.switch(row.id, False)),
            menu_item("play", "Go on", name, on_click=state.switch(row.id, True)),
        ),
        menu_item("trash-2", "Delete", name, tone="bad", on_click=state.open_delete(row.id)),
    )


def _raised(state: Any, row: BudgetRow) -> rx.Component:
    end = rx.cond(state.can_change, button("End the raise", on_click=state.end_raise(row.id)))
    return notice(rx.el.p(row.raise_note), end, icon_name="trending-up")


def _bar(row: BudgetRow) -> rx.Component:
    """Spent, then held; above it where the period will end, below it the thresholds."""
    return rx.el.div(
        rx.el.div(
            rx.el.span(class_name=f"spent {row.tone}", style={"width": f"{row.spent_width}%"}),
            rx.el.span(class_name="held", style={"width": f"{row.held_width}%"}),
            rx.cond(row.limit_at != "", rx.el.span(class_name="limit", style={"left": f"{row.limit_at}%"})),
            rx.cond(
                row.forecast_at != "",
                rx.el.span(
                    class_name="ahead", style={"left": f"{row.forecast_at}%"}, title=f"Forecast {row.forecast.text}"
                ),
            ),
            class_name="budget-track",
        ),
        rx.el.div(rx.foreach(row.ticks, _tick), class_name="budget-ticks", custom_attrs={"aria-hidden": "true"}),
        class_name="budget-bar",
        role="img",
        custom_attrs={"aria-label": row.told},
    )


def _tick(tick: Tick) -> rx.Component:
    return rx.el.span(
        tick.text,
        class_name=rx.cond(tick.reached, "tick reached", "tick"),
        style={"left": f"{tick.at}%"},
        key=tick.at,
    )


def _fact(name: Any, *value: Any) -> rx.Component:
    return rx.el.div(rx.el.dt(name), rx.el.dd(*value))


def _empty(new: rx.Component) -> rx.Component:
    text = (
        "A budget says how much may be spent, by everybody, or by a team, a person, a key or a model. A soft one tells "
        "people in time; a hard one also stops calls through the gateway."
    )
    return empty_state("wallet", "No budget yet", text, new)
