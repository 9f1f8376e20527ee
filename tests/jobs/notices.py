"""Alerts with messages that wait, as the watch leaves them, for tests of their delivery."""

from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select

from guardian import db, queue
from guardian.jobs.notices import deliver_notice
from guardian.models import Alert, AlertNotification, AlertTransition, EmailLog, NotificationTarget
from guardian.models.enums import (
    AlertFrequency,
    AlertState,
    AlertType,
    ComparisonType,
    NotificationChannel,
)
from guardian.services.actor import Actor
from guardian.services.guard.notices import NewTarget, create_target
from tests.fakes.sink import Sink
from tests.unit.channels.notices import notice

SLACK, WEBHOOK, EMAIL, PAGERDUTY = (
    NotificationChannel.SLACK,
    NotificationChannel.WEBHOOK,
    NotificationChannel.EMAIL,
    NotificationChannel.PAGERDUTY,
)


def made_target(actor: Actor, kind: NotificationChannel, sink: Sink | None = None, name: str = "") -> str:
    """The id of a channel that leads to the sink."""
    config = {"address": "ops@example.com"}
    if kind is PAGERDUTY:
        config = {"routingKey": "R" * 32, "url": sink.url("") if sink else ""}
    elif sink is not None:
        config = {"url": sink.url()}
    with db.session() as session:
        view, _ = create_target(session, actor, NewTarget(kind=kind, name=name or kind.value, config=config))
    return view.id


def made_alert(actor: Actor, **changes: Any) -> str:
    facts: dict[str, Any] = {
        "name": "Team web",
        "type": AlertType.COST_THRESHOLD,
        "threshold": Decimal(250),
        "comparison_type": ComparisonType.GREATER_THAN,
        "frequency": AlertFrequency.IMMEDIATE,
        "user_id": actor.user_id,
        "organization_id": actor.organization_id,
    }
    with db.session() as session:
        row = Alert(**(facts | changes))
        session.add(row)
        session.flush()
        return row.id


def told(
    actor: Actor,
    alert_id: str,
    number: int,
    *places: tuple[NotificationChannel, str],
    group: str = "web",
    state: AlertState = AlertState.FIRING,
    **changes: Any,
) -> list[str]:
    """A transition with its notice, and a message that waits for each place."""
    said = notice(alert_id=alert_id, transition=f"{group}#{number}", group=group, state=state, **changes)
    with db.session() as session:
        session.add(
            AlertTransition(
                alert_id=alert_id,
                organization_id=actor.organization_id,
                group_key=group,
                number=number,
                from_state=AlertState.OK,
                to_state=state,
                notice=said.to_json(),
            )
        )
        rows = [
            AlertNotification(
                alert_id=alert_id,
                organization_id=actor.organization_id,
                transition=said.transition,
                channel=channel,
                target=target,
            )
            for channel, target in places
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def stored(id: str) -> AlertNotification:
    with db.session() as session:
        return session.get_one(AlertNotification, id)


def all_stored() -> list[AlertNotification]:
    with db.session() as session:
        return list(session.exec(select(AlertNotification).order_by(col(AlertNotification.id))))


def target_row(id: str) -> NotificationTarget:
    with db.session() as session:
        return session.get_one(NotificationTarget, id)


def mails() -> list[EmailLog]:
    with db.session() as session:
        return list(session.exec(select(EmailLog).order_by(col(EmailLog.id))))


def change(what: str, table: str = "alert_notifications") -> None:
    """Let time pass, for all rows: an SQL expression of what is to be set."""
    with db.session() as session:
        session.connection().execute(text(f"UPDATE {table} SET {what}"))


def make_due() -> None:
    """As if the wait of everything that was put off were over."""
    change("not_before = now() WHERE status = 'PENDING'")


def deliver(*ids: str) -> None:
    for id in ids:
        deliver_notice(id)


def waiting_jobs() -> list[str]:
    """The jobs to deliver that are queued, or scheduled for later."""
    waiting = queue.Queue(queue.EMAIL_QUEUE, connection=queue.connection())
    return [*waiting.get_job_ids(), *waiting.scheduled_job_registry.get_job_ids()]
