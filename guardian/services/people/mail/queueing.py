"""Mail to be sent: the row that waits until a job has sent it, and what becomes of it."""

import random
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from sqlalchemy import ColumnElement, and_, func, or_, update
from sqlmodel import Session, col, select

from guardian import db, queue
from guardian.channels.email import Attachment, Letter
from guardian.config import settings
from guardian.models import EmailLog
from guardian.models.base import new_id
from guardian.models.enums import DeliveryStatus
from guardian.periods import utcnow

# Mails that open nothing to whoever reads them: given up, they keep their text, for another try by hand.
_WITHOUT_LINKS = frozenset({"impersonation", "invoice", "key"})
SEND_EMAIL = "guardian.jobs.mail.send_email"  # by name: services do not know the jobs
# Minutes to wait after each failed attempt, ± 20 %; some ten hours in all.
BACKOFF = (1, 5, 15, 60, 180, 360)
_TRIES = len(BACKOFF) + 1
# Longer than all timeouts of one delivery together.
_LEASE = timedelta(minutes=5)
_OVERDUE = timedelta(minutes=1)
# RQ looks at its own clock and we at the database's.
_EARLY = timedelta(seconds=5)


def queue_mail(
    session: Session,
    *,
    to: str,
    subject: str,
    text: str,
    html: str | None = None,
    organization_id: str | None = None,
    kind: str = "",
    attachments: Sequence[Attachment] = (),
    urgent: bool = False,
    unsubscribe: str | None = None,
) -> EmailLog:
    """Store a mail and have it sent after this transaction's commit; nothing is sent when it is rolled back.

    The body waits in the row's `payload` and is taken away once it is sent: it may hold a link that signs in. `kind` is
    what the mail is about, for the log. `unsubscribe` is an address that takes a POST and stops mails of its kind.
    """
    payload = {
        "text": text,
        "html": html,
        "attachments": [
            {"name": each.name, "type": each.type, "content": b64encode(each.content).decode()} for each in attachments
        ],
        "urgent": urgent,
        "unsubscribe": unsubscribe,
    }
    if settings().guardian_demo:
        subject = f"[Demonstration] {subject}"
    row = EmailLog(organization_id=organization_id, kind=kind, to=to, subject=subject, payload=payload)
    session.add(row)
    session.flush()
    _enqueue(session, row)
    return row


def claim_mail(session: Session, email_id: str) -> Letter | None:
    """Take a mail that is due, or whose sender is gone, to send it now; None when it is not ours to send.

    One that was taken up too often, or that cannot be read, is FAILED from here on.
    """
    taken = session.exec(
        update(EmailLog)
        .where(
            col(EmailLog.id) == email_id,
            or_(
                and_(col(EmailLog.status) == DeliveryStatus.PENDING, _due(_EARLY)),
                and_(col(EmailLog.status) == DeliveryStatus.SENDING, col(EmailLog.lease_until) < func.now()),
            ),
        )
        .values(status=DeliveryStatus.SENDING, lease_until=func.now() + _LEASE, attempts=col(EmailLog.attempts) + 1)
        .returning(col(EmailLog.id))
    ).first()
    if taken is None:
        return None
    row = session.get_one(EmailLog, email_id)
    if row.attempts > _TRIES:
        _give_up(row, f"{row.attempts - 1} senders took this mail up, and the last one ended without a word.")
        return None
    try:
        return _letter(row)
    except (KeyError, TypeError, ValueError, AttributeError):
        _give_up(row, "What this mail was to say cannot be read any more.")
        return None


def note_sent(session: Session, email_id: str, message_id: str) -> None:
    """The server has taken the mail."""
    row = session.get_one(EmailLog, email_id)
    row.status, row.message_id, row.sent_at = DeliveryStatus.SENT, message_id, utcnow()
    row.payload, row.error, row.lease_until = {}, None, None


def note_failure(session: Session, email_id: str, error: str, *, permanent: bool) -> None:
    """The mail was not taken: it is tried again later, or given up when that is useless or was done often enough."""
    row = session.get_one(EmailLog, email_id)
    if permanent or row.attempts >= _TRIES:
        _give_up(row, error)
        return
    row.error, row.lease_until = error, None
    wait = timedelta(minutes=BACKOFF[row.attempts - 1]) * random.uniform(0.8, 1.2)  # noqa: S311  # jitter is no secret
    row.status, row.not_before = DeliveryStatus.PENDING, utcnow() + wait
    _enqueue(session, row, delay=wait)


def send_again(session: Session, row: EmailLog) -> None:
    """Have a mail sent now that waits, or was given up; its attempts are counted anew."""
    row.status, row.not_before, row.attempts = DeliveryStatus.PENDING, None, 0
    session.flush()
    # The first try's job may still be known by its name.
    _enqueue(session, row, suffix=f"-by-hand-{new_id()}")


def resume_mails(session: Session) -> int:
    """Have mails sent that are due and that nobody sends: their job was lost, or their sender is gone."""
    overdue = and_(
        col(EmailLog.status) == DeliveryStatus.PENDING,
        col(EmailLog.created_at) < func.now() - _OVERDUE,
        _due(-_OVERDUE),
    )
    dropped = and_(col(EmailLog.status) == DeliveryStatus.SENDING, col(EmailLog.lease_until) < func.now())
    rows = session.exec(select(EmailLog).where(or_(overdue, dropped)).order_by(col(EmailLog.created_at)).limit(1000))
    found = list(rows)
    for row in found:
        _enqueue(session, row, suffix="-again")
    return len(found)


def _letter(row: EmailLog) -> Letter:
    body = row.payload or {}
    return Letter(
        id=row.id,
        to=row.to,
        subject=row.subject,
        text=body.get("text", ""),
        html=body.get("html"),
        attachments=tuple(
            Attachment(each["name"], each["type"], b64decode(each["content"])) for each in body.get("attachments", ())
        ),
        urgent=bool(body.get("urgent")),
        unsubscribe=body.get("unsubscribe"),
    )


def _give_up(row: EmailLog, error: str) -> None:
    row.status, row.error, row.lease_until = DeliveryStatus.FAILED, error, None
    row.payload = row.payload if row.kind in _WITHOUT_LINKS else {}


def _due(slack: timedelta) -> ColumnElement[bool]:
    return or_(col(EmailLog.not_before).is_(None), col(EmailLog.not_before) <= func.now() + slack)


def _enqueue(session: Session, row: EmailLog, *, delay: timedelta | None = None, suffix: str = "") -> None:
    job_id = f"send-email-{row.id}-{row.attempts}{suffix}"
    send = partial(queue.enqueue_if_possible, queue.EMAIL_QUEUE, SEND_EMAIL, row.id, job_id=job_id, delay=delay)
    db.after_commit(session, send)
