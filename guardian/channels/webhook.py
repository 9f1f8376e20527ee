"""Webhook: a notice as JSON, signed as Standard Webhooks says, so that a receiver can believe it and tell it apart."""

from collections.abc import Mapping
from typing import Any

import msgspec

from guardian.channels import signing
from guardian.channels.base import Sent
from guardian.channels.notice import Notice
from guardian.channels.posting import post
from guardian.periods import rfc3339, utcnow


def send(config: Mapping[str, Any], notice: Notice, *, message_id: str) -> Sent:
    """Post it, signed with every secret of `config["secrets"]`. Raises ChannelError."""
    content = msgspec.json.encode(payload(notice))
    headers = signing.headers(config["secrets"], message_id, utcnow(), content)
    return post(config["url"], content, who="The webhook", reference=message_id, headers=headers)


def payload(notice: Notice) -> dict[str, Any]:
    """{type, timestamp, data}: the type tells what `data`, a notice, is about: alert.firing, alert.recovered, test."""
    kind = f"alert.{notice.state.value}" if notice.kind == "alert" else notice.kind
    return {"type": kind, "timestamp": rfc3339(notice.occurred_at), "data": notice.to_json()}
