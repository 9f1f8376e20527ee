"""What a page shows when it has no data to show: skeletons in the final layout, an empty state, an error, progress."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button_link, copy_button, icon, link


def skeleton(height: str = "20px", width: str = "100%") -> rx.Component:
    """A grey block of the size of what will stand there."""
    return rx.el.div(class_name="skeleton", style={"height": height, "width": width})


def skeleton_card(lines: int = 5, height: str = "20px") -> rx.Component:
    """A card of grey lines."""
    return rx.el.div(
        rx.el.div(*(skeleton(height) for _ in range(lines)), class_name="stack card-body"),
        class_name="card",
        custom_attrs={"aria-hidden": "true"},
    )


def loading_note(text: str = "Loading") -> rx.Component:
    """The skeleton's words, for screen readers."""
    return rx.el.p(text, class_name="sr-only", role="status")


def empty_state(
    icon_name: str, title: str, text: Any, action: rx.Component | None = None, *, more: rx.Component | None = None
) -> rx.Component:
    """What will be here, and the one button that gets there; `more` stands between the two."""
    return rx.el.section(
        icon(icon_name, 32),
        rx.el.h2(title),
        rx.el.p(text),
        more or rx.fragment(),
        action or rx.fragment(),
        class_name="card empty",
    )


def nothing_connected(text: str) -> rx.Component:
    """Of an organization without a key, calls or files; `text` says what the page shows once there are some."""
    return empty_state(
        "key-round",
        "Nothing is connected yet",
        rx.fragment(
            text,
            " You can also begin with ",
            link("calls through the gateway", to="/requests"),
            " or with ",
            link("files", to="/imports"),
            ".",
        ),
        button_link(icon("plus"), "Add a key", to="/keys", kind="primary"),
    )


def error_state(message: Any, request_id: Any, retry: Any) -> rx.Component:
    """What happened and what to do, with the request id to copy, and a way to try again."""
    return rx.el.section(
        icon("circle-alert", 18),
        rx.el.div(
            rx.el.p(message),
            rx.el.div(
                rx.el.span("Nothing was lost. Request ", rx.el.code(request_id), class_name="muted small"),
                copy_button(request_id, "Copy the request id"),
                class_name="row",
            ),
            class_name="text",
        ),
        rx.el.button("Try again", type="button", class_name="button", on_click=retry),
        class_name="notice bad",
        role="alert",
    )


def notice(*children: Any, tone: str = "", icon_name: str = "info") -> rx.Component:
    """One sentence that a person should read; `tone` warn or bad only where they need to act."""
    return rx.el.div(icon(icon_name, 18), rx.el.div(*children, class_name="text"), class_name=f"notice {tone}".strip())


def progress_bar(label: Any, percent: Any, note: Any) -> rx.Component:
    """Long work: what it is, how far it is (0 to 100), and a note with count and remaining time."""
    return rx.el.div(
        rx.el.div(rx.el.span(label), rx.el.span(note, class_name="muted small push"), class_name="row"),
        rx.el.div(
            rx.el.span(style={"width": f"{percent}%"}),
            class_name="track",
            role="progressbar",
            custom_attrs={
                "aria-label": label,
                "aria-valuenow": percent,
                "aria-valuemin": "0",
                "aria-valuemax": "100",
            },
        ),
        class_name="progress",
    )
