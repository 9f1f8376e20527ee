"""The thin banner of a lost connection. It goes by itself: the page connects and reads anew."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors


def offline_banner() -> rx.Component:
    """Shows while the WebSocket is down."""
    return rx.cond(
        has_connection_errors,
        rx.el.div(
            "Offline. What you see may be old; the page refreshes when the connection is back.",
            class_name="offline",
            role="status",
        ),
    )
