"""The card of the first steps on the dashboard, and the line that brings it back once it was put away."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, button_link, icon
from guardian.ui.pages.dashboard.onboarding import SetupStep


def setup_card(state: Any) -> rx.Component:
    """The steps, each with where it is done; nothing once all are done or skipped, or it was put away."""
    return rx.cond(
        state.setup_shown,
        rx.el.section(
            rx.el.div(
                rx.el.h2("First steps"),
                rx.el.div(
                    rx.el.span(state.setup_progress, class_name="muted small"),
                    button("Not now", kind="quiet", on_click=state.put_setup_away),
                    class_name="row",
                ),
                class_name="card-head",
            ),
            rx.el.ol(rx.foreach(state.setup_steps, partial(_step, state)), class_name="setup-steps"),
            class_name="card setup",
            custom_attrs={"data-testid": "setup"},
        ),
        rx.fragment(),
    )


def setup_again(state: Any) -> rx.Component:
    """One quiet line for who put the card away before its end."""
    return rx.cond(
        state.setup_away,
        rx.el.p(
            rx.el.span(f"First steps: {state.setup_progress}.", class_name="muted small"),
            button("Go on with them", kind="quiet", on_click=state.fetch_setup),
            class_name="row setup-again",
        ),
        rx.fragment(),
    )


def _step(state: Any, step: SetupStep) -> rx.Component:
    return rx.el.li(
        rx.el.span(
            rx.match(
                step.state,
                ("done", icon("check", 14)),
                ("skipped", icon("minus", 14)),
                rx.el.span(step.number),
            ),
            class_name="setup-mark",
            custom_attrs={"aria-hidden": "true"},
        ),
        rx.el.div(
            rx.el.h3(step.title, rx.el.span(f", {step.said}", class_name="sr-only")),
            rx.el.p(step.text, class_name="muted small"),
            rx.match(
                step.state,
                (
                    "next",
                    rx.el.div(
                        button_link(step.verb, to=step.href, kind="primary", custom_attrs={"aria-label": step.title}),
                        _skip(step, state),
                        class_name="row",
                    ),
                ),
                (
                    "later",
                    rx.el.div(
                        button_link(step.verb, to=step.href, custom_attrs={"aria-label": step.title}),
                        _skip(step, state),
                        class_name="row",
                    ),
                ),
                ("skipped", rx.el.div(badge("Skipped"), class_name="row")),
                rx.fragment(),
            ),
            class_name="setup-text",
        ),
        key=step.name,
        class_name=f"setup-step {step.state}",
        custom_attrs={"data-state": step.state},
    )


def _skip(step: SetupStep, state: Any) -> rx.Component:
    return button(
        "Skip", kind="quiet", on_click=state.skip_step(step.name), custom_attrs={"aria-label": f"Skip: {step.title}"}
    )
