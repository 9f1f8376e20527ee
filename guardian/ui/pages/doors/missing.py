"""404: what is not here, or not for this person."""

import reflex as rx

from guardian.ui.components.basics import button_link, icon

ROUTE = "404"


def page() -> rx.Component:
    return rx.el.main(missing(), class_name="door")


def missing() -> rx.Component:
    """The words, for a page that a person may not see as for one that is not there: the two look the same."""
    return rx.el.section(
        icon("compass", 32),
        rx.el.h1("There is no such page"),
        rx.el.p("The address may be old or mistyped.", class_name="muted"),
        button_link("Go to the dashboard", to="/dashboard", kind="primary"),
        class_name="card empty",
    )
