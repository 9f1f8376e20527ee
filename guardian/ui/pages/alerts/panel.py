"""One alert beside the list: its groups that are not ok, and its history with every attempt to deliver a message."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, icon, link, moment
from guardian.ui.components.side_panel import side_panel
from guardian.ui.pages.alerts.rows import AttemptRow, GroupRow


def alert_panel(state: Any) -> rx.Component:
    """Open while the address names an alert."""
    alert = state.opened
    return side_panel(
        state.asked != "",
        rx.cond(alert.id != "", alert.name, "No such alert"),
        rx.cond(
            alert.id != "",
            rx.fragment(
                rx.el.div(
                    rx.el.div(
                        badge(alert.state, alert.tone),
                        rx.el.span(alert.note, class_name="muted small"),
                        class_name="row",
                    ),
                    rx.el.p(alert.sentence),
                    _buttons(state, alert),
                    class_name="panel-section",
                ),
                rx.cond(
                    alert.groups.length() > 0,
                    _section(
                        "Not OK",
                        rx.el.ul(rx.foreach(alert.groups, partial(_group, state)), class_name="list"),
                        rx.cond(alert.more != "", rx.el.p(alert.more, class_name="muted small")),
                    ),
                ),
                _history(state),
            ),
            rx.el.p("There is no alert of this id in your organization. It may have been deleted.", class_name="muted"),
        ),
        close_href="/alerts",
        name="alert",
    )


def _buttons(state: Any, alert: Any) -> rx.Component:
    may = state.can_create
    return rx.el.div(
        rx.cond(may & alert.fires, button(icon("check", 14), "Acknowledge", on_click=state.acknowledge(alert.id, "*"))),
        rx.cond(
            may,
            rx.cond(
                alert.snoozed,
                button(icon("bell", 14), "End the snooze", on_click=state.snooze(alert.id, 0, "*")),
                button(icon("bell-off", 14), "Snooze for 8 hours", on_click=state.snooze(alert.id, 8, "*")),
            ),
        ),
        rx.cond(
            alert.may_change,
            rx.fragment(
                button(icon("send", 14), "Send a test", on_click=state.test(alert.id)),
                button(icon("pencil", 14), "Edit", on_click=state.open_edit(alert.id)),
            ),
        ),
        class_name="row wraps",
    )


def _section(title: str, *children: Any) -> rx.Component:
    return rx.el.section(rx.el.h3(title), *children, class_name="panel-section")


def _group(state: Any, group: GroupRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                badge(group.state, group.tone),
                rx.el.strong(group.name),
                rx.el.span(group.value),
                class_name="row wraps",
            ),
            rx.el.p("began ", moment(group.since), " ", group.note, class_name="muted small"),
            class_name="stack tight",
        ),
        rx.cond(
            state.can_create & group.fires,
            button(
                "Acknowledge",
                on_click=state.acknowledge(state.opened.id, group.key),
                custom_attrs={"aria-label": f"Acknowledge {group.name}"},
            ),
        ),
        key=group.id,
        class_name="group-line",
    )


def _history(state: Any) -> rx.Component:
    return _section(
        "History",
        rx.cond(
            state.history.length() > 0,
            rx.el.ol(
                rx.foreach(state.history, _change), class_name="list history", custom_attrs={"aria-label": "History"}
            ),
            rx.el.p("Nothing has happened yet. A test shows whether messages arrive.", class_name="muted"),
        ),
        rx.cond(
            state.more_href != "", link("Show older", to=state.more_href, prevent_scroll_reset=True, class_name="small")
        ),
    )


def _change(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            badge(row.state, row.tone),
            rx.cond(row.group != "", rx.el.strong(row.group)),
            rx.el.span(row.title, " ", row.person, class_name="muted small"),
            rx.el.span(moment(row.at), class_name="muted small push"),
            class_name="row wraps",
        ),
        rx.cond(row.sentence != "", rx.el.p(row.sentence)),
        rx.cond(row.messages.length() > 0, rx.el.ul(rx.foreach(row.messages, _message), class_name="messages")),
        key=row.id,
        custom_attrs={"data-testid": "change"},
    )


def _message(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            badge(row.status, row.tone),
            rx.el.span(row.recipient, class_name="recipient"),
            rx.el.span("by ", row.channel, class_name="muted small"),
            class_name="row wraps",
        ),
        rx.cond(row.note != "", rx.el.p(row.note, class_name="small")),
        rx.cond(
            row.attempts.length() > 0,
            rx.el.ol(
                rx.foreach(row.attempts, _attempt), class_name="attempts", custom_attrs={"aria-label": "Attempts"}
            ),
        ),
        key=row.id,
    )


def _attempt(row: AttemptRow) -> rx.Component:
    return rx.el.li(
        rx.el.span(row.at, class_name="muted"),
        " ",
        rx.el.span(row.result, class_name=row.tone),
        key=row.key,
        class_name="small",
    )
