"""The frame of every signed-in page: sidebar, title, states of loading; a page gives only what is inside."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import icon, link
from guardian.ui.components.forms import plain_form
from guardian.ui.components.impersonation import impersonation_banner
from guardian.ui.components.nav import BILLING, PLACES, firing_count, nav
from guardian.ui.components.palette import palette
from guardian.ui.components.places import new_place_dialog, place_switch
from guardian.ui.components.states import error_state, loading_note, notice
from guardian.ui.session import Page


def frame(
    state: type[Page],
    here: str,
    *content: Any,
    skeleton: rx.Component,
    title: str | None = None,
    about: Any = "",
    actions: rx.Component | None = None,
) -> rx.Component:
    """A whole page: `here` is its href. `content` shows once the State has loaded, `skeleton` before.

    `about` is one muted line under the title, `actions` stand at its right.
    """
    heading = title or next(place.name for place in PLACES if place.href == here)
    return rx.el.div(
        rx.el.nav(
            # A link to "#content" would be followed as a page of its own, and lose the address's parameters.
            rx.el.button(
                "Skip to the content", type="button", class_name="skip", custom_attrs={"data-focus": "content"}
            ),
            custom_attrs={"aria-label": "Skip"},
        ),
        _sidebar(state, here),
        _topbar(state, here),
        rx.el.main(
            impersonation_banner(state),
            rx.el.div(
                rx.el.header(
                    rx.el.div(rx.el.h1(heading), rx.el.p(about, class_name="page-about")),
                    rx.el.div(actions or rx.fragment(), class_name="page-actions"),
                    class_name="page-header",
                ),
                rx.cond(state.viewer.owes != "", _owed(state)),
                rx.cond(state.problem != "", error_state(state.problem, state.problem_id, state.load)),
                _body(state, content, skeleton),
                class_name="content",
            ),
            class_name="main",
            id="content",
            custom_attrs={"tabIndex": "-1"},
        ),
        new_place_dialog(),
        palette([(place.name, place.href, place.icon) for place in PLACES if not place.admin and not place.needs]),
        class_name="frame",
    )


def _body(state: type[Page], content: tuple[Any, ...], skeleton: rx.Component) -> rx.Component:
    return rx.cond(
        state.loaded,
        rx.el.div(
            *content,
            class_name="body",
            custom_attrs={"aria-busy": rx.cond(state.loading, "true", "false")},
        ),
        rx.cond(state.problem == "", rx.el.div(loading_note(), skeleton, class_name="body")),
    )


def _owed(state: type[Page]) -> rx.Component:
    """A payment failed: for those who can mend it, on every page until it is."""
    return notice(
        rx.el.p(state.viewer.owes), link("Plan and invoices", to=BILLING), tone="warn", icon_name="credit-card"
    )


def brand() -> rx.Component:
    """The product's name."""
    return link(
        icon("shield-check", 20),
        rx.el.span("AI Cost Guardian", class_name="label"),
        to="/dashboard",
        class_name="brand",
        custom_attrs={"aria-label": "AI Cost Guardian, dashboard"},
    )


def _sidebar(state: type[Page], here: str) -> rx.Component:
    return rx.el.aside(
        rx.el.div(
            brand(),
            place_switch(state.viewer.organization, "places"),
            nav(state, here, "Pages"),
            _foot(state),
            class_name="sidebar-inside",
        ),
        class_name="sidebar",
    )


def _topbar(state: type[Page], here: str) -> rx.Component:
    return rx.el.header(
        brand(),
        rx.el.button(
            icon("menu", 20),
            rx.el.span("Menu", class_name="sr-only"),
            firing_count(state, testid="menu-firing"),
            type="button",
            class_name="button quiet icon",
            custom_attrs={"popoverTarget": "sheet"},
        ),
        rx.el.div(
            place_switch(state.viewer.organization, "places-sheet"),
            nav(state, here, "Menu"),
            _foot(state),
            class_name="sheet",
            id="sheet",
            custom_attrs={"popover": "auto"},
        ),
        class_name="topbar",
    )


def _foot(state: type[Page]) -> rx.Component:
    toggle: Any = rx.toggle_color_mode  # pyright: ignore[reportUnknownVariableType]  # Var of anything
    return rx.el.div(
        rx.el.div(
            rx.el.span(state.viewer.name),
            rx.el.span(state.viewer.role, class_name="muted small"),
            class_name="person",
        ),
        rx.el.button(
            rx.color_mode_cond(icon("moon", 18), icon("sun", 18)),
            rx.el.span(rx.color_mode_cond("Dark", "Light"), class_name="label"),
            type="button",
            class_name="nav-button",
            on_click=toggle,
            custom_attrs={"aria-label": "Switch between light and dark"},
        ),
        plain_form(
            "/auth/logout",
            rx.el.button(
                icon("log-out", 18),
                rx.el.span("Sign out", class_name="label"),
                type="submit",
                class_name="nav-button",
                custom_attrs={"aria-label": "Sign out"},
            ),
        ),
        class_name="sidebar-foot",
    )
