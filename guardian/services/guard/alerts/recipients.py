"""Whom an alert tells: its owner by mail, channels of the organization, and a webhook of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from guardian.models import Alert, NotificationTarget, User
from guardian.models.enums import NotificationChannel
from guardian.services.people.membership import is_member

EMAILS = "emails"  # in an alert's metadata
CHANNEL_NAMES: Mapping[NotificationChannel, str] = {
    NotificationChannel.EMAIL: "e-mail",
    NotificationChannel.SLACK: "Slack",
    NotificationChannel.WEBHOOK: "webhook",
    NotificationChannel.DISCORD: "Discord",
    NotificationChannel.TEAMS: "Teams",
    NotificationChannel.PAGERDUTY: "PagerDuty",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One message goes to each: `channel` and `target` are those of its AlertNotification, `name` is for people."""

    channel: NotificationChannel
    target: str
    name: str

    @property
    def words(self) -> str:
        return f"{self.name} by {CHANNEL_NAMES[self.channel]}"


def recipients_of(session: Session, alert: Alert) -> tuple[Recipient, ...]:
    """Whom this alert tells now. Channels that are switched off are left out."""
    return recipients_of_each(session, [alert])[alert.id]


def recipients_of_each(session: Session, alerts: Sequence[Alert]) -> dict[str, tuple[Recipient, ...]]:
    """The same for several alerts of one organization, by their id, in two queries."""
    if not alerts:
        return {}
    owners, named = {alert.user_id for alert in alerts}, {email for alert in alerts for email in emails_of(alert)}
    # Whoever has left the organization is told nothing more of it.
    people = dict(
        session.exec(
            select(User.id, User.email).where(
                is_member(alerts[0].organization_id or ""), col(User.id).in_(owners) | col(User.email).in_(named)
            )
        ).all()
    )
    targets = session.exec(
        select(NotificationTarget)
        .where(
            col(NotificationTarget.organization_id) == alerts[0].organization_id,
            col(NotificationTarget.is_active).is_(True),
        )
        .order_by(col(NotificationTarget.name))
    ).all()
    return {alert.id: _of(alert, people, targets) for alert in alerts}


def emails_of(alert: Alert) -> list[str]:
    """The addresses of further people that an alert names in its metadata; only those of the organization are told."""
    told: object = (alert.meta or {}).get(EMAILS)
    listed = cast("list[object]", told) if isinstance(told, list) else []
    return [each.strip().lower() for each in listed if isinstance(each, str)]


def _of(alert: Alert, people: Mapping[str, str], targets: Sequence[NotificationTarget]) -> tuple[Recipient, ...]:
    found: list[Recipient] = []
    if alert.notify_email:
        owner, named = people.get(alert.user_id), set(emails_of(alert))
        others = sorted(email for email in people.values() if email in named and email != owner)
        emails = [owner, *others] if owner else others
        found += [Recipient(channel=NotificationChannel.EMAIL, target=email, name=email) for email in emails]
    chosen = set(alert.channel_ids or ())
    for target in targets:
        # notifySlack is older than channels that can be chosen: without a choice it means every Slack channel.
        every = alert.notify_slack and target.kind is NotificationChannel.SLACK and not chosen
        if every or target.id in chosen:
            found.append(Recipient(channel=target.kind, target=target.id, name=target.name))
    if alert.notify_webhook and alert.webhook_url:
        host = urlsplit(alert.webhook_url).hostname or ""
        found.append(Recipient(channel=NotificationChannel.WEBHOOK, target="", name=host))
    return tuple(found)
