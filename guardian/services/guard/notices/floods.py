"""When a message may go out: at once, later, or as one with others, so that no flood of alerts is muted as a whole."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import distinct, or_
from sqlmodel import Session, col, func, select

from guardian.models import AlertNotification
from guardian.models.enums import DeliveryStatus, NotificationChannel
from guardian.services.guard.incidents import place_in
from guardian.services.guard.messages import tested
from guardian.services.guard.notices.places import same_place

MOST = 10  # messages to one place within SPAN; what comes then waits, and goes out as one
SPAN = timedelta(minutes=5)
GATHER = timedelta(minutes=1)  # at least so long between a message and the digest after it
MOST_IN_DIGEST = 500
# PagerDuty opens and resolves incidents by single events, which cannot be one. It takes some two a second.
_EVENTS, _EVENTS_SPAN = 60, timedelta(minutes=1)


def free_at(session: Session, row: AlertNotification, now: datetime) -> datetime | None:
    """None when this message may go out by itself now; else when the next one, for all that wait, may.

    The caller holds the lock of the row's place.
    """
    pager = row.channel is NotificationChannel.PAGERDUTY
    most, span = (_EVENTS, _EVENTS_SPAN) if pager else (MOST, SPAN)
    count, last = session.exec(
        select(
            func.count(distinct(func.coalesce(AlertNotification.digest, AlertNotification.id))),
            func.max(AlertNotification.tried_at),
        ).where(
            same_place(row),
            col(AlertNotification.tried_at) > now - span,
            ~tested(),
        )
    ).one()
    if count < most or last is None:
        return None
    return last + (_EVENTS_SPAN if pager else GATHER)


def gathered(session: Session, row: AlertNotification, now: datetime) -> Sequence[AlertNotification]:
    """The messages that go out as one with this one: all that wait for the same place and are due, oldest first.

    One that carries its place goes out with those that carry the same.
    """
    query = (
        select(AlertNotification)
        .where(
            same_place(row),
            AlertNotification.status == DeliveryStatus.PENDING,
            col(AlertNotification.digest).is_(None),
            or_(col(AlertNotification.not_before).is_(None), col(AlertNotification.not_before) <= now + GATHER),
            ~tested(),
        )
        .order_by(col(AlertNotification.created_at), col(AlertNotification.id))
        .limit(MOST_IN_DIGEST)
        .with_for_update(skip_locked=True)
    )
    rows = session.exec(query, execution_options={"populate_existing": True})
    found = [each for each in rows if place_in(each) == place_in(row)]
    return found if row in found else [row, *found[: MOST_IN_DIGEST - 1]]
