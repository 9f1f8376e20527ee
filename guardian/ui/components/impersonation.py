"""The banner of who looks through another person's eyes: whose they are, and the way back, on every page."""

import reflex as rx

from guardian.ui.components.basics import icon
from guardian.ui.components.forms import plain_form
from guardian.ui.session import Page


def impersonation_banner(state: type[Page]) -> rx.Component:
    """Nothing for everybody who is themselves."""
    return rx.cond(
        state.viewer.impersonated,
        rx.el.section(
            icon("eye", 18),
            rx.el.p(
                "You look through the eyes of ",
                rx.el.strong(state.viewer.email),
                " at ",
                rx.el.strong(state.viewer.organization),
                ". All that you do is in their activity log.",
            ),
            plain_form(
                "/auth/impersonation/end",
                rx.el.button(
                    "End", type="submit", class_name="button", custom_attrs={"data-testid": "impersonation-end"}
                ),
            ),
            class_name="impersonation",
            custom_attrs={"aria-label": "Impersonation", "data-testid": "impersonation"},
        ),
    )
