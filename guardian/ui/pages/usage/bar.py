"""The explorer's controls: the filter with its values, grouping, buckets, time zone, and the saved views."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.services.ledger.views import USAGE_FILTERS
from guardian.ui.components.basics import badge, button, icon, link
from guardian.ui.components.filter_bar import check_link, chip, choice_links, filter_bar, picker
from guardian.ui.components.menu import menu, menu_item
from guardian.ui.pages.usage.groups import Chip, Option
from guardian.ui.pages.usage.saved import ViewRow
from guardian.ui.pages.usage.words import dimension

_FILTER = "filter-values"


def usage_bar(state: Any) -> rx.Component:
    """One row above everything: what is shown, and how."""
    return filter_bar(
        _filter(state),
        rx.foreach(state.chips, partial(_chip, state)),
        rx.cond(state.chips.length() > 1, link("Clear all", to=state.clear_href, class_name="button quiet")),
        rx.el.div(
            rx.cond(
                state.tab == "groups",
                rx.fragment(
                    picker(
                        "grouping",
                        "By",
                        state.grouped_by,
                        choice_links(state.groupings, "Group by"),
                        _small_form("tag", "A tag", "environment", "Group", state.group_by_tag),
                    ),
                    picker("bucket", "In", state.bucket, choice_links(state.buckets, "Bars for")),
                ),
            ),
            picker(
                "zone",
                "",
                state.zone,
                choice_links(state.zones, "Time zone"),
                _small_form("zone", "Another zone", "America/New_York", "Use", state.choose_zone),
                symbol="globe",
            ),
            class_name="row push",
        ),
    )


def _small_form(name: str, label: str, example: str, verb: str, on_submit: Any) -> rx.Component:
    return rx.el.form(
        rx.el.label(label, html_for=f"pick-{name}", class_name="muted small"),
        rx.el.div(
            rx.el.input(
                id=f"pick-{name}",
                name=name,
                placeholder=example,
                required=True,
                max_length=100,
                class_name="input",
                custom_attrs={"autoComplete": "off", "spellCheck": "false"},
            ),
            button(verb, type="submit"),
            class_name="joined",
        ),
        on_submit=on_submit,
        class_name="small-form",
    )


def _chip(state: Any, chip_of: Chip) -> rx.Component:
    return chip(chip_of.label, chip_of.text, chip_of.title, chip_of.href, _FILTER, state.open_filter(chip_of.dimension))


def _filter(state: Any) -> rx.Component:
    return rx.el.div(
        rx.el.button(
            icon("list-filter", 14),
            "Filter",
            rx.el.kbd("/", custom_attrs={"aria-hidden": "true"}),
            type="button",
            class_name="button",
            on_click=state.open_filter(""),
            custom_attrs={"popoverTarget": _FILTER, "data-filter": "true", "aria-keyshortcuts": "/"},
        ),
        rx.el.div(
            rx.el.div(
                rx.el.label("Filter by", html_for="filter-dimension", class_name="sr-only"),
                rx.el.select(
                    *(rx.el.option(dimension(name), value=name) for name in USAGE_FILTERS),
                    id="filter-dimension",
                    value=state.picking,
                    on_change=state.open_filter,
                    class_name="input",
                ),
                _search(state),
                class_name="stack",
            ),
            rx.cond(
                state.options.length() > 0,
                rx.el.ul(
                    rx.foreach(state.options, _option), class_name="options", custom_attrs={"aria-label": "Values"}
                ),
                rx.el.p(
                    rx.match(
                        state.picking,
                        ("tag", "Type a key, a colon and a value, then press Enter."),
                        rx.cond(state.search != "", "No value of this name.", "No value in this range."),
                    ),
                    class_name="muted small nothing",
                ),
            ),
            id=_FILTER,
            class_name="popover picker values",
            custom_attrs={"popover": "auto", "aria-label": "Filter"},
        ),
    )


def _search(state: Any) -> rx.Component:
    return rx.el.form(
        rx.el.label("Find a value", html_for="filter-value", class_name="sr-only"),
        rx.el.input(
            id="filter-value",
            name="value",
            # Not bound to a var, whose way back would overtake who types fast.
            on_change=state.search_values.debounce(120),
            key=state.picking,
            placeholder=state.hint,
            class_name="input",
            custom_attrs={"autoComplete": "off", "spellCheck": "false", "data-autofocus": "true"},
        ),
        on_submit=state.add_value,
    )


def _option(option: Option) -> rx.Component:
    return rx.el.li(
        check_link(
            rx.el.span(
                rx.el.span(option.name),
                rx.cond(option.detail != "", rx.el.code(option.detail, class_name="muted")),
                class_name="what",
            ),
            rx.el.span(option.amount, class_name="muted small push"),
            href=option.href,
            checked=option.checked,
            title=option.title,
        ),
        key=option.key,
    )


def views_menu(state: Any) -> rx.Component:
    """The saved views: open one, keep the present one, share, rename, delete."""
    return picker(
        "views",
        "",
        rx.cond(state.view.id != "", state.view.name, "Saved views"),
        rx.cond(
            state.changed & state.view.may_change,
            button(
                icon("save", 14),
                "Keep the change in this view",
                on_click=state.keep_in_view(state.view.id),
                custom_attrs={"popoverTarget": "views", "popoverTargetAction": "hide"},
            ),
        ),
        rx.cond(
            state.views.length() > 0,
            rx.el.ul(
                rx.foreach(state.views, partial(_view, state)),
                class_name="choice-links saved",
                custom_attrs={"aria-label": "Saved views"},
            ),
            rx.el.p("A saved view keeps range, filters and grouping under a name.", class_name="muted small nothing"),
        ),
        button(
            icon("plus", 14),
            "Save this view",
            kind="primary",
            on_click=state.open_save,
            custom_attrs={"popoverTarget": "views", "popoverTargetAction": "hide"},
        ),
        symbol="bookmark",
    )


def _view(state: Any, view: ViewRow) -> rx.Component:
    return rx.el.li(
        link(
            rx.el.span(view.name, class_name="what"),
            rx.cond(view.owner != "", badge(view.owner), rx.cond(view.shared, badge("shared"))),
            to=view.href,
            title=view.name,
            custom_attrs={"aria-current": rx.cond(view.current, "true", "false")},
        ),
        rx.cond(view.may_change, _view_menu(state, view)),
        key=view.id,
    )


def _view_menu(state: Any, view: ViewRow) -> rx.Component:
    name: Any = f"view-{view.id}"
    return menu(
        name,
        f"More for {view.name}",
        rx.cond(
            view.shared,
            menu_item("lock", "Stop sharing", name, on_click=state.share_view(view.id, False)),
            rx.cond(
                state.may_share,
                menu_item("users", "Share with everybody", name, on_click=state.share_view(view.id, True)),
            ),
        ),
        menu_item("pencil", "Rename", name, on_click=state.open_rename(view.id)),
        menu_item("trash-2", "Delete", name, tone="bad", on_click=state.open_delete(view.id)),
    )
