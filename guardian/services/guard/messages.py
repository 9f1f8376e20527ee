"""What all of guard knows of a message: whether it is a test, what it tells, and its way to who sends it."""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from guardian import db, queue
from guardian.models import AlertNotification, AlertTransition
from guardian.models.base import new_id

DELIVER_NOTICE = "guardian.jobs.notices.deliver_notice"  # by name: services do not know the jobs
# A test's transition ends in an id, any other in a number: there are groups that are called "test".
_TEST = "^test#[a-z][a-z0-9]+$"


def new_test() -> str:
    """The transition of a test."""
    return f"test#{new_id()}"


def is_test(row: AlertNotification) -> bool:
    return re.search(_TEST, row.transition) is not None


def tested() -> ColumnElement[bool]:
    """The same, of rows."""
    return col(AlertNotification.transition).regexp_match(_TEST)


def group_of(row: AlertNotification) -> str:
    """The key of the group that a message is about."""
    return row.transition.rpartition("#")[0]


def told_of(session: Session, row: AlertNotification) -> Mapping[str, Any] | None:
    """The notice that a message tells, as it is stored: its own, or that of its transition."""
    if row.payload:
        return row.payload
    group, _, number = row.transition.rpartition("#")
    found = select(col(AlertTransition.notice)).where(
        AlertTransition.alert_id == row.alert_id,
        AlertTransition.group_key == group,
        AlertTransition.number == (int(number) if number.isdecimal() else -1),
    )
    return session.exec(found).first()


def enqueue_notice(session: Session, notification_id: str, *, job_id: str, delay: timedelta | None = None) -> None:
    """Have a message claimed after this transaction's commit."""
    send = partial(
        queue.enqueue_if_possible, queue.EMAIL_QUEUE, DELIVER_NOTICE, notification_id, job_id=job_id, delay=delay
    )
    db.after_commit(session, send)
