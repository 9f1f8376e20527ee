"""Alerts to watch with, and what became of them: short to write, short to compare."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from guardian.models import Alert, AlertGroup, AlertNotification, AlertTransition
from guardian.models.enums import AlertFrequency, AlertType, ComparisonType
from guardian.services.actor import Actor
from guardian.services.guard.alerts.rule import rules_of
from guardian.services.guard.watching import Reading, Watched, check, measure


def add_alert(session: Session, actor: Actor, **facts: Any) -> Alert:
    """By default: spend of the organization in the last 24 hours above $10, told to its owner at once."""
    defaults: dict[str, Any] = {
        "name": "Spend",
        "type": AlertType.COST_THRESHOLD,
        "threshold": Decimal(10),
        "comparison_type": ComparisonType.GREATER_THAN,
        "frequency": AlertFrequency.IMMEDIATE,
    }
    alert = Alert(user_id=actor.user_id, organization_id=actor.organization_id, **{**defaults, **facts})
    session.add(alert)
    session.commit()
    return alert


def reading(session: Session, alert: Alert, *moments: datetime) -> list[Reading]:
    """What the alert measures at these moments."""
    watched = Watched.of(alert, rules_of(session, [alert])[alert.id])
    return measure(session, alert.organization_id or "", [watched], moments)[alert.id]


def value(session: Session, alert: Alert, now: datetime, group: str = "") -> Decimal | None:
    return reading(session, alert, now)[0].groups[group].value


def values(session: Session, alert: Alert, now: datetime) -> dict[str, Decimal | None]:
    return {group: found.value for group, found in reading(session, alert, now)[0].groups.items()}


def run(session: Session, actor: Actor, now: datetime, *, arrived: bool = True) -> list[str]:
    """A check as a job does it; the sentences of the notices that it made, with the states that they tell of."""
    ids = check(session, actor.organization_id, now, arrived=arrived)
    session.commit()
    session.expire_all()
    rows = session.exec(select(AlertNotification).where(col(AlertNotification.id).in_(ids))).all()
    return sorted(f"{(row.payload or {})['state']}: {(row.payload or {})['sentence']}" for row in rows)


def story(session: Session, alert: Alert, group: str = "") -> list[str]:
    """The states that a group went through, those that people were told of with a "!"."""
    rows = session.exec(
        select(AlertTransition)
        .where(AlertTransition.alert_id == alert.id, AlertTransition.group_key == group)
        .order_by(col(AlertTransition.number))
    ).all()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    return [f"{row.to_state}{'!' if row.notice else ''}" for row in rows]


def state(session: Session, alert: Alert, group: str = "") -> str:
    query = select(AlertGroup).where(AlertGroup.alert_id == alert.id, AlertGroup.group_key == group)
    row = session.exec(query, execution_options={"populate_existing": True}).first()
    return "ok" if row is None else row.state.value
