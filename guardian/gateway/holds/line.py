"""Line: scripts sent to Redis over one connection; calls that come at the same time share one round trip.

Not through redis-py's client and its pipeline, which take 75 µs of a core for one script, and 17 for each of 64 at the
same time: its connection alone, with commands packed here, takes 26 and 6.
"""

import asyncio
import hashlib
import time
from typing import Any, NamedTuple, cast

import structlog
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

TIMEOUT_SECONDS = 1.0
# While Redis is known to be away it is asked again once in so long, and every other call goes on without waiting.
PAUSE_SECONDS = 1.0
_STEP = 32  # answers

log = structlog.get_logger(__name__)


class _Sent(NamedTuple):
    script: str
    arguments: tuple[str | int, ...]
    answer: "asyncio.Future[Any]"


class Line:
    """Runs scripts. They must be harmless when repeated: a lost connection is tried once more."""

    def __init__(self, redis_url: str) -> None:
        pool = ConnectionPool.from_url(redis_url, retry=Retry(NoBackoff(), 0), decode_responses=True)
        self._connection = pool.make_connection()
        self._queue: list[_Sent] = []
        self._sending: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._digests: dict[str, str] = {}

    async def close(self) -> None:
        if self._sending is not None:
            await asyncio.gather(self._sending, return_exceptions=True)
        await self._connection.disconnect()

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
            results = await self._run(batch)
        except RedisConnectionError:
            # A connection that was idle while Redis restarted is only noticed when it is used.
            results = await self._run(batch)
        unknown = [at for at, result in enumerate(results) if isinstance(result, NoScriptError)]
        if unknown:
            scripts = {batch[at].script for at in unknown}
            await self._exchange([_packed("SCRIPT", "LOAD", script) for script in scripts])
            again = await self._run([batch[at] for at in unknown])
            for at, result in zip(unknown, again, strict=True):
                results[at] = result
        return results

    async def _run(self, batch: list[_Sent]) -> list[Any]:
        return await self._exchange([_packed("EVALSHA", self._digest(sent.script), *sent.arguments) for sent in batch])

    async def _exchange(self, commands: list[bytes]) -> list[Any]:
        """What Redis answers to each, which may be a ResponseError. Raises RedisError and OSError.

        The connection is made when it is needed, and closes itself when it fails. It is closed when Redis takes too
        long, too: an answer that comes after that must not be taken for the next command's.
        """
        connection = self._connection
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS) as limit:
                await connection.send_packed_command(commands, check_health=False)
                answers: list[Any] = []
                for _ in commands:
                    answers.append(await self._answer())
                    if not len(answers) % _STEP:
                        # Silence is what is waited for so long, not the end of a long batch.
                        limit.reschedule(asyncio.get_running_loop().time() + TIMEOUT_SECONDS)
                return answers
        except TimeoutError:
            await connection.disconnect(nowait=True)
            raise RedisTimeoutError(f"Redis did not answer within {TIMEOUT_SECONDS:g} s.") from None

    async def _answer(self) -> Any:
        try:
            return cast("Any", await self._connection.read_response())
        except ResponseError as error:
            return error

    def _digest(self, script: str) -> str:
        if script not in self._digests:
            self._digests[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        return self._digests[script]


def _packed(*words: str | int) -> bytes:
    """One command in Redis' protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/"""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)
