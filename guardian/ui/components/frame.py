"""The frame of every signed-in page: sidebar, title, states of loading; a page gives only what is inside."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from guardian.ui.components.basics import icon, link
from guardian.ui.components.forms import plain_form
from guardian.ui.components.impersonation import impersonation_banner
from guardian.ui.components.palette import palette
from guardian.ui.components.places import new_place_dialog, place_switch
from guardian.ui.components.states import error_state, loading_note, notice
from guardian.ui.session import Page

ALERTS = "/alerts"
BILLING = "/billing"


@dataclass(frozen=True)
class Place:
    """A page of the sidebar; `admin` ones are for those who run the installation, others for whoever may `needs`."""

    name: str
    href: str
    icon: str
    admin: bool = False
    needs: str = ""


PLACES: tuple[Place, ...] = (
    Place("Dashboard", "/dashboard", "layout-dashboard"),
    Place("Explorer", "/usage", "chart-column-stacked"),
    Place("Requests", "/requests", "activity"),
    Place("Reconciliation", "/reconciliation", "scale"),
    Place("Budgets", "/budgets", "wallet"),
    Place("Prices", "/prices", "badge-dollar-sign"),
    Place("Keys", "/keys", "key-round"),
    Place("Alerts", ALERTS, "bell"),
    Place("Reports", "/reports", "file-text"),
    Place("Import and export", "/imports", "arrow-down-up"),
    Place("Team", "/team", "users"),
    Place("Activity", "/activity", "history", needs="activity:read"),
    Place("Settings", "/settings", "settings"),
    Place("Plan and invoices", BILLING, "credit-card", needs="billing:read"),
    Place("Installation", "/admin", "server", admin=True),
)


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
                rx.cond(state.viewer.owes != "", _owed(state), rx.fragment()),
                rx.cond(state.problem != "", error_state(state.problem, state.problem_id, state.load), rx.fragment()),
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
        rx.cond(
            state.problem == "",
            rx.el.div(loading_note(), skeleton, class_name="body"),
            rx.fragment(),
        ),
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
            _nav(state, here, "Pages"),
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
            _firing(state, testid="menu-firing"),
            type="button",
            class_name="button quiet icon",
            custom_attrs={"popoverTarget": "sheet"},
        ),
        rx.el.div(
            place_switch(state.viewer.organization, "places-sheet"),
            _nav(state, here, "Menu"),
            _foot(state),
            class_name="sheet",
            id="sheet",
            custom_attrs={"popover": "auto"},
        ),
        class_name="topbar",
    )


def _nav(state: type[Page], here: str, label: str) -> rx.Component:
    pages = [_place(state, place, here) for place in PLACES if not place.admin]
    admin = [_place(state, place, here) for place in PLACES if place.admin]
    return rx.el.nav(
        *pages,
        rx.cond(
            state.viewer.is_super_admin,
            rx.fragment(rx.el.div("Admin", class_name="nav-heading"), *admin),
            rx.fragment(),
        ),
        class_name="nav",
        custom_attrs={"aria-label": label},
    )


def _place(state: type[Page], place: Place, here: str) -> rx.Component:
    current = {"aria-current": "page"} if place.href == here else {}
    if place.needs:
        shown = _entry(state, place, current)
        permissions: Any = state.viewer.permissions
        return rx.cond(permissions.contains(place.needs), shown, rx.fragment())
    return _entry(state, place, current)


def _entry(state: type[Page], place: Place, current: dict[str, str]) -> rx.Component:
    counts = place.href == ALERTS
    name = rx.cond(state.firing > 0, f"{place.name}, {state.firing} firing", place.name) if counts else place.name
    return link(
        icon(place.icon, 18),
        rx.el.span(place.name, class_name="label"),
        _firing(state) if counts else rx.fragment(),
        to=place.href,
        title=place.name,
        custom_attrs={"aria-label": name, **current},
    )


def _firing(state: type[Page], testid: str = "alerts-firing") -> rx.Component:
    """How many alerts fire now, beside the page where they are."""
    return rx.cond(
        state.firing > 0,
        rx.el.span(
            state.firing,
            class_name="badge bad count",
            custom_attrs={"data-testid": testid, "data-live": "true"},
        ),
        rx.fragment(),
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
