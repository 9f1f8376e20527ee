"""Claiming a message: one sender at a time, under a lease, so that a crash neither loses a message nor doubles it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from guardian import db
from guardian.channels.notice import Notice
from guardian.crypto import hash_token
from guardian.models import AlertNotification
from guardian.models.enums import AlertState, DeliveryStatus, NotificationChannel
from guardian.periods import rfc3339
from guardian.services.guard.incidents import HOLDERS, forget_place, is_end
from guardian.services.guard.messages import enqueue_notice, group_of, is_test
from guardian.services.guard.notices.checking import ADDRESS
from guardian.services.guard.notices.floods import free_at, gathered
from guardian.services.guard.notices.letters import letter_of
from guardian.services.guard.notices.places import Closed, Place, name_of, open_place
from guardian.services.guard.notices.reading import Unreadable, digest_of, notice_of
from guardian.services.people import mail

LEASE = timedelta(minutes=5)  # longer than all waits of one sending together
# RQ looks at its own clock and we at the database's.
_EARLY = timedelta(seconds=5)
_TURN = timedelta(seconds=5)  # until an earlier event of the same incident has been told


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message to be sent now, for all the rows of `ids`. `message_id` stays the same however often it is sent."""

    ids: tuple[str, ...]
    message_id: str
    place: Place = field(repr=False)
    notice: Notice
    claimed_at: datetime


def claim_notice(session: Session, notification_id: str) -> Claimed | None:
    """Take a message that is due, or whose sender is gone, to send it now; None when there is nothing to send by us.

    It may be put off, go out with others, or have failed for good already; a mail waits in its own log from here on.
    """
    row = session.get(AlertNotification, notification_id)
    if row is None or row.status in (DeliveryStatus.SENT, DeliveryStatus.FAILED):
        return None
    db.lock(session, "notices", *name_of(row))
    now = session.exec(select(func.clock_timestamp())).one()
    rows = _with_its_digest(session, row)
    if row not in rows or not _is_ours(row, now):
        return None
    rows = [each for each in rows if _is_ours(each, now)]
    try:
        place = open_place(session, row, now)
        if _is_settled(session, row, now):
            return None
        if row.digest is None and not is_test(row):
            free = free_at(session, row, now)
            if free is not None and (free > now + _EARLY or place.channel is NotificationChannel.PAGERDUTY):
                put_off(session, row, free - now, free)
                return None
            if free is not None:
                rows = list(gathered(session, row, now))
        notice = notice_of(session, row) if len(rows) == 1 else digest_of(session, rows, now)
    except Closed as closed:
        _fail(rows, str(closed))
        return None
    except Unreadable:
        _fail(rows, "What this message was to say cannot be read any more.")
        return None
    return _taken(session, rows, place, notice, now)


def put_off(session: Session, row: AlertNotification, wait: timedelta, until: datetime) -> None:
    """Have it claimed again then; of several that wait for one place, the job of one is enough."""
    row.not_before = until
    place = hash_token("\x1f".join(name_of(row)))[:16]
    enqueue_notice(session, row.id, job_id=f"deliver-together-{place}-{int(until.timestamp())}", delay=wait)


def _with_its_digest(session: Session, row: AlertNotification) -> list[AlertNotification]:
    """The row, or all that went out as one with it, as they are now, the one that carries the others first."""
    same = col(AlertNotification.id) == row.id
    if row.digest is not None:
        same = col(AlertNotification.digest) == row.digest
    query = select(AlertNotification).where(same).order_by(col(AlertNotification.id)).with_for_update()
    found = session.exec(query, execution_options={"populate_existing": True}).all()
    return sorted(found, key=lambda each: (each.id != row.digest, each.id))


def _is_ours(row: AlertNotification, now: datetime) -> bool:
    if row.status is DeliveryStatus.PENDING:
        return row.not_before is None or row.not_before <= now + _EARLY
    return row.status is DeliveryStatus.SENDING and row.lease_until is not None and row.lease_until < now


def _is_settled(session: Session, row: AlertNotification, now: datetime) -> bool:
    """Whether a pager must not hear this now: an event that comes after a later one would open an incident anew.

    Of other programs only the messages that end an incident, and what comes after one, are put in order.
    """
    if row.channel not in HOLDERS or row.report_id is not None or is_test(row):
        return False
    pager, ends, group = row.channel is NotificationChannel.PAGERDUTY, is_end(row), group_of(row)
    # One that no transition of the alert has made ends what that message has opened.
    number = int(row.transition.rpartition("#")[2]) + (0.5 if row.alert_id is None else 0)
    others = session.exec(
        select(AlertNotification)
        .where(
            AlertNotification.alert_id == (row.alert_id or (row.payload or {}).get("alertId")),
            AlertNotification.channel == row.channel,
            AlertNotification.target == row.target,
            col(AlertNotification.transition).startswith(f"{group}#", autoescape=True),
            col(AlertNotification.status).in_((DeliveryStatus.SENT, DeliveryStatus.SENDING)),
        )
        .order_by(col(AlertNotification.created_at).desc())
        .limit(20)
    ).all()
    numbers = [
        (int(other.transition.rpartition("#")[2]), other.status)
        for other in others
        if other.id != row.id and (pager or ends or is_end(other))
    ]
    if any(other > number and status is DeliveryStatus.SENT for other, status in numbers):
        _fail([row], "A later change of the same alert was told before this one could be.")
        return True
    if any(other < number and status is DeliveryStatus.SENDING for other, status in numbers):
        put_off(session, row, _TURN, now + _TURN)
        return True
    return False


def _taken(
    session: Session, rows: Sequence[AlertNotification], place: Place, notice: Notice, now: datetime
) -> Claimed | None:
    lead = rows[0]
    for row in rows:
        if row.status is DeliveryStatus.SENDING:
            lost = {"at": rfc3339(row.tried_at or now), "status": 0, "error": "Its sender ended midway.", "seconds": 0}
            row.attempts_made = [*(row.attempts_made or []), lost]
        row.status, row.lease_until, row.tried_at = DeliveryStatus.SENDING, now + LEASE, now
        row.attempts += 1
        row.not_before = None
        if len(rows) > 1:
            row.digest = lead.id
    if place.channel is NotificationChannel.EMAIL:
        _mailed(session, rows, place, notice)
        return None
    session.flush()
    ids = tuple(row.id for row in rows)
    return Claimed(ids=ids, message_id=lead.digest or lead.id, place=place, notice=notice, claimed_at=now)


def _mailed(session: Session, rows: Sequence[AlertNotification], place: Place, notice: Notice) -> None:
    """Hand it to the log of mails, which has a lease and retries of its own; the rows follow it."""
    subject, text, html = letter_of(notice)
    email = mail.queue_mail(
        session,
        to=place.config[ADDRESS],
        subject=subject,
        text=text,
        html=html,
        organization_id=rows[0].organization_id,
        kind="alert",
        urgent=notice.kind != "test" and notice.state is AlertState.FIRING,
    )
    for row in rows:
        row.email_id, row.lease_until, row.attempts = email.id, None, 0
    session.flush()


def _fail(rows: Sequence[AlertNotification], error: str) -> None:
    for row in rows:
        row.status, row.error, row.lease_until, row.not_before = DeliveryStatus.FAILED, error, None, None
        forget_place(row)
