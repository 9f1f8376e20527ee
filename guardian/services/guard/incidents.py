"""Incidents: what a pager, or a program behind a webhook, holds open from a message that fires to one that recovers.

Where nothing will recover any more (the alert, the budget or the channel is deleted or switched off, a period is over),
the receiver is told by a message of its own that ends the incident: once, under the same key, and where it was opened.
People are told nothing of it. Such a message carries its place, as sealed as it was stored, since what it was read from
may be gone when it is sent; after that the place is forgotten.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, and_, cast, func, or_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from guardian.models import Alert, AlertNotification, AlertTransition, NotificationTarget
from guardian.models.enums import AlertState, DeliveryStatus, NotificationChannel
from guardian.periods import rfc3339, utcnow
from guardian.services.guard.messages import enqueue_notice, group_of, tested, told_of

HOLDERS = (NotificationChannel.PAGERDUTY, NotificationChannel.WEBHOOK)
ENDS = "ends"  # in a message's payload: it ends an incident that nothing else would end
PLACE = "place"  # beside it: where to, until it was sent or given up
_ENDED = "ended"  # in the payload of the message that opened one
_OVER = (AlertState.RECOVERED, AlertState.OK)
_ON_ITS_WAY = timedelta(seconds=30)  # longer than a sending that has begun may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One that a receiver holds open. `opened` is the last message of it that may have arrived, `said` its notice."""

    opened: AlertNotification
    said: Mapping[str, Any]

    @property
    def group(self) -> str:
        return group_of(self.opened)

    @property
    def at(self) -> tuple[NotificationChannel, str]:
        return self.opened.channel, self.opened.target


def open_of_alerts(session: Session, alert_ids: Collection[str]) -> list[Incident]:
    """Those of alerts whose rows the caller has locked, so that no message is added meanwhile."""
    return _open(session, col(AlertNotification.alert_id).in_(alert_ids)) if alert_ids else []


def open_of_channel(session: Session, target: NotificationTarget) -> list[Incident]:
    """Those at a channel, of all alerts. The caller holds the lock by which messages to it are claimed."""
    here = and_(
        col(AlertNotification.organization_id) == target.organization_id,
        col(AlertNotification.target) == target.id,
        col(AlertNotification.alert_id).is_not(None),
    )
    return _open(session, here) if target.kind in HOLDERS else []


def place_of_channel(target: NotificationTarget) -> dict[str, Any]:
    """What `end` takes: the settings as they are sealed now."""
    return {"config": target.encrypted_config, "iv": target.iv, "tag": target.tag}


def place_of_webhook(alert: Alert) -> dict[str, Any]:
    """The same of an alert's own webhook."""
    return {"url": alert.webhook_url or "", "secrets": list(alert.webhook_secrets or [])}


def places_of(session: Session, incidents: Sequence[Incident]) -> dict[str, dict[str, Any]]:
    """The places of channels that are in use, by their ids; whoever closed itself holds nothing open."""
    ids = {each.opened.target for each in incidents if each.opened.target}
    query = select(NotificationTarget).where(
        col(NotificationTarget.id).in_(ids), col(NotificationTarget.is_active).is_(True)
    )
    return {row.id: place_of_channel(row) for row in session.exec(query)} if ids else {}


def end(
    session: Session,
    incident: Incident,
    place: Mapping[str, Any],
    why: str,
    *,
    transition: str | None = None,
    last: bool = False,
) -> None:
    """Tell the receiver after this transaction's commit that it is over, and `why`, which is a sentence.

    `transition` is the alert's own that ends it, if there is one. With `last` the alert goes, and takes its messages
    along: one that is being sent is given the time to arrive first.
    """
    opened, now = incident.opened, utcnow()
    ends: dict[str, Any] = {
        **incident.said,
        "state": AlertState.RECOVERED.value,
        "previous": incident.said.get("state", AlertState.FIRING.value),
        "severity": "info",
        "value": None,
        "causes": [],
        "sentence": why,
        "transition": transition or opened.transition,
        "occurredAt": rfc3339(now),
        ENDS: True,
        PLACE: dict(place),
    }
    wait = _ON_ITS_WAY if last and opened.status is DeliveryStatus.SENDING else None
    row = AlertNotification(
        alert_id=opened.alert_id if transition else None,
        organization_id=opened.organization_id,
        transition=transition or opened.transition,
        channel=opened.channel,
        target=opened.target,
        payload=ends,
        not_before=now + wait if wait else None,
    )
    session.add(row)
    opened.payload = {**incident.said, _ENDED: row.id}
    session.flush()
    enqueue_notice(session, row.id, job_id=f"deliver-{row.id}-0", delay=wait)


def drop_unsent(session: Session, alert_id: str, why: str, groups: Collection[str] | None = None) -> None:
    """What waits to open an incident that is over by now is not sent any more: of these groups, or of all."""
    for row in _waiting(session, col(AlertNotification.alert_id) == alert_id):
        state = AlertState((told_of(session, row) or {}).get("state", AlertState.FIRING))
        ours = groups is None or group_of(row) in groups
        if ours and row.status is DeliveryStatus.PENDING and state not in _OVER:
            row.status, row.error, row.not_before = DeliveryStatus.FAILED, why, None
    session.flush()


def is_end(row: AlertNotification) -> bool:
    return bool((row.payload or {}).get(ENDS))


def place_in(row: AlertNotification) -> Mapping[str, Any] | None:
    """Where a message goes that carries its place."""
    return (row.payload or {}).get(PLACE)


def forget_place(row: AlertNotification) -> None:
    """It was sent, or given up."""
    if place_in(row) is not None:
        row.payload = {name: value for name, value in (row.payload or {}).items() if name != PLACE}


def _open(session: Session, where: ColumnElement[bool]) -> list[Incident]:
    _waiting(session, where)  # what is sent or claimed meanwhile has been so by now
    table = AlertNotification
    number = cast(func.substring(col(table.transition), "[0-9]+$"), Integer)
    group = func.regexp_replace(col(table.transition), "#[0-9]+$", "")
    state = func.coalesce(col(table.payload)["state"].astext, col(AlertTransition.notice)["state"].astext)
    tried = or_(
        col(table.status).in_((DeliveryStatus.SENT, DeliveryStatus.SENDING)),
        and_(
            col(table.status) == DeliveryStatus.PENDING,
            or_(col(table.attempts) > 0, state.in_([each.value for each in _OVER])),
        ),
    )
    last = (
        select(col(table.id))
        .join(
            AlertTransition,
            and_(
                col(AlertTransition.alert_id) == col(table.alert_id),
                func.concat(col(AlertTransition.group_key), "#", cast(col(AlertTransition.number), String))
                == col(table.transition),
            ),
            isouter=True,
        )
        .where(where, col(table.channel).in_(HOLDERS), ~tested(), tried)
        .ext(distinct_on(col(table.alert_id), col(table.channel), col(table.target), group))
        .order_by(col(table.alert_id), col(table.channel), col(table.target), group, number.desc())
    )
    # Locked, too: an alert and a channel that go at the same time end an incident once.
    query = select(table).where(col(table.id).in_(last)).order_by(col(table.id)).with_for_update()
    rows = session.exec(query, execution_options={"populate_existing": True}).all()
    found = [(row, told_of(session, row)) for row in rows]
    return [
        Incident(opened=row, said=said)
        for row, said in found
        if said and _ENDED not in said and AlertState(said["state"]) not in _OVER
    ]


def _waiting(session: Session, where: ColumnElement[bool]) -> Sequence[AlertNotification]:
    """The messages to holders that are not done, locked."""
    query = select(AlertNotification).where(
        where,
        col(AlertNotification.channel).in_(HOLDERS),
        ~tested(),
        col(AlertNotification.status).in_((DeliveryStatus.PENDING, DeliveryStatus.SENDING)),
    )
    ordered = query.order_by(col(AlertNotification.id)).with_for_update()
    return session.exec(ordered, execution_options={"populate_existing": True}).all()
