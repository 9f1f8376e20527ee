"""Channels: where an organization's messages go; made, changed, given a new secret, and deleted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from guardian import db
from guardian.errors import ConflictError, NotFoundError
from guardian.models import NotificationTarget
from guardian.models.enums import NotificationChannel
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard.incidents import end, open_of_channel, place_of_channel
from guardian.services.guard.notices.checking import SECRETS, clean_config, clean_name, wrong
from guardian.services.guard.notices.reporting import set_reports, takes_reports
from guardian.services.guard.notices.sealing import PREVIOUS_UNTIL, open_config, rotate, seal_config, with_first_secret
from guardian.services.guard.notices.views import TargetView

MAX_TARGETS = 50  # of one organization
_ELSEWHERE = "The channel leads elsewhere now."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTarget:
    """A channel as it is asked for; in a change, None leaves what there is. `config` is as its kind needs it:

    url (Slack, webhook, Discord, Teams), routingKey and perhaps url (PagerDuty), address (e-mail). One with `reports`
    is also told of the organization's weekly and monthly reports.
    """

    kind: NotificationChannel | None = None
    name: str | None = None
    config: Mapping[str, Any] | None = field(default=None, repr=False)
    is_active: bool | None = None
    reports: bool | None = None


def list_targets(session: Session, actor: Actor) -> list[TargetView]:
    """The organization's channels, by name. Raises AuthorizationError."""
    actor.require("channels:read")
    query = select(NotificationTarget).where(NotificationTarget.organization_id == actor.organization_id)
    now = utcnow()
    return [view_of(row, now) for row in session.exec(query.order_by(func.lower(NotificationTarget.name)))]


def get_target(session: Session, actor: Actor, target_id: str) -> TargetView:
    """One channel. Raises AuthorizationError, and NotFoundError for one of another organization."""
    actor.require("channels:read")
    return view_of(own_target(session, actor, target_id), utcnow())


def create_target(session: Session, actor: Actor, wanted: NewTarget) -> tuple[TargetView, str | None]:
    """A new channel; a webhook's secret comes with it, this once.

    Raises AuthorizationError, ConflictError for a name that is taken, and ValidationError on the wrong field.
    """
    actor.require("channels:update")
    if wanted.kind is None or wanted.name is None or wanted.config is None:
        wrong("kind" if wanted.kind is None else "name" if wanted.name is None else "config", "This is needed.")
    name, config = clean_name(wanted.name), clean_config(wanted.kind, wanted.config)
    db.lock(session, "channels", actor.organization_id)
    count = session.exec(
        select(func.count()).where(col(NotificationTarget.organization_id) == actor.organization_id)
    ).one()
    if count >= MAX_TARGETS:
        wrong("name", f"There are {MAX_TARGETS} channels, which is as many as fit. Delete one first.")
    _require_new_name(session, actor, name)
    secret = None
    if wanted.kind is NotificationChannel.WEBHOOK:
        config, secret = with_first_secret(config)
    row = NotificationTarget(
        organization_id=actor.organization_id, kind=wanted.kind, name=name, encrypted_config="", iv="", tag=""
    )
    if wanted.is_active is not None:
        row.is_active = wanted.is_active
    if wanted.reports is not None:
        set_reports(row, on=wanted.reports)
    seal_config(row, config)
    session.add(row)
    session.flush()
    return view_of(row, utcnow()), secret


def update_target(session: Session, actor: Actor, target_id: str, wanted: NewTarget) -> TargetView:
    """Change a channel's name or settings, switch it off, or on again after its server said that it is gone.

    A webhook keeps its secrets. Raises as create_target, and NotFoundError.
    """
    actor.require("channels:update")
    row = own_target(session, actor, target_id)
    if wanted.kind is not None and wanted.kind is not row.kind:
        wrong("kind", "A channel stays what it is. Make a new one of the other kind.")
    if wanted.name is not None and (name := clean_name(wanted.name)) != row.name:
        db.lock(session, "channels", actor.organization_id)
        _require_new_name(session, actor, name)
        row.name = name
    if wanted.config is not None or (row.is_active and wanted.is_active is False):
        _end_incidents(session, row, "The channel was switched off." if wanted.config is None else _ELSEWHERE)
    if wanted.config is not None:
        config = clean_config(row.kind, wanted.config)
        if row.kind is NotificationChannel.WEBHOOK:
            config[SECRETS] = open_config(row)[SECRETS]
        seal_config(row, config)
    if wanted.reports is not None:
        set_reports(row, on=wanted.reports)
    if wanted.is_active is not None:
        row.is_active = wanted.is_active
        # Whoever switches it by hand knows better than what was noted.
        row.disabled_reason = None
    session.flush()
    return view_of(row, utcnow())


def rotate_secret(session: Session, actor: Actor, target_id: str) -> tuple[TargetView, str]:
    """A webhook's new secret, told this once; for 24 h messages are signed with the one before as well.

    Raises AuthorizationError, NotFoundError, ConflictError for a channel that has none, DecryptionError.
    """
    actor.require("channels:update")
    row = own_target(session, actor, target_id, lock=True)
    if row.kind is not NotificationChannel.WEBHOOK:
        raise ConflictError("Only webhooks are signed, so this channel has no secret.")
    now = utcnow()
    secret = rotate(row, now)
    session.flush()
    return view_of(row, now), secret


def delete_target(session: Session, actor: Actor, target_id: str) -> TargetView:
    """Delete a channel; what still waits for it fails, and says so, but for what ends incidents there.

    Raises AuthorizationError, NotFoundError.
    """
    actor.require("channels:update")
    row = own_target(session, actor, target_id)
    view = view_of(row, utcnow())
    if row.is_active:
        _end_incidents(session, row, "The channel was deleted.")
    session.delete(row)
    session.flush()
    return view


def own_target(session: Session, actor: Actor, target_id: str, *, lock: bool = False) -> NotificationTarget:
    """The row, of the actor's organization. Raises NotFoundError."""
    row = session.get(NotificationTarget, target_id, with_for_update=lock or None)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFoundError("Channel")
    return row


def view_of(row: NotificationTarget, now: datetime) -> TargetView:
    stored: str | None = (row.meta or {}).get(PREVIOUS_UNTIL)
    until = datetime.fromisoformat(stored) if stored else None
    return TargetView(
        id=row.id,
        kind=row.kind,
        name=row.name,
        hint=row.hint,
        is_active=row.is_active,
        disabled_reason=row.disabled_reason,
        reports=takes_reports(row),
        last_success_at=row.last_success_at,
        last_failure_at=row.last_failure_at,
        last_error=row.last_error,
        previous_secret_until=until if until is not None and until > now else None,
        created_at=row.created_at,
    )


def _end_incidents(session: Session, row: NotificationTarget, why: str) -> None:
    """What the channel's receiver holds open of any alert is over for it."""
    db.lock(session, "notices", row.organization_id, row.kind.value, row.id)
    place = place_of_channel(row)
    for incident in open_of_channel(session, row):
        end(session, incident, place, why)


def _require_new_name(session: Session, actor: Actor, name: str) -> None:
    same = select(NotificationTarget.id).where(
        NotificationTarget.organization_id == actor.organization_id, NotificationTarget.name == name
    )
    if session.exec(same).first() is not None:
        raise ConflictError(f"There is a channel called “{name}” already. Choose another name.")
