"""Whom an alert tells: its owner by mail, channels of the organization, and a webhook of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from guardian.models import Alert, NotificationTarget, User
from guardian.models.enums import NotificationChannel

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
    owners = dict(
        session.exec(select(User.id, User.email).where(col(User.id).in_({alert.user_id for alert in alerts}))).all()
    )
    targets = session.exec(
        select(NotificationTarget)
        .where(
            col(NotificationTarget.organization_id) == alerts[0].organization_id,
            col(NotificationTarget.is_active).is_(True),
        )
        .order_by(col(NotificationTarget.name))
    ).all()
    return {alert.id: _of(alert, owners.get(alert.user_id), targets) for alert in alerts}


def _of(alert: Alert, owner: str | None, targets: Sequence[NotificationTarget]) -> tuple[Recipient, ...]:
    found: list[Recipient] = []
    if alert.notify_email and owner:
        found.append(Recipient(channel=NotificationChannel.EMAIL, target=owner, name=owner))
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
