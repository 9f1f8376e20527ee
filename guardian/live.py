"""Live messages: a change is published once, and every web process hears it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import structlog
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from guardian.config import settings
from guardian.queue import connection

USAGE_UPDATE = "usage:update"
ALERT_TRIGGERED = "alert:triggered"
TEAM_UPDATE = "team:update"
JOB_UPDATE = "job:update"
REPORT_UPDATE = "report:update"
BILLING_UPDATE = "billing:update"

GATEWAY_CHANGED = "gateway:changed"
"""The channel on which gateways hear the id of an organization whose tokens, keys, prices, budgets, … changed."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """`scope` is "org" or "user", `id` whose; `data` holds ids and small facts, never a secret."""

    scope: str
    id: str
    event: str
    data: dict[str, Any]


def publish(scope: str, id: str, event: str, data: dict[str, Any] | None = None) -> None:
    """Tell every web process. A message that cannot be sent is logged and dropped: pages read the truth anyway."""
    try:
        connection().publish(f"live:{scope}:{id}", json.dumps({"event": event, "data": data or {}}))
    except RedisError as error:
        log.warning("live.publish_failed", scope=scope, id=id, event_name=event, error=str(error))


def tell_gateways(organization_id: str) -> None:
    """What gateways know of this organization is no longer true; without Redis they find out within seconds."""
    try:
        connection().publish(GATEWAY_CHANGED, organization_id)
    except RedisError as error:
        log.warning("live.gateways_not_told", organization=organization_id, error=str(error))


async def subscribe() -> AsyncIterator[LiveMessage]:
    """Every live message of the installation, from now on, until cancelled. Raises RedisError when Redis goes away."""
    redis = AsyncRedis.from_url(settings().require_redis_url(), socket_connect_timeout=5, health_check_interval=15)
    try:
        async with redis.pubsub() as listener:
            await listener.psubscribe("live:*")
            messages = cast("AsyncIterator[dict[str, Any]]", listener.listen())
            async for message in messages:
                if message["type"] != "pmessage":
                    continue
                channel: bytes = message["channel"]
                _, scope, id = channel.decode().split(":", 2)
                body: dict[str, Any] = json.loads(message["data"])
                yield LiveMessage(scope, id, body["event"], body["data"])
    finally:
        await redis.aclose()
