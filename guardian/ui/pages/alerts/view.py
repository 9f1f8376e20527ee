"""How the alerts page looks: the list with what fires first, and an empty page that offers three to begin with."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, icon, link, moment
from guardian.ui.components.dialog import confirm_dialog
from guardian.ui.components.frame import frame
from guardian.ui.components.menu import menu, menu_item
from guardian.ui.components.states import empty_state, skeleton_card
from guardian.ui.pages.alerts.builder import builder, secret_dialog
from guardian.ui.pages.alerts.panel import alert_panel
from guardian.ui.pages.alerts.rows import AlertRow

# name, icon, what it is called, and what it does
_READY = (
    ("day", "wallet", "Spend in a day", "Tells you when AI provider spend passes $50 in a calendar day."),
    (
        "unusual",
        "trending-up",
        "Unusual spend",
        "Tells you when spend is double what is usual at that hour of the week.",
    ),
    ("failing", "circle-x", "Failing calls", "Tells you when more than 10 % of a model's calls fail in an hour."),
)
SNOOZES = ((1, "For an hour"), (8, "For 8 hours"), (24, "For a day"), (168, "For a week"))


def alerts_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the AlertsState class."""
    new = rx.cond(state.can_create, button(icon("plus"), "New alert", kind="primary", on_click=state.open_new("")))
    return frame(
        state,
        here,
        rx.cond(
            state.alerts.length() > 0,
            rx.el.ul(
                rx.foreach(state.alerts, partial(_alert, state)),
                class_name="stack alerts",
                custom_attrs={"aria-label": "Alerts"},
            ),
            _empty(state),
        ),
        alert_panel(state),
        builder(state),
        secret_dialog(state),
        _delete_dialog(state),
        skeleton=rx.fragment(skeleton_card(2, "24px"), skeleton_card(2, "24px"), skeleton_card(2, "24px")),
        about=rx.cond(
            state.loaded, rx.cond(state.summary != "", f"{state.summary}. Times in {state.viewer.zone}.", ""), "\u00a0"
        ),
        actions=rx.cond(state.loaded & (state.alerts.length() > 0), new),
    )


def _alert(state: Any, alert: AlertRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.div(
                    badge(alert.state, alert.tone),
                    rx.el.h2(link(alert.name, to=alert.href, prevent_scroll_reset=True)),
                    class_name="row alert-name",
                ),
                rx.el.p(alert.sentence),
                rx.el.p(
                    "Last triggered: ",
                    moment(alert.triggered),
                    rx.cond(alert.note != "", rx.fragment(" · ", alert.note)),
                    " · made by ",
                    alert.owner,
                    class_name="muted small",
                ),
                class_name="stack tight alert-text",
            ),
            alert_actions(state, alert, "list"),
            class_name="key-head",
        ),
        key=alert.id,
        class_name=rx.cond(alert.fires, "card alert fires", "card alert"),
        custom_attrs={"data-testid": "alert", "aria-label": alert.name},
    )


def alert_actions(state: Any, alert: Any, place: str) -> rx.Component:
    """What can be done about an alert; `place` tells the menus of the list and of the panel apart."""
    return rx.cond(
        state.can_create,
        rx.el.div(
            rx.cond(alert.fires, button(icon("check", 14), "Acknowledge", on_click=state.acknowledge(alert.id, "*"))),
            _menu(state, alert, place),
            class_name="key-actions",
        ),
    )


def _menu(state: Any, alert: Any, place: str) -> rx.Component:
    name = f"{place}-menu-{alert.id}"
    snoozes = [
        menu_item("bell-off", f"Snooze {text.lower()}", name, on_click=state.snooze(alert.id, hours, "*"))
        for hours, text in SNOOZES
    ]
    return menu(
        name,
        f"More for {alert.name}",
        rx.cond(
            alert.snoozed,
            menu_item("bell", "End the snooze", name, on_click=state.snooze(alert.id, 0, "*")),
            rx.fragment(*snoozes),
        ),
        rx.cond(
            alert.may_change,
            rx.fragment(
                menu_item("pencil", "Edit", name, on_click=state.open_edit(alert.id)),
                menu_item("send", "Send a test", name, on_click=state.test(alert.id)),
                rx.cond(
                    alert.webhook, menu_item("key-round", "New webhook secret", name, on_click=state.rotate(alert.id))
                ),
                rx.cond(
                    alert.active,
                    menu_item("pause", "Switch off", name, on_click=state.turn(alert.id, False)),
                    menu_item("play", "Switch on", name, on_click=state.turn(alert.id, True)),
                ),
                menu_item("trash-2", "Delete", name, tone="bad", on_click=state.open_delete(alert.id)),
            ),
        ),
    )


def _empty(state: Any) -> rx.Component:
    ready = rx.el.div(
        *(
            rx.el.button(
                icon(symbol, 20),
                rx.el.span(rx.el.strong(title), rx.el.span(about, class_name="muted small"), class_name="stack tight"),
                type="button",
                class_name="card ready",
                on_click=state.open_new(name),
            )
            for name, symbol, title, about in _READY
        ),
        class_name="ready-made",
        role="group",
        custom_attrs={"aria-label": "Ready-made alerts"},
    )
    return empty_state(
        "bell",
        "Be told before it hurts",
        "An alert watches spend, use, failures, rate limits or budgets, and tells you by e-mail, chat or webhook: once "
        "when it begins, and once when it is over.",
        rx.cond(
            state.can_create,
            button(icon("plus"), "Build an alert", kind="primary", on_click=state.open_new("")),
            rx.el.p("Ask somebody who is a member of your team to make one.", class_name="muted"),
        ),
        more=rx.cond(state.can_create, ready),
    )


def _delete_dialog(state: Any) -> rx.Component:
    return confirm_dialog(
        state,
        "delete",
        rx.fragment("Delete ", state.doomed.name, "?"),
        rx.el.p("Nobody is told of this any more, and its history with every delivery goes with it."),
        word=state.doomed.name,
        on_confirm=state.delete,
        verb="Delete the alert",
        kept="Nothing was deleted.",
        name="delete-alert",
    )
