"""Channels that are told of reports: which ones, and the message that waits for each of them."""

from sqlmodel import Session, col, select

from guardian.channels.notice import Notice
from guardian.errors import ValidationError
from guardian.models import AlertNotification, NotificationTarget
from guardian.models.enums import NotificationChannel
from guardian.services.guard.messages import enqueue_notice

_REPORTS = "reports"  # in a channel's metadata
# People get mails of reports by their own choice, and a report is no incident.
_WITHOUT = (NotificationChannel.EMAIL, NotificationChannel.PAGERDUTY)


def takes_reports(row: NotificationTarget) -> bool:
    return bool((row.meta or {}).get(_REPORTS))


def set_reports(row: NotificationTarget, *, on: bool) -> None:
    """Raises ValidationError for a kind that takes none."""
    if on and row.kind in _WITHOUT:
        message = "Reports go to chats and webhooks; which ones are mailed, people choose for themselves."
        raise ValidationError(message, details=[{"field": "reports", "message": message}])
    row.meta = {**(row.meta or {}), _REPORTS: on}


def tell_of_report(session: Session, organization_id: str, report_id: str, notice: Notice) -> int:
    """Have each channel told that takes reports; gives how many. Twice tells none twice (a unique index holds that)."""
    query = select(NotificationTarget).where(
        NotificationTarget.organization_id == organization_id, col(NotificationTarget.is_active).is_(True)
    )
    found = [row for row in session.exec(query.order_by(col(NotificationTarget.id))) if takes_reports(row)]
    for target in found:
        row = AlertNotification(
            organization_id=organization_id,
            report_id=report_id,
            transition=notice.transition,
            channel=target.kind,
            target=target.id,
            payload=notice.to_json(),
        )
        session.add(row)
        session.flush()
        enqueue_notice(session, row.id, job_id=f"deliver-{row.id}-0")
    return len(found)
