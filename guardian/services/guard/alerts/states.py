"""States that people put an alert's groups in; each change is a transition, under the alert's lock."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from guardian.models import Alert, AlertGroup, AlertTransition
from guardian.models.enums import AlertState
from guardian.periods import utcnow

SNOOZED_UNTIL = "snoozedUntil"
# Of an alert's metadata: what is ours, and is neither shown with it nor replaced.
INTERNAL = frozenset({SNOOZED_UNTIL})
# The worst first.
ORDER: tuple[AlertState, ...] = (
    AlertState.FIRING,
    AlertState.NO_DATA,
    AlertState.PENDING,
    AlertState.ACKNOWLEDGED,
    AlertState.SNOOZED,
    AlertState.RECOVERED,
    AlertState.OK,
)


def worst(states: Iterable[AlertState]) -> AlertState:
    """What an alert is in whose groups are in these."""
    return min(states, key=ORDER.index, default=AlertState.OK)


def snoozed_until(alert: Alert, now: datetime) -> datetime | None:
    """Until when the whole alert is snoozed, a group that turns up meanwhile too; None when it is not."""
    told: object = (alert.meta or {}).get(SNOOZED_UNTIL)
    until = datetime.fromisoformat(told) if isinstance(told, str) else None
    return until if until is not None and until > now else None


def locked_groups(session: Session, alert_id: str) -> list[AlertGroup]:
    """The alert's groups, by key, as they are now and until the transaction ends."""
    query = select(AlertGroup).where(col(AlertGroup.alert_id) == alert_id).order_by(col(AlertGroup.group_key))
    return list(session.exec(query.with_for_update(), execution_options={"populate_existing": True}))


def move(session: Session, alert: Alert, group: AlertGroup, to: AlertState, user_id: str | None) -> None:
    """Put a group in a state that a person asked for, and note that they did. Nobody is told."""
    now = utcnow()
    group.transitions += 1
    session.add(
        AlertTransition(
            alert_id=alert.id,
            organization_id=alert.organization_id or "",
            group_key=group.group_key,
            number=group.transitions,
            from_state=group.state,
            to_state=to,
            value=group.value,
            user_id=user_id,
        )
    )
    group.state, group.since = to, now


def calm(session: Session, alert: Alert, user_id: str) -> dict[str, str]:
    """Every group is ok: what they were in was found by another rule, or the alert is switched off.

    Gives the transitions ("<group>#<number>") of those that were something else, by group.
    """
    calmed: dict[str, str] = {}
    for group in locked_groups(session, alert.id):
        if group.state is not AlertState.OK:
            move(session, alert, group, AlertState.OK, user_id)
            calmed[group.group_key] = f"{group.group_key}#{group.transitions}"
        group.detail = {}
        group.fired_at = group.notified_at = group.snoozed_until = group.acknowledged_by_id = None
    alert.state = AlertState.OK
    alert.meta = {name: value for name, value in (alert.meta or {}).items() if name != SNOOZED_UNTIL}
    return calmed
