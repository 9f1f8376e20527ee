"""Mail to be sent: how it is written, and the row that waits until a job has sent it."""

import random
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from html import escape

from sqlalchemy import ColumnElement, and_, func, or_, update
from sqlmodel import Session, col, select

from guardian import db, queue
from guardian.channels.email import Letter
from guardian.models import EmailLog
from guardian.models.enums import DeliveryStatus
from guardian.periods import utcnow

SEND_EMAIL = "guardian.jobs.mail.send_email"  # by name: services do not know the jobs
# Minutes to wait after each failed attempt, ± 20 %; some ten hours in all.
BACKOFF = (1, 5, 15, 60, 180, 360)
# Longer than all timeouts of one delivery together.
_LEASE = timedelta(minutes=5)
_OVERDUE = timedelta(minutes=1)
# RQ looks at its own clock and we at the database's.
_EARLY = timedelta(seconds=5)

# Mail programs drop style sheets, so every element carries its own; colors that hold on white and in dark mode.
_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    '<title>{title}</title></head><body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif">'
    '<div style="max-width:560px;margin:0 auto"><h1 style="font-size:20px;margin:0 0 16px">{title}</h1>{body}'
    '<p style="margin:32px 0 0;font-size:13px;opacity:.7">AI Cost Guardian</p></div></body></html>'
)
_PARAGRAPH = '<p style="margin:0 0 16px;white-space:pre-line">{text}</p>'
_BUTTON = (
    '<p style="margin:24px 0"><a href="{url}" style="display:inline-block;padding:10px 16px;border-radius:6px;'
    'background:#2563eb;color:#fff;text-decoration:none">{label}</a></p>'
)


def letter(title: str, paragraphs: Sequence[str], *, action: tuple[str, str] | None = None) -> tuple[str, str]:
    """The same words as plain text and as HTML; `action` is a button's label and address. Nothing in them is markup."""
    text = [title, *paragraphs]
    body = "".join(_PARAGRAPH.format(text=escape(paragraph)) for paragraph in paragraphs)
    if action is not None:
        label, url = action
        text.append(f"{label}:\n{url}")
        body += _BUTTON.format(url=escape(url), label=escape(label))
    return "\n\n".join(text) + "\n", _PAGE.format(title=escape(title), body=body)


def queue_mail(
    session: Session, *, to: str, subject: str, text: str, html: str | None = None, organization_id: str | None = None
) -> EmailLog:
    """Store a mail and have it sent after this transaction's commit; nothing is sent when it is rolled back.

    The body waits in the row's `payload` and is taken away once it is sent: it may hold a link that signs in.
    """
    row = EmailLog(organization_id=organization_id, to=to, subject=subject, payload={"text": text, "html": html})
    session.add(row)
    session.flush()
    _enqueue(session, row)
    return row


def claim_mail(session: Session, email_id: str) -> Letter | None:
    """Take a mail that is due, or whose sender is gone, to send it now; None when it is not ours to send."""
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
    body = row.payload or {}
    return Letter(id=row.id, to=row.to, subject=row.subject, text=body.get("text", ""), html=body.get("html"))


def note_sent(session: Session, email_id: str, message_id: str) -> None:
    """The server has taken the mail."""
    row = session.get_one(EmailLog, email_id)
    row.status, row.message_id, row.sent_at = DeliveryStatus.SENT, message_id, utcnow()
    row.payload, row.error, row.lease_until = {}, None, None


def note_failure(session: Session, email_id: str, error: str, *, permanent: bool) -> None:
    """The mail was not taken: it is tried again later, or given up when that is useless or was done often enough."""
    row = session.get_one(EmailLog, email_id)
    row.error, row.lease_until = error, None
    if permanent or row.attempts > len(BACKOFF):
        row.status, row.payload = DeliveryStatus.FAILED, {}
        return
    wait = timedelta(minutes=BACKOFF[row.attempts - 1]) * random.uniform(0.8, 1.2)  # noqa: S311  # jitter is no secret
    row.status, row.not_before = DeliveryStatus.PENDING, utcnow() + wait
    _enqueue(session, row, delay=wait)


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


def _due(slack: timedelta) -> ColumnElement[bool]:
    return or_(col(EmailLog.not_before).is_(None), col(EmailLog.not_before) <= func.now() + slack)


def _enqueue(session: Session, row: EmailLog, *, delay: timedelta | None = None, suffix: str = "") -> None:
    job_id = f"send-email-{row.id}-{row.attempts}{suffix}"
    send = partial(queue.enqueue_if_possible, queue.EMAIL_QUEUE, SEND_EMAIL, row.id, job_id=job_id, delay=delay)
    db.after_commit(session, send)
