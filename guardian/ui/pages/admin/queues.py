"""How the queues look: their numbers, and the jobs that failed, each with its cause and what can be done."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import button, icon, moment
from guardian.ui.components.cards import card
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.admin.area import listed, under, unit
from guardian.ui.pages.admin.rows import FailedRow, QueueRow

_NAME = Column("Queue", narrow="first")
_WORKERS = Column("Workers", numeric=True, narrow="aside")
_WAITING = Column("Waiting", numeric=True, narrow="second")
_RUNNING = Column("Running", numeric=True)
_FAILED = Column("Failed", numeric=True, narrow="amount")

_JOB = Column("Job", narrow="first")
_CAUSE = Column("Cause", narrow="second")
_WHEN = Column("Failed", narrow="aside")
_DO = Column("To do", narrow="always")


def queues_view(state: Any) -> rx.Component:
    """Both tables; `state` is the AdminState class."""
    return rx.fragment(
        card(
            "Queues",
            data_table(
                "queues",
                [_NAME, _WORKERS, _WAITING, _RUNNING, _FAILED],
                rx.foreach(state.queues, _queue),
                caption="Queues of this installation",
            ),
        ),
        listed(
            "Failed jobs",
            state.failed,
            data_table(
                "failed-jobs",
                [_JOB, _CAUSE, _WHEN, _DO],
                rx.foreach(state.failed, partial(_failed, state)),
                caption="Jobs that failed",
            ),
            "No job has failed in the last week.",
        ),
    )


def _queue(row: QueueRow) -> rx.Component:
    return rx.el.tr(
        cell(_NAME, row.name),
        cell(_WORKERS, rx.cond(row.idle, _nobody(), rx.fragment(row.workers, unit(row.workers, "worker")))),
        cell(_WAITING, row.waiting, rx.el.span(" waiting", class_name="narrow-only")),
        cell(_RUNNING, row.running),
        cell(_FAILED, row.failed, rx.el.span(" failed", class_name="narrow-only")),
        key=row.name,
    )


def _nobody() -> rx.Component:
    word = rx.el.span("none", rx.el.span(" at work", class_name="narrow-only"))
    return rx.el.span(icon("triangle-alert", 14), word, class_name="provider bad nowrap")


def _failed(state: Any, row: FailedRow) -> rx.Component:
    return rx.el.tr(
        cell(_JOB, row.what, under(row.about)),
        cell(_CAUSE, row.cause),
        cell(_WHEN, moment(row.when)),
        cell(
            _DO,
            rx.el.div(
                button("Try again", on_click=state.retry(row.id)),
                button("Forget", kind="quiet", on_click=state.drop(row.id)),
                class_name="row",
            ),
        ),
        key=row.id,
    )
