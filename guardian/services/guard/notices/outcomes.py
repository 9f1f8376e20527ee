"""Sending what was claimed, and noting what came of it: sent, to be tried again, or given up with its cause."""

import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from guardian.channels import senders
from guardian.channels.base import ChannelError
from guardian.channels.notice import Notice
from guardian.models import AlertNotification, EmailLog
from guardian.models.enums import DeliveryStatus
from guardian.periods import rfc3339
from guardian.services.guard.incidents import forget_place
from guardian.services.guard.messages import enqueue_notice
from guardian.services.guard.notices.claiming import Claimed
from guardian.services.guard.notices.places import Place, note_at_place
from guardian.services.guard.notices.views import Outcome

# https://github.com/standard-webhooks/standard-webhooks: waits after each attempt that failed, ± 20 %; some 75 hours.
SCHEDULE = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
_MOST_ATTEMPTS = 50  # that are listed; one may be put off by a server more often than it is tried


def attempt(place: Place, notice: Notice, message_id: str) -> Outcome:
    """Send it once; what came of it. It needs no session, and takes some 15 s at most."""
    began = time.perf_counter()
    try:
        sent = senders.send(place.channel, place.config, notice, message_id=message_id)
    except ChannelError as error:
        return Outcome(
            status=error.status or 0,
            error=error.message,
            seconds=round(time.perf_counter() - began, 3),
            permanent=error.permanent,
            gone=error.gone,
            retry_after=error.retry_after,
        )
    took = round(time.perf_counter() - began, 3)
    return Outcome(status=sent.status, error="", seconds=took, reference=sent.reference)


def note_outcome(session: Session, claimed: Claimed, outcome: Outcome) -> None:
    """Note what came of an attempt at every row that it was for.

    Who was so slow that another one has claimed them meanwhile may still say that they are sent, and nothing else.
    """
    query = select(AlertNotification).where(col(AlertNotification.id).in_(claimed.ids)).order_by(AlertNotification.id)
    rows = session.exec(query.with_for_update(), execution_options={"populate_existing": True}).all()
    if not rows:
        return  # the alert was deleted meanwhile
    now = session.exec(select(func.clock_timestamp())).one()
    wait = _wait(max(row.attempts for row in rows), outcome)
    again = False
    for row in rows:
        _list_attempt(row, claimed.claimed_at, outcome.status, outcome.error, outcome.seconds)
        if outcome.taken:
            _sent(row, now)
        elif row.status is DeliveryStatus.SENDING and row.tried_at == claimed.claimed_at:
            again = _failed(row, outcome.error, now, wait) or again
    note_at_place(session, rows[0], now, error=outcome.error, gone=outcome.gone)
    session.flush()
    if again and wait is not None:
        lead = rows[0]
        enqueue_notice(session, lead.id, job_id=f"deliver-{lead.id}-{lead.attempts}", delay=wait)


def follow_mail(session: Session, email_id: str) -> None:
    """The messages that a mail carries share its fate: call it when something has come of the mail."""
    query = select(AlertNotification).where(
        col(AlertNotification.email_id) == email_id, AlertNotification.status == DeliveryStatus.SENDING
    )
    rows = session.exec(query.order_by(AlertNotification.id).with_for_update()).all()
    if rows:
        follow(session, rows, session.get(EmailLog, email_id))


def follow(session: Session, rows: Sequence[AlertNotification], email: EmailLog | None) -> None:
    """The same for rows that are at hand; a mail that is not there any more was not sent as far as anybody knows."""
    now = session.exec(select(func.clock_timestamp())).one()
    for row in rows:
        if email is None:
            _failed(row, "The mail is not in the log any more.", now, None)
            continue
        if email.attempts > row.attempts and email.status is not DeliveryStatus.SENDING:
            row.attempts = email.attempts
            _list_attempt(row, now, 250 if email.status is DeliveryStatus.SENT else 0, email.error or "", 0)
            note_at_place(session, row, now, error=email.error or "", gone=False)
        if email.status is DeliveryStatus.SENT:
            _sent(row, email.sent_at or now)
        elif email.status is DeliveryStatus.FAILED:
            _failed(row, email.error or "The mail was not taken.", now, None)
        else:
            row.error = email.error
    session.flush()


def _wait(attempts: int, outcome: Outcome) -> timedelta | None:
    """How long until it is tried again; None when it is given up."""
    if outcome.permanent or attempts > len(SCHEDULE):
        return None
    wait = SCHEDULE[attempts - 1] * random.uniform(0.8, 1.2)  # noqa: S311  # jitter is no secret
    return max(wait, timedelta(seconds=outcome.retry_after or 0))


def _sent(row: AlertNotification, now: datetime) -> None:
    row.status, row.sent_at = DeliveryStatus.SENT, now
    row.error, row.lease_until, row.not_before = None, None, None
    forget_place(row)


def _failed(row: AlertNotification, error: str, now: datetime, wait: timedelta | None) -> bool:
    """Whether it will be tried again."""
    row.error, row.lease_until = error, None
    row.status = DeliveryStatus.FAILED if wait is None else DeliveryStatus.PENDING
    row.not_before = None if wait is None else now + wait
    if wait is None:
        forget_place(row)
    return wait is not None


def _list_attempt(row: AlertNotification, at: datetime, status: int, error: str, seconds: float) -> None:
    entry: dict[str, Any] = {"at": rfc3339(at), "status": status, "error": error, "seconds": seconds}
    row.attempts_made = [*(row.attempts_made or []), entry][-_MOST_ATTEMPTS:]
