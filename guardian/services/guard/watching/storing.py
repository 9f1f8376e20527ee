"""Groups and transitions as they are stored: read, claimed by inserting what nobody has inserted yet, and written."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from guardian.channels.notice import Notice
from guardian.models import AlertGroup, AlertTransition
from guardian.models.base import new_id
from guardian.periods import utcnow
from guardian.services.guard.watching.states import Group
from guardian.services.guard.watching.telling import Moved

# NUMERIC(20, 10) has ten digits before the point; a percentage of next to nothing has more.
_LARGEST = Decimal(9_999_999_999)

Stored = Mapping[str, Group]
"""An alert's groups by key."""


def stored_groups(session: Session, alert_ids: Iterable[str]) -> dict[str, dict[str, Group]]:
    """The groups of alerts, by alert and key, as they are stored now."""
    rows = session.exec(
        select(AlertGroup).where(col(AlertGroup.alert_id).in_(list(alert_ids))),
        execution_options={"populate_existing": True},
    )
    found: dict[str, dict[str, Group]] = defaultdict(dict)
    for row in rows:
        found[row.alert_id][row.group_key] = Group(
            state=row.state,
            since=row.since if row.transitions else None,
            transitions=row.transitions,
            fired_at=row.fired_at,
            notified_at=row.notified_at,
            snoozed_until=row.snoozed_until,
            detail=row.detail or {},
        )
    return found


def claim(
    session: Session, organization_id: str, wanted: Sequence[Moved], notices: Mapping[tuple[str, str], Notice]
) -> list[Moved]:
    """Insert the transitions of these moves; those that are ours, since nobody had inserted them before."""
    transition = AlertTransition
    rows = [
        {
            "id": new_id(),
            "alert_id": each.watched.alert_id,
            "organization_id": organization_id,
            "group_key": each.group,
            "number": each.move.group.transitions,
            "from_state": each.move.before,
            "to_state": each.move.group.state,
            "value": _storable(each),
            "notice": notices[each.key].to_json() if each.key in notices else {},
        }
        for each in wanted
    ]
    statement = insert(transition).on_conflict_do_nothing(index_elements=["alert_id", "group_key", "number"])
    columns = (col(transition.alert_id), col(transition.group_key), col(transition.number))
    inserted = {tuple(row) for row in session.connection().execute(statement.returning(*columns), rows)}
    return [each for each in wanted if (*each.key, each.move.group.transitions) in inserted]


def store_groups(session: Session, moved: Sequence[Moved]) -> None:
    """What the groups of these moves are in from now on."""
    group = AlertGroup
    rows = [
        {
            "id": new_id(),
            "alert_id": each.watched.alert_id,
            "group_key": each.group,
            "state": after.state,
            "since": after.since,
            "transitions": after.transitions,
            "value": _storable(each),
            "fired_at": after.fired_at,
            "notified_at": after.notified_at,
            "snoozed_until": after.snoozed_until,
            "acknowledged_by_id": None,
            "detail": dict(after.detail),
            "updated_at": utcnow(),
        }
        for each in moved
        if (after := each.move.group)
    ]
    statement = insert(group)
    changed = [name for name in rows[0] if name not in ("id", "alert_id", "group_key")]
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=["alert_id", "group_key"], set_={name: statement.excluded[name] for name in changed}
        ),
        rows,
    )


def _storable(moved: Moved) -> Decimal | None:
    value = moved.found.value if moved.found else None
    return None if value is None else max(min(value, _LARGEST), -_LARGEST)
