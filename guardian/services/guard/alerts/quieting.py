"""Alerts acknowledged and snoozed: they are known, or may wait, and nobody is told again."""

from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from guardian import db, live
from guardian.errors import ConflictError, NotFoundError
from guardian.models import Alert, AlertGroup
from guardian.models.enums import AlertState
from guardian.periods import rfc3339, utcnow
from guardian.services.actor import Actor
from guardian.services.guard.alerts.checking import wrong
from guardian.services.guard.alerts.reading import own_alert, views_of
from guardian.services.guard.alerts.states import SNOOZED_UNTIL, locked_groups, move, snoozed_until, worst
from guardian.services.guard.alerts.views import AlertView

LONGEST_SNOOZE = timedelta(days=30)


def acknowledge(session: Session, actor: Actor, alert_id: str, group: str | None = None) -> AlertView:
    """Say that one knows: what fires, or one group of it, is not told of again until it is over.

    Raises NotFoundError, AuthorizationError, and ConflictError when nothing fires.
    """
    actor.require("alerts:create")
    alert = own_alert(session, actor, alert_id, lock=True)
    groups = locked_groups(session, alert_id)
    firing = [each for each in _chosen(groups, group) if each.state is AlertState.FIRING]
    if not firing:
        raise ConflictError("Nothing of this alert is firing, so that there is nothing to acknowledge.")
    for each in firing:
        move(session, alert, each, AlertState.ACKNOWLEDGED, actor.user_id)
        each.acknowledged_by_id = actor.user_id
    return _settled(session, actor, alert, groups)


def snooze(
    session: Session,
    actor: Actor,
    alert_id: str,
    *,
    until: datetime | None = None,
    hours: int | None = None,
    group: str | None = None,
) -> AlertView:
    """Tell nobody of the alert, or of one group of it, until then: give a moment, or hours from now. 0 hours ends a
    snooze; what is so then is found by the next check.

    Raises NotFoundError, AuthorizationError, and ValidationError for a moment that has passed or is too far off.
    """
    actor.require("alerts:create")
    end = _end(until, hours)
    alert = own_alert(session, actor, alert_id, lock=True)
    groups = locked_groups(session, alert_id)
    chosen = _chosen(groups, group)
    if end is not None and not groups and alert.group_by is None:
        groups = chosen = [AlertGroup(alert_id=alert_id)]
        session.add_all(groups)
    for each in chosen:
        each.snoozed_until = end
        if end is not None and each.state is not AlertState.SNOOZED:
            move(session, alert, each, AlertState.SNOOZED, actor.user_id)
        elif end is None and each.state is AlertState.SNOOZED:
            # As the next check would find it: what fired before does so until that says otherwise.
            back = AlertState.FIRING if each.fired_at is not None else AlertState.OK
            move(session, alert, each, back, actor.user_id)
    if group is None:
        others = {name: value for name, value in (alert.meta or {}).items() if name != SNOOZED_UNTIL}
        alert.meta = others if end is None else {**others, SNOOZED_UNTIL: rfc3339(end)}
    return _settled(session, actor, alert, groups)


def _end(until: datetime | None, hours: int | None) -> datetime | None:
    if (until is None) == (hours is None):
        raise wrong("hours" if until is None else "until", "Say until when: either a moment, or hours from now.")
    if hours == 0:
        return None
    now = utcnow()
    field = "until" if hours is None else "hours"
    if hours is not None and not 0 < hours <= LONGEST_SNOOZE // timedelta(hours=1):
        raise wrong(field, f"Give 1 to {LONGEST_SNOOZE // timedelta(hours=1)} hours, or 0 to end a snooze.")
    end = until or now + timedelta(hours=hours or 0)
    if end.tzinfo is None:
        raise wrong(field, "Give the moment with its offset, such as 2026-11-23T18:00:00Z.")
    if not now < end <= now + LONGEST_SNOOZE + timedelta(seconds=1):
        raise wrong(field, f"Choose a moment within the next {LONGEST_SNOOZE.days} days.")
    return end


def _chosen(groups: list[AlertGroup], key: str | None) -> list[AlertGroup]:
    if key is None:
        return groups
    found = [each for each in groups if each.group_key == key]
    if not found:
        raise NotFoundError("Group")
    return found


def _settled(session: Session, actor: Actor, alert: Alert, groups: list[AlertGroup]) -> AlertView:
    states = [each.state for each in groups]
    snoozed = [AlertState.SNOOZED] if snoozed_until(alert, utcnow()) else []
    alert.state = worst([*states, *snoozed])
    session.flush()
    view = views_of(session, actor, [alert])[0]
    facts = {"alertId": alert.id, "name": alert.name, "state": alert.state.value, "sentence": ""}
    db.after_commit(session, partial(live.publish, "org", actor.organization_id, live.ALERT_TRIGGERED, facts))
    return view
