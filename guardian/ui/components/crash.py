"""What is shown when the page's own script fails: a sentence, a way on, and the technical words for whoever helps."""

import reflex as rx
from reflex_components_core.base.error_boundary import ErrorBoundary

from guardian.ui.components.basics import button, icon


def crash_boundary() -> rx.Component:
    """Around every page. The server's log gets the error too."""
    # The name by which the boundary hands the error over.
    words: rx.Var[str] = rx.Var(_js_expr="event_args.error.name + ': ' + event_args.error.message", _var_type=str)
    return ErrorBoundary.create(
        fallback_render=rx.el.main(
            rx.el.section(
                icon("circle-alert", 32),
                rx.el.h1("This page could not be shown"),
                rx.el.p("Its script failed. Nothing was lost: what you saved is saved. Reload the page to go on."),
                button("Reload", kind="primary", custom_attrs={"data-reload": "true"}),
                rx.el.details(rx.el.summary("Details", class_name="muted small"), rx.el.code(words)),
                class_name="card empty",
                role="alert",
            ),
            class_name="door",
        )
    )
