"""From a channel to the text that the settings show of it, and what the form of a new one asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from guardian.errors import ValidationError
from guardian.models.enums import NotificationChannel
from guardian.services.guard.notices import NewTarget, TargetView
from guardian.ui import format
from guardian.ui.rows import NO_MOMENT, Moment

KIND_NAMES: Mapping[NotificationChannel, str] = {
    NotificationChannel.EMAIL: "E-mail",
    NotificationChannel.SLACK: "Slack",
    NotificationChannel.TEAMS: "Microsoft Teams",
    NotificationChannel.DISCORD: "Discord",
    NotificationChannel.PAGERDUTY: "PagerDuty",
    NotificationChannel.WEBHOOK: "Webhook",
}
ICONS: Mapping[NotificationChannel, str] = {
    NotificationChannel.EMAIL: "mail",
    NotificationChannel.SLACK: "hash",
    NotificationChannel.TEAMS: "users",
    NotificationChannel.DISCORD: "message-circle",
    NotificationChannel.PAGERDUTY: "siren",
    NotificationChannel.WEBHOOK: "webhook",
}


@dataclass(frozen=True)
class ChannelRow:
    """A channel without its settings. `problem` is why it was switched off, or why the last message was not taken."""

    id: str = ""
    kind: str = ""
    kind_name: str = ""
    name: str = ""
    hint: str = ""
    active: bool = True
    disabled: bool = False
    problem: str = ""
    failing: bool = False
    taken: Moment = NO_MOMENT
    failed: Moment = NO_MOMENT
    signed: bool = False
    rotating: str = ""
    reports: bool = False


NO_CHANNEL = ChannelRow()


def channel_row(view: TargetView, now: datetime, tz: ZoneInfo) -> ChannelRow:
    until = view.previous_secret_until
    return ChannelRow(
        id=view.id,
        kind=view.kind.value,
        kind_name=KIND_NAMES[view.kind],
        name=view.name,
        hint=view.hint,
        active=view.is_active,
        disabled=view.disabled_reason is not None,
        problem=view.disabled_reason or view.last_error or "",
        failing=view.last_error is not None,
        taken=Moment.of(view.last_success_at, now, tz, never="nothing sent yet"),
        failed=Moment.of(view.last_failure_at, now, tz),
        signed=view.kind is NotificationChannel.WEBHOOK,
        rotating=f"the secret before is good until {format.absolute(until, tz)}" if until else "",
        reports=view.reports,
    )


def wanted(form: Mapping[str, Any]) -> NewTarget:
    """A channel as the form asks for it. Raises ValidationError."""
    kind = str(form.get("kind", ""))
    if kind not in set(NotificationChannel):
        raise ValidationError("Choose what kind of channel this is.")
    return NewTarget(
        kind=NotificationChannel(kind),
        name=str(form.get("name", "")),
        config=config_of(form),
        reports=bool(form.get("reports")),
    )


def changed(form: Mapping[str, Any]) -> NewTarget:
    """A change: a name, and settings where any are given."""
    return NewTarget(name=str(form.get("name", "")), config=config_of(form) or None, reports=bool(form.get("reports")))


def config_of(form: Mapping[str, Any]) -> dict[str, str]:
    given = {name: str(form.get(name) or "").strip() for name in ("url", "routingKey", "address")}
    return {name: value for name, value in given.items() if value}
