"""Line: scripts sent to Redis over one connection; calls that come at the same time share one round trip."""

import asyncio
import hashlib
import time
from typing import Any, NamedTuple, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

TIMEOUT_SECONDS = 1.0
# While Redis is known to be away it is asked again once in so long, and every other call goes on without waiting.
PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class _Sent(NamedTuple):
    script: str
    arguments: tuple[str | int, ...]
    answer: "asyncio.Future[Any]"


class Line:
    """Runs scripts. They must be harmless when repeated: a lost connection is tried once more."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._queue: list[_Sent] = []
        self._sending: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._digests: dict[str, str] = {}

    async def close(self) -> None:
        if self._sending is not None:
            await asyncio.gather(self._sending, return_exceptions=True)
        await self._redis.aclose()

    async def run(self, script: str, keys: list[str], *arguments: str | int) -> Any:
        """What the script answers. Raises RedisError, at once while Redis is known to be away."""
        if time.monotonic() < self._away_until:
            raise RedisConnectionError("Redis was away a moment ago.")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.append(_Sent(script, (len(keys), *keys, *arguments), answer))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())
        return await answer

    async def _send(self) -> None:
        while self._queue:
            batch, self._queue = self._queue, []
            try:
                results: list[Any] = await self._execute(batch)
            except (RedisError, OSError) as error:
                self._away_until = time.monotonic() + PAUSE_SECONDS
                log.warning("holds.redis_unreachable", error=str(error))
                results = [RedisConnectionError(str(error)) for _ in batch]
            for sent, result in zip(batch, results, strict=True):
                if sent.answer.done():
                    continue
                if isinstance(result, BaseException):
                    sent.answer.set_exception(result)
                else:
                    sent.answer.set_result(result)

    async def _execute(self, batch: list[_Sent]) -> list[Any]:
        try:
            results = await self._pipeline(batch)
        except RedisConnectionError:
            # A connection that was idle while Redis restarted is only noticed when it is used.
            results = await self._pipeline(batch)
        unknown = [at for at, result in enumerate(results) if isinstance(result, NoScriptError)]
        if unknown:
            for script in {batch[at].script for at in unknown}:
                self._digests[script] = cast("str", await self._redis.script_load(script))
            again = await self._pipeline([batch[at] for at in unknown])
            for at, result in zip(unknown, again, strict=True):
                results[at] = result
        return results

    async def _pipeline(self, batch: list[_Sent]) -> list[Any]:
        pipe = self._redis.pipeline(transaction=False)
        for sent in batch:
            pipe.execute_command("EVALSHA", self._digest(sent.script), *sent.arguments)
        return await pipe.execute(raise_on_error=False)

    def _digest(self, script: str) -> str:
        if script not in self._digests:
            self._digests[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        return self._digests[script]
