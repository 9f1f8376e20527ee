"""What each role may do, drawn from the one table that is applied."""

import reflex as rx

from guardian.services.people.members import LADDER
from guardian.services.permissions import TABLE
from guardian.ui.components.basics import icon
from guardian.ui.components.cards import card
from guardian.ui.pages.team.rows import ABOUT_ROLES, ROLE_NAMES


def roles_card() -> rx.Component:
    """The section."""
    heads = (rx.el.th(ROLE_NAMES[role], scope="col", title=ABOUT_ROLES[role]) for role in LADDER)
    lines = (
        rx.el.tr(
            rx.el.th(line.about[:1].upper() + line.about[1:], scope="row", title=name),
            *(rx.el.td(_mark(role in line.roles)) for role in LADDER),
        )
        for name, line in TABLE.items()
    )
    return card(
        "What each role may do",
        rx.el.details(
            rx.el.summary("Show the table"),
            rx.el.div(
                rx.el.table(
                    rx.el.caption("What each role may do", class_name="sr-only"),
                    rx.el.thead(rx.el.tr(rx.el.th("May", scope="col"), *heads)),
                    rx.el.tbody(*lines),
                    class_name="roles",
                ),
                class_name="roles-wrap",
                custom_attrs={"tabIndex": "0", "role": "region", "aria-label": "What each role may do"},
            ),
        ),
    )


def _mark(may: bool) -> rx.Component:
    if not may:
        return rx.el.span("no", class_name="sr-only")
    return rx.fragment(icon("check", 16), rx.el.span("yes", class_name="sr-only"))
