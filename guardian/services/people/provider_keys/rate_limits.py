"""What providers say of the rate limits of a key: kept in Redis by gateways, newest first out, for pages and alerts.

It can be lost: the next answers bring it again.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec
import structlog
from redis.exceptions import RedisError

from guardian.queue import connection
from guardian.services.people.views import RateLimits

KEPT_SECONDS = 7 * 86_400  # after the last observation of a key
MOST_MODELS = 50  # of one key; beyond that the oldest go

log = structlog.get_logger(__name__)
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(RateLimits)


def place_of(key_id: str) -> str:
    """The Redis hash of a key's limits: one field a model."""
    return f"key-limits:{key_id}"


def packed(limits: RateLimits) -> bytes:
    """The value of a field."""
    return _encoder.encode(limits)


def unpacked(fields: Mapping[bytes, bytes]) -> tuple[RateLimits, ...]:
    """Newest first; what another version wrote and this one cannot read is left out."""
    found: list[RateLimits] = []
    for value in fields.values():
        try:
            found.append(_decoder.decode(value))
        except msgspec.MsgspecError:
            log.warning("limits.unreadable")
    return tuple(sorted(found, key=lambda each: each.observed_at, reverse=True))


def rate_limits_of(key_ids: Sequence[str]) -> Mapping[str, tuple[RateLimits, ...]]:
    """By key; nothing of a key that no answer has told of, and of all while Redis is away.

    It takes ids that the caller has read within an actor's organization.
    """
    if not key_ids:
        return {}
    try:
        with connection().pipeline(transaction=False) as pipe:
            for key_id in key_ids:
                pipe.hgetall(place_of(key_id))
            answers = cast("list[dict[bytes, bytes]]", pipe.execute())
    except RedisError as error:
        log.warning("limits.unreachable", error=str(error))
        return {}
    return {key_id: unpacked(fields) for key_id, fields in zip(key_ids, answers, strict=True) if fields}
