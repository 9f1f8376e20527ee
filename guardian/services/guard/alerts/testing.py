"""Test-fire: the message that an alert would send, to everybody whom it tells, marked as a test."""

from sqlmodel import Session

from guardian.channels.notice import Notice
from guardian.config import settings
from guardian.errors import ConflictError
from guardian.models import Alert, AlertNotification, Organization
from guardian.models.enums import AlertState
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard.alerts.history import notification_views
from guardian.services.guard.alerts.reading import changeable_alert
from guardian.services.guard.alerts.recipients import recipients_of
from guardian.services.guard.alerts.rule import rule_of
from guardian.services.guard.alerts.views import NotificationView
from guardian.services.guard.alerts.wording import happened
from guardian.services.guard.messages import enqueue_notice, new_test


def test_alert(session: Session, actor: Actor, alert_id: str) -> list[NotificationView]:
    """Send a test to each recipient after this transaction's commit; the messages that wait. The alert's state stays.

    Raises NotFoundError, AuthorizationError, and ConflictError for an alert that tells nobody.
    """
    alert = changeable_alert(session, actor, alert_id)
    recipients = recipients_of(session, alert)
    if not recipients:
        raise ConflictError("This alert tells nobody. Choose e-mail, a channel or a webhook first.")
    transition = new_test()
    payload = _notice(session, alert, transition).to_json()
    rows = [
        AlertNotification(
            alert_id=alert.id,
            organization_id=alert.organization_id,
            transition=transition,
            channel=each.channel,
            target=each.target,
            payload=payload,
        )
        for each in recipients
    ]
    session.add_all(rows)
    session.flush()
    for row in rows:
        enqueue_notice(session, row.id, job_id=f"deliver-{row.id}-0")
    return notification_views(session, alert, rows)


def _notice(session: Session, alert: Alert, transition: str) -> Notice:
    rule = rule_of(session, alert)
    # An example: what the message says when the value is just what the rule waits for.
    example = happened(rule, "", alert.threshold, alert.window)
    return Notice(
        kind="test",
        alert_id=alert.id,
        transition=transition,
        name=alert.name,
        type=alert.type,
        metric=rule.metric.name,
        state=AlertState.FIRING,
        severity="info",
        value=alert.threshold,
        threshold=alert.threshold,
        unit=rule.metric.unit,
        sentence=f"This is a test, and nothing has happened. An example: {example}",
        organization_id=alert.organization_id or "",
        organization=session.get_one(Organization, alert.organization_id).name,
        occurred_at=utcnow(),
        url=f"{settings().base_url}/alerts?alert={alert.id}",
    )
