"""The notice that a stored message tells: its own, that of its transition, or a digest of several."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from guardian.channels.notice import Notice
from guardian.config import settings
from guardian.models import AlertNotification, Organization
from guardian.models.enums import AlertState, NotificationChannel
from guardian.services.guard.messages import told_of


class Unreadable(Exception):
    """A message whose notice is not there, or is none."""


def notice_of(session: Session, row: AlertNotification) -> Notice:
    """Raises Unreadable."""
    try:
        notice = Notice.from_json(told_of(session, row) or {})
    except (KeyError, ValueError, ArithmeticError, TypeError) as error:
        raise Unreadable from error
    return replace(notice, time_zone=_zone(session, row.organization_id))


def digest_of(session: Session, rows: Sequence[AlertNotification], now: datetime) -> Notice:
    """One notice for several, the oldest first. Raises Unreadable when not one of them can be read."""
    notices: list[Notice] = []
    for row in rows:
        try:
            notices.append(notice_of(session, row))
        except Unreadable:
            continue
    if not notices:
        raise Unreadable
    first = notices[0]
    count = f"{len(notices):,} messages"
    fires = sum(1 for each in notices if not each.recovered)
    return Notice(
        kind="digest",
        alert_id=first.alert_id,
        transition=f"digest#{rows[0].id}",
        name=f"{count} of alerts",
        type=first.type,
        metric=first.metric,
        state=AlertState.FIRING if fires else AlertState.RECOVERED,
        severity="critical"
        if any(each.severity == "critical" and not each.recovered for each in notices)
        else "warning",
        sentence=f"{count} came in a short time, so that they are told as one.",
        items=tuple(f"{_named(each)}. {each.sentence}" for each in notices),
        # Only programs read all of each.
        parts=tuple(notices) if rows[0].channel is NotificationChannel.WEBHOOK else (),
        organization_id=first.organization_id,
        organization=first.organization,
        occurred_at=now,
        url=f"{settings().base_url}/alerts",
        time_zone=first.time_zone,
    )


def _named(notice: Notice) -> str:
    if notice.kind == "report":
        return notice.name
    return f"{'Recovered' if notice.recovered else 'Firing'}: {notice.name}"


def _zone(session: Session, organization_id: str | None) -> str:
    organization = session.get(Organization, organization_id) if organization_id else None
    return organization.time_zone if organization else "UTC"
