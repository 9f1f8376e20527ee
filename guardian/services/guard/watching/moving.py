"""Moves made true: claimed, stored with their notices and messages in one transaction, and told after its commit.

Whoever holds the alert's row decides anew by what is stored then, and inserts the transition under a number that is
there once: of workers that race, one makes the move, and the others find it made.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from guardian import db, live, queue
from guardian.channels.notice import Notice
from guardian.models import Alert, AlertNotification, Organization
from guardian.models.base import new_id
from guardian.models.enums import AlertState
from guardian.periods import utcnow, zone
from guardian.services.guard.alerts.recipients import recipients_of_each
from guardian.services.guard.alerts.rule import group_names
from guardian.services.guard.alerts.states import snoozed_until, worst
from guardian.services.guard.incidents import drop_unsent, end, open_of_alerts, place_of_webhook, places_of
from guardian.services.guard.messages import enqueue_notice
from guardian.services.guard.watching.budgets import budget_of
from guardian.services.guard.watching.causes import causes_of, explains
from guardian.services.guard.watching.states import QUIET, Group, Move, decide
from guardian.services.guard.watching.storing import Stored, claim, store_groups, stored_groups
from guardian.services.guard.watching.telling import NOT_SO_ANY_MORE, Moved, live_facts, notice_of, why_over
from guardian.services.guard.watching.watched import Reading, Watched

_MOST_LIVE = 20  # toasts of one check
_MOST_EXPLAINED = 5  # notices of one check: each takes a dozen questions


def moves_of(watched: Watched, groups: Stored, reading: Reading) -> list[Moved]:
    """What becomes of the groups of one rule."""
    found: list[Moved] = []
    for key in sorted({*groups, *reading.groups}):
        measured = reading.groups.get(key, reading.absent)
        move = decide(watched, groups.get(key, Group()), measured, reading.moment)
        if move is not None:
            found.append(Moved(watched, key, measured, move))
    return _once_a_budget(found) if watched.is_of_budgets else found


def rule_facts(alert: Alert) -> tuple[Any, ...]:
    """All of an alert that a measurement was made for: it says nothing once one of these is another."""
    return (
        *(alert.type, alert.metric, alert.threshold, alert.comparison_type, alert.frequency, alert.is_active),
        *(str(alert.scope), alert.group_by, alert.window, alert.min_requests, alert.recover_threshold),
        *(alert.pending_minutes, alert.renotify_minutes, alert.no_data, (alert.meta or {}).get("budgetId")),
    )


def make_moves(
    session: Session,
    organization_id: str,
    measured: Mapping[str, tuple[Watched, Reading]],
    facts: Mapping[str, tuple[Any, ...]],
) -> list[str]:
    """Make the moves of these alerts, and give the ids of the messages that wait to be sent.

    `facts` are the alerts' rule_facts for which it was measured: one that was edited since is looked at again soon.
    """
    query = select(Alert).where(col(Alert.id).in_(list(measured)), Alert.organization_id == organization_id)
    locked = session.exec(
        query.order_by(col(Alert.id)).with_for_update(), execution_options={"populate_existing": True}
    ).all()
    alerts = {alert.id: alert for alert in locked if rule_facts(alert) == facts[alert.id]}
    if len(alerts) < len(locked):
        db.after_commit(session, partial(queue.check_soon, organization_id))
    groups = stored_groups(session, alerts)
    wanted: list[Moved] = []
    for alert_id, alert in alerts.items():
        watched, reading = measured[alert_id]
        if snoozed_until(alert, reading.moment) is None:
            wanted += moves_of(watched, groups.get(alert_id, {}), reading)
    notices = _notices(session, organization_id, [each for each in wanted if each.move.tell])
    moved = claim(session, organization_id, wanted, notices) if wanted else []
    if not moved:
        return []
    store_groups(session, moved)
    for alert_id, alert in alerts.items():
        mine = {each.group: each.move.group.state for each in moved if each.watched.alert_id == alert_id}
        if mine:
            before = {key: group.state for key, group in groups.get(alert_id, {}).items()}
            alert.state = worst({**before, **mine}.values())
            alert.last_triggered = _triggered(alert, moved)
    session.flush()
    _end_incidents(session, [each for each in moved if each.key not in notices], alerts)
    return _notify(session, [notices[each.key] for each in moved if each.key in notices], alerts)


def _end_incidents(session: Session, untold: Sequence[Moved], alerts: Mapping[str, Alert]) -> None:
    """Nobody is told of these moves; but a receiver that holds an incident of a group open learns that it is over."""
    over = {each.key: each for each in untold if each.move.group.state in QUIET and each.move.before not in QUIET}
    incidents = open_of_alerts(session, {alert_id for alert_id, _ in over})
    for alert_id in sorted({alert_id for alert_id, _ in over}):
        drop_unsent(session, alert_id, NOT_SO_ANY_MORE, {group for of, group in over if of == alert_id})
    places = places_of(session, incidents)
    for incident in incidents:
        alert = alerts[incident.opened.alert_id or ""]
        moved = over.get((alert.id, incident.group))
        place = places.get(incident.opened.target)
        if not incident.opened.target and alert.notify_webhook:
            place = place_of_webhook(alert)
        if moved is not None and place is not None:
            end(session, incident, place, why_over(moved, incident.said), transition=moved.transition)


def _notices(session: Session, organization_id: str, told: Sequence[Moved]) -> dict[tuple[str, str], Notice]:
    if not told:
        return {}
    organization = session.get_one(Organization, organization_id)
    by_dimension: dict[str | None, set[str]] = defaultdict(set)
    for each in told:
        by_dimension[each.watched.rule.group_by].add(each.group)
    names = {
        dimension: group_names(session, organization_id, dimension, values)
        for dimension, values in by_dimension.items()
    }
    now = utcnow() if told[0].move.group.since is None else told[0].move.group.since
    tz = zone(session.get_one(Organization, organization_id).time_zone)
    explained = {each.key for each in [each for each in told if explains(each)][:_MOST_EXPLAINED]}
    return {
        each.key: notice_of(
            each,
            organization=(organization_id, organization.name),
            group_name=_name(each, names[each.watched.rule.group_by]),
            now=now,
            causes=causes_of(session, organization_id, each, now, tz) if each.key in explained else (),
        )
        for each in told
    }


def _name(each: Moved, names: Mapping[str, str]) -> str:
    return each.found.name if each.found and each.found.name else names[each.group]


def _triggered(alert: Alert, moved: Sequence[Moved]) -> datetime | None:
    fired = [
        each.move.group.notified_at
        for each in moved
        if each.move.tell and each.watched.alert_id == alert.id and each.move.group.state is AlertState.FIRING
    ]
    return max((at for at in fired if at), default=alert.last_triggered)


def _notify(session: Session, told: Sequence[Notice], alerts: Mapping[str, Alert]) -> list[str]:
    """One message for each recipient of each notice; never a second one."""
    recipients = recipients_of_each(session, [alerts[id] for id in sorted({notice.alert_id for notice in told})])
    rows = [
        {
            "id": new_id(),
            "alert_id": notice.alert_id,
            "organization_id": notice.organization_id,
            "transition": notice.transition,
            "channel": recipient.channel,
            "target": recipient.target,
            "payload": notice.to_json(),
        }
        for notice in told
        for recipient in recipients[notice.alert_id]
    ]
    for notice in told[:_MOST_LIVE]:
        facts = dict(live_facts(notice))
        db.after_commit(session, partial(live.publish, "org", notice.organization_id, live.ALERT_TRIGGERED, facts))
    if not rows:
        return []
    statement = insert(AlertNotification).on_conflict_do_nothing().returning(col(AlertNotification.id))
    made = session.connection().execute(statement, rows).scalars()
    ids = [str(id) for id in made]
    for id in ids:
        enqueue_notice(session, id, job_id=f"deliver-{id}-0")
    return ids


def _once_a_budget(found: Sequence[Moved]) -> list[Moved]:
    """Of thresholds that a budget passes at once the highest is told of, and of those it comes back from the lowest."""
    chosen: dict[tuple[str, bool], Moved] = {}
    for each in found:
        if each.move.tell:
            key = budget_of(each.group), each.move.group.state is AlertState.FIRING
            other = chosen.get(key)
            if other is None or (_threshold(each) > _threshold(other)) is key[1]:
                chosen[key] = each
    told = {id(each) for each in chosen.values()}
    # People know of the others by what they are told of the one: they are not told of them later.
    return [
        each
        if not each.move.tell or id(each) in told
        else Moved(
            each.watched, each.group, each.found, Move(before=each.move.before, group=each.move.group, tell=False)
        )
        for each in found
    ]


def _threshold(each: Moved) -> Decimal:
    return each.found.threshold if each.found and each.found.threshold is not None else each.watched.rule.threshold
