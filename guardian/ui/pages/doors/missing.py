"""404: what is not here, or not for this person."""

import reflex as rx

from guardian.ui.components.basics import button_link, icon
from guardian.ui.pages.doors.door import brand

ROUTE = "404"


def page() -> rx.Component:
    return missing()


def missing() -> rx.Component:
    """The whole page, for one that a person may not see as for one that is not there: the two look the same."""
    return rx.el.main(
        rx.el.div(
            brand(),
            rx.el.section(
                icon("compass", 32),
                rx.el.h1("There is no such page"),
                rx.el.p("The address may be old or mistyped.", class_name="muted"),
                button_link("Go to the dashboard", to="/dashboard", kind="primary"),
                class_name="card empty",
            ),
            class_name="door-column",
        ),
        class_name="door",
    )
