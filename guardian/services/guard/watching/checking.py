"""A check of an organization: its rules measured, its groups moved, its people told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Interval, and_, literal, or_
from sqlmodel import Session, col, select

from guardian import db, queue
from guardian.models import Alert, AlertGroup
from guardian.models.enums import AlertFrequency, AlertState, AlertType
from guardian.services.guard.alerts.metrics import metric_of
from guardian.services.guard.alerts.rule import rules_of
from guardian.services.guard.alerts.states import snoozed_until
from guardian.services.guard.watching.measuring import measure
from guardian.services.guard.watching.moving import make_moves, moves_of, rule_facts
from guardian.services.guard.watching.storing import stored_groups
from guardian.services.guard.watching.watched import Reading, Watched

# What usage that arrives does not change, or not at once: the bill, the pulls, and what is usual in a week.
_HOURLY: frozenset[tuple[AlertType, str]] = frozenset(
    {
        (AlertType.COST_THRESHOLD, "drift"),
        (AlertType.ERROR_RATE, "sync_failures"),
        (AlertType.USAGE_SPIKE, "requests"),
        (AlertType.USAGE_SPIKE, "tokens"),
        (AlertType.USAGE_SPIKE, "cost"),
    }
)

_SHORT = ("15m", "1h", "6h")


def check(session: Session, organization_id: str, now: datetime, *, arrived: bool) -> list[str]:
    """Look at an organization's active rules and move what has changed; the ids of the messages that wait to be sent.

    With `arrived` only at what is watched as usage comes. Several workers may do this at once: each move is made, and
    told, once.
    """
    alerts = [alert for alert in _active(session, organization_id, arrived) if snoozed_until(alert, now) is None]
    if not alerts:
        return []
    facts = {alert.id: rule_facts(alert) for alert in alerts}
    rules = rules_of(session, alerts)
    watched = [Watched.of(alert, rules[alert.id]) for alert in alerts]
    readings = measure(session, organization_id, watched, [now])
    groups = stored_groups(session, facts)
    measured: dict[str, tuple[Watched, Reading]] = {}
    for each in watched:
        reading = readings[each.alert_id][0]
        if moves_of(each, groups.get(each.alert_id, {}), reading):
            measured[each.alert_id] = each, reading
    if not measured:
        return []
    if not arrived:
        # It may have been as of the full hour: what came since is looked at next, before anybody trusts a recovery.
        db.after_commit(session, partial(queue.check_soon, organization_id))
    return make_moves(session, organization_id, measured, facts)


def organizations(session: Session, after: str, limit: int) -> list[str]:
    """The next organizations that have active rules, by their ids."""
    query = (
        select(Alert.organization_id)
        .where(col(Alert.is_active).is_(True), col(Alert.organization_id) > after)
        .distinct()
        .order_by(col(Alert.organization_id))
        .limit(limit)
    )
    return [id for id in session.exec(query) if id is not None]


def waiting(session: Session, after: str, limit: int, now: datetime) -> list[str]:
    """The next organizations with groups that time alone may move: what pends, what is to be told again, a snooze that
    is over, and what fires by a window so short that it may be over long before the next hour.
    """
    state, minute = col(AlertGroup.state), timedelta(minutes=1)
    again = col(AlertGroup.notified_at) + col(Alert.renotify_minutes) * literal(minute, Interval) <= now
    due = or_(
        state == AlertState.PENDING,
        and_(state == AlertState.SNOOZED, col(AlertGroup.snoozed_until) <= now),
        and_(state == AlertState.FIRING, or_(again, col(Alert.window).in_(_SHORT))),
    )
    query = (
        select(Alert.organization_id)
        .join(AlertGroup, col(AlertGroup.alert_id) == col(Alert.id))
        .where(
            col(Alert.is_active).is_(True),
            Alert.frequency == AlertFrequency.IMMEDIATE,
            col(Alert.organization_id) > after,
            due,
        )
        .distinct()
        .order_by(col(Alert.organization_id))
        .limit(limit)
    )
    return [id for id in session.exec(query) if id is not None]


def _active(session: Session, organization_id: str, arrived: bool) -> Sequence[Alert]:
    query = select(Alert).where(Alert.organization_id == organization_id, col(Alert.is_active).is_(True))
    if arrived:
        query = query.where(Alert.frequency == AlertFrequency.IMMEDIATE)
    rows = session.exec(query.order_by(col(Alert.id))).all()
    return [row for row in rows if not arrived or (row.type, metric_of(row.type, row.metric).name) not in _HOURLY]
