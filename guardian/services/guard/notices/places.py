"""Where a message goes: one place of one organization, opened; what goes to one place is counted together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col

from guardian.errors import DecryptionError
from guardian.models import Alert, AlertNotification, NotificationTarget
from guardian.models.enums import NotificationChannel
from guardian.services.guard.alerts.secrets import signing_secrets
from guardian.services.guard.incidents import place_in, place_of_webhook
from guardian.services.guard.notices.checking import ADDRESS, SECRETS, URL
from guardian.services.guard.notices.sealing import carried_config, usable_config

WEBHOOK_DISABLED = "webhookDisabled"  # in an alert's metadata: why its own webhook was switched off


class Closed(Exception):
    """Nothing can be sent there; the words say why, for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A channel, an address of mail, or the webhook of one alert. `config` is as its sender takes it, `who` for people.

    `target_id` is the channel's, None where it is none.
    """

    channel: NotificationChannel
    target_id: str | None
    config: Mapping[str, Any] = field(repr=False)


def name_of(row: AlertNotification) -> tuple[str, ...]:
    """What all messages to one place share; an alert's own webhook is a place of its own, and so is one of the past."""
    own = row.id if place_in(row) is not None else row.alert_id or row.id
    return row.organization_id or "", row.channel.value, row.target or own


def same_place(row: AlertNotification) -> ColumnElement[bool]:
    """The same, of rows."""
    where = and_(
        col(AlertNotification.target) == row.target,
        col(AlertNotification.channel) == row.channel,
        col(AlertNotification.organization_id).is_not_distinct_from(row.organization_id),
    )
    if row.target:
        return where
    own = col(AlertNotification.alert_id) == row.alert_id
    return and_(where, own if place_in(row) is None else col(AlertNotification.id) == row.id)


def open_place(session: Session, row: AlertNotification, now: datetime) -> Place:
    """Raises Closed for a channel that is deleted, switched off, or that cannot be opened."""
    try:
        if (carried := place_in(row)) is not None:
            return _carried(row, carried, now)
        if row.channel is NotificationChannel.EMAIL and "@" in row.target:
            return Place(channel=row.channel, target_id=None, config={ADDRESS: row.target})
        if row.target == "":
            return _own_webhook(session, row, now)
        return open_target(session, row.organization_id or "", row.target, now)
    except DecryptionError as error:
        raise Closed(f"The channel's settings cannot be read: {error.message}") from error


def open_target(session: Session, organization_id: str, target_id: str, now: datetime) -> Place:
    """A channel of an organization, ready to be sent to. Raises Closed, DecryptionError."""
    target = session.get(NotificationTarget, target_id)
    if target is None or target.organization_id != organization_id:
        raise Closed("This channel was deleted.")
    if not target.is_active:
        raise Closed(f"This channel is switched off. {target.disabled_reason or ''}".strip())
    return Place(channel=target.kind, target_id=target.id, config=usable_config(target, now))


def _carried(row: AlertNotification, carried: Mapping[str, Any], now: datetime) -> Place:
    if row.target:
        config = carried_config(row.channel, carried, now)
    else:
        config = {URL: carried["url"], SECRETS: signing_secrets(carried["secrets"], now)}
    return Place(channel=row.channel, target_id=row.target or None, config=config)


def _own_webhook(session: Session, row: AlertNotification, now: datetime) -> Place:
    alert = session.get(Alert, row.alert_id)
    if alert is None or not alert.webhook_url or not alert.notify_webhook:
        raise Closed("The alert has no webhook any more.")
    return _carried(row, place_of_webhook(alert), now)


def note_at_place(session: Session, row: AlertNotification, now: datetime, *, error: str, gone: bool) -> None:
    """What the last attempt says of the channel itself; `gone` switches it off."""
    if row.target and "@" not in row.target:
        target = session.get(NotificationTarget, row.target, with_for_update=True)
        if target is None or target.organization_id != row.organization_id:
            return
        if not error:
            target.last_success_at, target.last_error = now, None
        else:
            target.last_failure_at, target.last_error = now, error
        if gone:
            target.is_active, target.disabled_reason = False, error
    elif gone and row.target == "" and (alert := session.get(Alert, row.alert_id)) is not None:
        alert.notify_webhook = False
        alert.meta = {**(alert.meta or {}), WEBHOOK_DISABLED: error}
