"""Messages that nobody sends: their job was lost, their sender is gone, or their mail was done without a word."""

from datetime import timedelta

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from guardian.models import AlertNotification, EmailLog
from guardian.models.enums import DeliveryStatus
from guardian.services.guard.messages import enqueue_notice
from guardian.services.guard.notices.outcomes import follow

_OVERDUE = timedelta(minutes=1)
_BATCH = 1000


def resume_notices(session: Session) -> int:
    """Have them sent, and follow mails whose fate was not told; how many jobs that makes."""
    overdue = and_(
        col(AlertNotification.status) == DeliveryStatus.PENDING,
        col(AlertNotification.created_at) < func.now() - _OVERDUE,
        or_(col(AlertNotification.not_before).is_(None), col(AlertNotification.not_before) < func.now() - _OVERDUE),
    )
    dropped = and_(
        col(AlertNotification.status) == DeliveryStatus.SENDING, col(AlertNotification.lease_until) < func.now()
    )
    query = select(AlertNotification).where(or_(overdue, dropped)).order_by(col(AlertNotification.created_at))
    messages: dict[str, AlertNotification] = {}
    for row in session.exec(query.limit(_BATCH)):
        messages.setdefault(row.digest or row.id, row)
    for row in messages.values():
        enqueue_notice(session, row.id, job_id=f"deliver-{row.id}-{row.attempts}-again")
    _follow_mails(session)
    return len(messages)


def _follow_mails(session: Session) -> None:
    query = (
        select(AlertNotification, EmailLog)
        .join(EmailLog, col(EmailLog.id) == col(AlertNotification.email_id), isouter=True)
        .where(
            AlertNotification.status == DeliveryStatus.SENDING,
            col(AlertNotification.email_id).is_not(None),
            or_(
                col(EmailLog.id).is_(None),
                col(EmailLog.status).in_((DeliveryStatus.SENT, DeliveryStatus.FAILED)),
            ),
        )
        .limit(_BATCH)
        .with_for_update(of=AlertNotification, skip_locked=True)
    )
    for row, email in session.exec(query).all():
        follow(session, [row], email)
