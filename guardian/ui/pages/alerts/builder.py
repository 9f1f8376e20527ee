"""The builder: its fields, the sentence that they make, and what it would have done in the last 30 days."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button, icon
from guardian.ui.components.dialog import actions, dialog
from guardian.ui.components.forms import refusal
from guardian.ui.components.secret import secret_once
from guardian.ui.components.states import notice
from guardian.ui.pages.alerts.building import SECRET_FIELD
from guardian.ui.pages.alerts.fields import builder_fields
from guardian.ui.pages.alerts.previewed import DayBar, FiringRow


def builder(state: Any) -> rx.Component:
    """Beside the page, so that the list stays in sight on a wide screen."""
    return rx.el.dialog(
        rx.cond(
            state.building,
            rx.el.div(
                rx.el.div(
                    rx.el.h2(rx.cond(state.draft.id != "", "Edit the alert", "New alert"), id="builder-title"),
                    button(
                        icon("x", 18),
                        kind="quiet icon",
                        on_click=state.close_builder,
                        title="Close",
                        custom_attrs={"data-dismiss": "true", "aria-label": "Close"},
                    ),
                    class_name="panel-head",
                ),
                _sentence(state),
                rx.el.form(
                    builder_fields(state),
                    _outcome(state),
                    refusal(state.refusal, "Nothing was changed."),
                    actions(
                        state.close_builder, rx.cond(state.draft.id != "", "Save the alert", "Watch it"), type="submit"
                    ),
                    on_submit=state.save,
                    class_name="form builder-form",
                ),
                class_name="panel-body",
            ),
        ),
        id="builder",
        class_name="panel wide",
        custom_attrs={"data-open": rx.cond(state.building, "true", "false"), "aria-labelledby": "builder-title"},
    )


def secret_dialog(state: Any) -> rx.Component:
    """The secret that signs a webhook, once."""
    return dialog(
        state.made != "",
        rx.fragment("The secret of ", state.made),
        rx.el.p("Messages to the webhook are signed with it, as Standard Webhooks says."),
        secret_once(SECRET_FIELD, "Signing secret", state.made, state.close_builder),
        on_dismiss=state.close_builder,
        name="webhook-secret-dialog",
    )


def _sentence(state: Any) -> rx.Component:
    """What is being built, in words, or what it lacks; it stays in sight."""
    return rx.el.div(
        rx.cond(
            state.wrong != "",
            notice(state.wrong, icon_name="pencil"),
            rx.el.p(state.sentence, class_name="said", custom_attrs={"data-testid": "sentence"}),
        ),
        class_name="spoken",
        custom_attrs={"aria-live": "polite"},
    )


def _outcome(state: Any) -> rx.Component:
    preview = state.preview
    return rx.el.section(
        rx.cond(
            preview.sentence != "",
            rx.el.div(
                rx.el.p(rx.el.strong(preview.sentence), custom_attrs={"data-testid": "preview"}),
                rx.cond(
                    preview.count > 0,
                    rx.fragment(
                        rx.el.div(
                            rx.foreach(preview.days, _day), class_name="days", custom_attrs={"aria-hidden": "true"}
                        ),
                        rx.el.ul(rx.foreach(preview.firings, _firing), class_name="firings"),
                        rx.cond(preview.more != "", rx.el.p(preview.more, class_name="muted small")),
                    ),
                ),
                class_name="stack",
            ),
            rx.el.p(
                rx.cond(
                    state.wrong == "",
                    "Looking at the last 30 days…",
                    "What it would have done in the last 30 days shows here once it is whole.",
                ),
                class_name="muted",
            ),
        ),
        class_name="outcome",
        custom_attrs={"aria-label": "The last 30 days"},
    )


def _day(bar: DayBar) -> rx.Component:
    return rx.el.span(rx.el.span(style={"height": f"{bar.height}%"}), title=bar.title, key=bar.key)


def _firing(row: FiringRow) -> rx.Component:
    return rx.el.li(
        rx.el.span(row.when, class_name="muted small"), rx.el.span(row.sentence, class_name="small"), key=row.key
    )
