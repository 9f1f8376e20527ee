"""How the key manager looks: a card for each key, and the dialogs that change one."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, icon, moment, provider_badge
from guardian.ui.components.frame import frame
from guardian.ui.components.menu import menu, menu_item
from guardian.ui.components.states import empty_state, notice, progress_bar, skeleton_card
from guardian.ui.pages.keys.dialogs import key_dialogs, where_it_is_made
from guardian.ui.pages.keys.limits import LimitLine
from guardian.ui.pages.keys.rows import KeyRow, ProviderChoice


def keys_view(state: Any, here: str, providers: list[ProviderChoice]) -> rx.Component:
    """The page; `state` is the KeysState class."""
    add = rx.cond(state.can_add, button(icon("plus"), "Add a key", kind="primary", on_click=state.open_add))
    return frame(
        state,
        here,
        rx.cond(
            state.keys.length() > 0,
            rx.el.ul(
                rx.foreach(state.keys, partial(_key, state)),
                class_name="stack keys",
                custom_attrs={"aria-label": "Keys"},
            ),
            _empty(add, providers),
        ),
        key_dialogs(state, providers),
        skeleton=rx.fragment(skeleton_card(3, "28px"), skeleton_card(3, "28px")),
        about=rx.cond(
            state.loaded,
            f"Sealed with AES-256; only the last four characters are ever shown. Times in {state.viewer.zone}.",
            "\u00a0",
        ),
        actions=rx.cond(state.loaded & (state.keys.length() > 0), add),
    )


def _key(state: Any, key: KeyRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.h2(key.name, title=key.name, class_name="key-name"),
                rx.el.div(
                    provider_badge(key.provider, key.color),
                    rx.cond(key.hint != "", rx.el.code(key.hint, custom_attrs={"aria-label": f"ends in {key.hint}"})),
                    badge(key.kind),
                    badge(key.state, key.tone),
                    class_name="row",
                ),
                class_name="stack key-title",
            ),
            _actions(state, key),
            class_name="key-head",
        ),
        rx.cond(key.note != "", _note(state, key)),
        rx.cond(key.no_reporting != "", rx.el.p(key.no_reporting, class_name="muted")),
        rx.cond(key.pulling, progress_bar(key.pull.label, key.pull.percent, key.pull.note)),
        rx.el.dl(
            _fact("Account", rx.cond(key.account != "", key.account, "–")),
            rx.cond(key.external_id != "", _fact("Provider's id", rx.el.code(key.external_id))),
            rx.cond(key.address != "", _fact("Address", rx.el.code(key.address))),
            rx.cond(key.balance != "", _balance(key)),
            _fact("Stored by", key.owner),
            _fact("Last validated", moment(key.validated)),
            _fact("Last used", moment(key.used)),
            rx.cond(key.is_admin, _last_pull(key)),
            rx.cond(key.takes_calls, _limits(key)),
            class_name="facts",
        ),
        key=key.id,
        class_name="card key",
        custom_attrs={"data-testid": "key", "aria-label": key.name},
    )


def _actions(state: Any, key: KeyRow) -> rx.Component:
    testing = state.testing.contains(key.id)
    pulls = key.active & key.is_admin & state.viewer.permissions.contains("keys:sync")
    return rx.el.div(
        rx.cond(
            pulls,
            button(
                icon("refresh-cw", 14),
                rx.cond(key.pulling, "Pulling…", "Pull now"),
                on_click=state.pull(key.id),
                disabled=key.pulling,
            ),
        ),
        rx.cond(
            key.may_change | state.viewer.permissions.contains("keys:sync"),
            button(rx.cond(testing, "Testing…", "Test"), on_click=state.test(key.id), disabled=testing),
        ),
        rx.cond(key.may_change, _menu(state, key)),
        class_name="key-actions",
    )


def _menu(state: Any, key: KeyRow) -> rx.Component:
    name = f"menu-{key.id}"
    return menu(
        name,
        f"More for {key.name}",
        menu_item("pencil", "Rename", name, on_click=state.open_rename(key.id)),
        menu_item("replace", "Replace the key", name, on_click=state.open_replace(key.id)),
        rx.cond(
            key.active,
            menu_item("pause", "Deactivate", name, on_click=state.switch(key.id, False)),
            menu_item("play", "Activate", name, on_click=state.switch(key.id, True)),
        ),
        menu_item("trash-2", "Delete", name, tone="bad", on_click=state.open_delete(key.id)),
    )


def _note(state: Any, key: KeyRow) -> rx.Component:
    replace = rx.cond(key.may_change, button("Replace the key", on_click=state.open_replace(key.id)))
    return rx.el.div(
        rx.match(
            key.note_tone,
            ("bad", notice(rx.el.p(key.note), replace, tone="bad", icon_name="circle-alert")),
            ("warn", notice(key.note, tone="warn", icon_name="triangle-alert")),
            rx.el.p(key.note, class_name="muted"),
        )
    )


def _balance(key: KeyRow) -> rx.Component:
    return _fact(
        "Balance",
        rx.el.span(key.balance, class_name="num"),
        " ",
        rx.el.span(moment(key.balance_at), class_name="muted"),
    )


def _last_pull(key: KeyRow) -> rx.Component:
    did = rx.cond(key.pulled != "", rx.fragment(": ", rx.el.span(key.pulled)))
    return _fact("Last pull", moment(key.pulled_at), did, wide=True)


def _limits(key: KeyRow) -> rx.Component:
    lines = rx.el.ul(
        rx.foreach(key.limits, _limit),
        rx.cond(key.limits_note != "", rx.el.li(key.limits_note, class_name="muted")),
    )
    return _fact("Rate limits", lines, wide=True)


def _limit(line: LimitLine) -> rx.Component:
    return rx.el.li(
        rx.el.code(line.model),
        " ",
        rx.cond(line.tone != "", badge("Limit reached", "warn")),
        " ",
        rx.el.span(line.told, class_name="num"),
        " ",
        rx.el.span("(seen ", moment(line.seen), ")", class_name="muted"),
    )


def _fact(name: str, *value: Any, wide: bool = False) -> rx.Component:
    return rx.el.div(rx.el.dt(name), rx.el.dd(*value), class_name="wide" if wide else "")


def _empty(add: rx.Component, providers: list[ProviderChoice]) -> rx.Component:
    how = rx.el.ul(
        *(
            rx.el.li(
                provider_badge(each.name, each.color),
                rx.el.span(each.kinds[0].hint),
                where_it_is_made(each.kinds[0]),
                class_name="stack",
            )
            for each in providers
        ),
        class_name="how",
    )
    text = (
        "Keys of your providers live here, sealed. With an admin key, what was spent in the last 90 days is pulled at "
        "once, and from then on every night. The gateway calls models with keys of the other kinds."
    )
    return empty_state("key-round", "No key yet", text, add, more=how)
