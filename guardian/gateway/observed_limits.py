"""Rate limits as answers tell them, of each key and model the newest: noted with each call, written down behind it."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from guardian.gateway.http.answer import Answer
from guardian.gateway.http.headers import Header
from guardian.gateway.limit_headers import limits_in
from guardian.services.people.provider_keys.rate_limits import KEPT_SECONDS, MOST_MODELS, packed, place_of, unpacked

WRITE_SECONDS = 10.0
_TIMEOUT_SECONDS = 2.0
_MOST = 1_000  # keys and models between two writings; a caller may name models without end
_LONGEST_MODEL = 200

log = structlog.get_logger(__name__)


class _Seen(NamedTuple):
    status: int
    headers: list[Header]
    at: float


class ObservedLimits:
    """A call costs one entry in a dictionary; headers are read when they are written, a few times a minute."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._newest: dict[tuple[str, str], _Seen] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_writing())

    async def close(self) -> None:
        """Write the rest."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.write()
        await self._redis.aclose()

    def note(self, key_id: str, model: str, answer: Answer) -> None:
        """An answer to this key has come."""
        place = (key_id, model)
        if len(self._newest) < _MOST or place in self._newest:
            self._newest[place] = _Seen(answer.status, answer.headers, time.time())

    async def write(self) -> None:
        """Put what was noted where pages and alerts read it; what cannot be written is told by later answers."""
        noted, self._newest = self._newest, {}
        fields: dict[str, dict[str, bytes]] = {}
        for (key_id, name), seen in noted.items():
            model = name[:_LONGEST_MODEL]
            found = limits_in(seen.headers, seen.status, model, datetime.fromtimestamp(seen.at, UTC))
            if found is not None:
                fields.setdefault(place_of(key_id), {})[model] = packed(found)
        if not fields:
            return
        try:
            for place, values in fields.items():
                await self._store(place, values)
        except (RedisError, OSError) as error:
            log.warning("gateway.limits_not_written", error=str(error))

    async def _store(self, place: str, values: dict[str, bytes]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(place, mapping=dict(values))
            pipe.expire(place, KEPT_SECONDS)
            pipe.hgetall(place)
            kept = (await pipe.execute())[-1]
        if len(kept) > MOST_MODELS:
            oldest = [each.model for each in unpacked(kept)[MOST_MODELS:]]
            await self._redis.hdel(place, *oldest)  # pyright: ignore[reportGeneralTypeIssues]  # typed as of both clients

    async def _keep_writing(self) -> None:
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            with contextlib.suppress(RedisError, OSError):
                await self.write()
