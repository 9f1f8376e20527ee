"""How the channels look: a list with what became of the last message to each."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, icon, moment
from guardian.ui.components.cards import card
from guardian.ui.pages.settings.channel_rows import ICONS, ChannelRow


def channels_card(state: Any) -> rx.Component:
    """The section."""
    return rx.el.div(
        card(
            "Notifications",
            rx.el.p(
                "Channels that alerts and reports can be sent to. An alert chooses its own among them.",
                class_name="muted",
            ),
            rx.cond(
                state.channels.length() > 0,
                rx.el.ul(rx.foreach(state.channels, partial(_channel, state)), class_name="list channels"),
                rx.el.p("None yet. Alerts reach their owner by e-mail meanwhile.", class_name="muted none"),
            ),
            aside=rx.cond(
                state.may_change_channels, button(icon("plus", 14), "Add a channel", on_click=state.open_add_channel)
            ),
        ),
        id="notifications",
    )


def _channel(state: Any, row: ChannelRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.span(
                    rx.match(row.kind, *((kind.value, icon(name)) for kind, name in ICONS.items()), icon("bell")),
                    rx.el.strong(row.name),
                    class_name="channel-name",
                ),
                rx.cond(
                    row.active,
                    rx.cond(row.failing, badge("Failing", "bad")),
                    badge(rx.cond(row.disabled, "Closed by its server", "Off"), rx.cond(row.disabled, "bad", "")),
                ),
                class_name="row",
            ),
            rx.el.p(
                row.kind_name,
                ", ",
                rx.el.span(row.hint),
                ", ",
                rx.cond(row.taken.iso != "", rx.fragment("last message ", moment(row.taken)), row.taken.text),
                rx.cond(row.failing, rx.fragment(", last failure ", moment(row.failed))),
                rx.cond(row.rotating != "", rx.fragment(", ", row.rotating)),
                class_name="muted small",
            ),
            rx.cond(row.problem != "", rx.el.p(row.problem, class_name="small")),
            class_name="stack tight",
        ),
        rx.cond(state.may_change_channels, _buttons(state, row)),
        key=row.id,
    )


def _buttons(state: Any, row: ChannelRow) -> rx.Component:
    def one(name: str, what: str, label: str, on_click: Any) -> rx.Component:
        return button(
            icon(name, 14),
            kind="quiet icon",
            on_click=on_click,
            title=what,
            custom_attrs={"aria-label": f"{label} {row.name}"},
        )

    return rx.el.div(
        button(
            rx.cond(state.channel_tried == row.id, "Sending…", "Test"),
            on_click=state.test_channel(row.id),
            disabled=state.channel_tried != "",
            custom_attrs={"aria-label": f"Test {row.name}"},
        ),
        rx.cond(
            row.active,
            one("pause", "Switch off", "Switch off", state.switch_channel(row.id, False)),
            one("play", "Switch on", "Switch on", state.switch_channel(row.id, True)),
        ),
        one("pencil", "Edit", "Edit", state.open_channel(row.id, "edit")),
        rx.cond(row.signed, one("rotate-cw", "New secret", "New secret for", state.open_channel(row.id, "renew"))),
        one("trash-2", "Delete", "Delete", state.open_channel(row.id, "delete")),
        class_name="row",
    )
