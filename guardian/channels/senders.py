"""Which sender serves which kind of channel; e-mail is no sender here, since it waits in a log of its own."""

from collections.abc import Callable, Mapping
from typing import Any

from guardian.channels import discord, pagerduty, slack, teams, webhook
from guardian.channels.base import Sent
from guardian.channels.notice import Notice
from guardian.models.enums import NotificationChannel

Sender = Callable[..., Sent]

_SENDERS: Mapping[NotificationChannel, Sender] = {
    NotificationChannel.SLACK: slack.send,
    NotificationChannel.WEBHOOK: webhook.send,
    NotificationChannel.DISCORD: discord.send,
    NotificationChannel.TEAMS: teams.send,
    NotificationChannel.PAGERDUTY: pagerduty.send,
}


def send(channel: NotificationChannel, config: Mapping[str, Any], notice: Notice, *, message_id: str) -> Sent:
    """Send a notice once. `message_id` stays the same when it is sent again. Raises ChannelError."""
    return _SENDERS[channel](config, notice, message_id=message_id)
