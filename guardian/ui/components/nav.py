"""The pages of the sidebar and of the menu, in groups: what is spent, its bounds, its sources, the company."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import reflex as rx

from guardian.ui.components.basics import icon, link
from guardian.ui.session import Page

ALERTS = "/alerts"
BILLING = "/billing"


@dataclass(frozen=True)
class Place:
    """A page of the sidebar; `admin` ones are for those who run the installation, others for whoever may `needs`."""

    name: str
    href: str
    icon: str
    group: str = ""
    admin: bool = False
    needs: str = ""


# Those of a group stand together; the first group needs no name.
PLACES: tuple[Place, ...] = (
    Place("Dashboard", "/dashboard", "layout-dashboard"),
    Place("Explorer", "/usage", "chart-column-stacked"),
    Place("Requests", "/requests", "activity"),
    Place("Reconciliation", "/reconciliation", "scale"),
    Place("Budgets", "/budgets", "wallet", "Control"),
    Place("Alerts", ALERTS, "bell", "Control"),
    Place("Reports", "/reports", "file-text", "Control"),
    Place("Keys", "/keys", "key-round", "Sources"),
    Place("Prices", "/prices", "badge-dollar-sign", "Sources"),
    Place("Import and export", "/imports", "arrow-down-up", "Sources"),
    Place("Team", "/team", "users", "Company"),
    Place("Activity", "/activity", "history", "Company", needs="activity:read"),
    Place("Settings", "/settings", "settings", "Company"),
    Place("Plan and invoices", BILLING, "credit-card", "Company", needs="billing:read"),
    Place("Installation", "/admin", "server", "Admin", admin=True),
)


def nav(state: type[Page], here: str, label: str) -> rx.Component:
    """The pages that the viewer may open; `here` is the href of the one that is open."""
    return rx.el.nav(
        *(_group(state, name, tuple(places), here) for name, places in groupby(PLACES, key=lambda each: each.group)),
        class_name="nav",
        custom_attrs={"aria-label": label},
    )


def firing_count(state: type[Page], testid: str = "alerts-firing") -> rx.Component:
    """How many alerts fire now, beside the page where they are."""
    return rx.cond(
        state.firing > 0,
        rx.el.span(
            state.firing,
            class_name="badge bad count",
            custom_attrs={"data-testid": testid, "data-live": "true"},
        ),
    )


def _group(state: type[Page], name: str, places: tuple[Place, ...], here: str) -> rx.Component:
    shown = rx.el.div(
        rx.el.div(name, class_name="nav-heading") if name else rx.fragment(),
        *(_place(state, place, here) for place in places),
        class_name="nav-group",
    )
    if any(place.admin for place in places):
        return rx.cond(state.viewer.is_super_admin, shown)
    return shown


def _place(state: type[Page], place: Place, here: str) -> rx.Component:
    current = {"aria-current": "page"} if place.href == here else {}
    shown = _entry(state, place, current)
    if place.needs:
        permissions: Any = state.viewer.permissions
        return rx.cond(permissions.contains(place.needs), shown)
    return shown


def _entry(state: type[Page], place: Place, current: dict[str, str]) -> rx.Component:
    counts = place.href == ALERTS
    name = rx.cond(state.firing > 0, f"{place.name}, {state.firing} firing", place.name) if counts else place.name
    return link(
        icon(place.icon, 18),
        rx.el.span(place.name, class_name="label"),
        firing_count(state) if counts else rx.fragment(),
        to=place.href,
        title=place.name,
        custom_attrs={"aria-label": name, **current},
    )
