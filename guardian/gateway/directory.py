"""Who may call and what goes out for them, held in memory: read from PostgreSQL in threads, never older than 5 s.

What is known stays valid while PostgreSQL is away, up to a token's own expiry: calls go on, and are written down later.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from guardian import db
from guardian.crypto import hash_token
from guardian.errors import AuthenticationError, UnavailableError
from guardian.gateway.belongings import Belongings, load_belongings
from guardian.live import GATEWAY_CHANGED
from guardian.periods import utcnow
from guardian.services.guard.budgets import HardBudget
from guardian.services.people.access.callers import Caller, callers_of, note_use

FRESH_SECONDS = 5.0
_REFRESH_SECONDS = 2.0
_IDLE_SECONDS = 60.0  # what nobody asked for this long is not kept fresh
_NOTE_SECONDS = 30.0
_MOST_UNKNOWN = 10_000  # hashes of wrong tokens that are remembered; past that all are forgotten
_AWAY = (UnavailableError, SQLAlchemyError, OSError)  # the first is what db.session makes of a database that is away
_REFUSED = "This access token is unknown, revoked or expired. Make a new one in the settings of AI Cost Guardian."

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Known:
    """`value` None: there is none. Times are of the monotonic clock."""

    value: object
    read_at: float
    asked_at: float


@dataclass(slots=True)
class _Shelf:
    """Values by key, each read by one loader for many keys at once.

    `doubted` is when something last changed. `away`: the last reading failed, which takes seconds where the database
    hangs; nobody waits for another while the refresh tries on.
    """

    load: Callable[[list[str]], Mapping[str, object]]
    known: dict[str, _Known] = field(default_factory=dict[str, _Known])
    reading: dict[str, asyncio.Future[None]] = field(default_factory=dict[str, "asyncio.Future[None]"])
    doubted: float = -math.inf
    away: bool = False

    async def get(self, key: str) -> object:
        """The value, read again when it is no longer fresh. Raises one of _AWAY when it was never read."""
        now = time.monotonic()
        found = self.known.get(key)
        if found is None or (now - found.read_at > FRESH_SECONDS and not (self.away and found.value is not None)):
            try:
                await self._read(key)
            except _AWAY:
                if found is None or found.value is None:
                    raise
            found = self.known.get(key) or _Known(None, now, now)
        found.asked_at = now
        return found.value

    async def _read(self, key: str) -> None:
        """One reading at a time for each key, whoever waits for it."""
        if (running := self.reading.get(key)) is not None:
            await asyncio.shield(running)
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.reading[key] = done
        try:
            await self.refresh([key])
        except BaseException as error:
            done.set_exception(error)
            done.exception()  # the waiters raise it; without any it must not be reported as never retrieved
            raise
        else:
            done.set_result(None)
        finally:
            if self.reading.get(key) is done:
                del self.reading[key]

    async def refresh(self, keys: list[str]) -> None:
        started = time.monotonic()
        try:
            found = await asyncio.to_thread(self.load, keys)
        except _AWAY:
            self.away = True
            raise
        self.away = False
        if len(self.known) > _MOST_UNKNOWN:
            self.known = {key: known for key, known in self.known.items() if known.value is not None}
        # What was read while it changed is for those who asked before that, and read again for the next.
        read_at = started if self.doubted < started else -math.inf
        for key in keys:
            before = self.known.get(key)
            if before is None or before.read_at < started:
                self.known[key] = _Known(found.get(key), read_at, before.asked_at if before else started)

    def forget(self, keys: Iterable[str]) -> None:
        """These changed: whoever asks from now on waits for a reading that begins from now on."""
        self.doubted = time.monotonic()
        self.reading.clear()
        for key in keys:
            self.known.pop(key, None)

    def stale(self) -> list[str]:
        """Keys in use that should be read again before anybody has to wait for it; forgets those out of use."""
        now = time.monotonic()
        for key in [key for key, known in self.known.items() if now - known.asked_at > _IDLE_SECONDS]:
            del self.known[key]
        return [key for key, known in self.known.items() if known.value is not None]


class Directory:
    """Callers by their token, and the belongings of their organizations."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._callers = _Shelf(_load_callers)
        self._belongings = _Shelf(load_belongings)
        self._hashes: dict[str, str] = {}
        self._used: dict[str, datetime] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Keep what is known fresh, hear of changes, and write down which tokens are used."""
        self._tasks = [asyncio.create_task(work()) for work in (self._keep_fresh, self._listen, self._note_uses)]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._write_uses()

    async def caller(self, secret: str) -> Caller:
        """Who holds this token. Raises AuthenticationError, and one of _AWAY when it cannot be looked up now."""
        hashed = self._hashes.get(secret)
        if hashed is None:
            hashed = hash_token(secret)
        found = await self._callers.get(hashed)
        if not isinstance(found, Caller):
            raise AuthenticationError(_REFUSED)
        now = utcnow()
        if found.expires_at is not None and found.expires_at <= now:
            raise AuthenticationError(_REFUSED)
        if len(self._hashes) > _MOST_UNKNOWN:
            self._hashes.clear()
        self._hashes[secret] = hashed
        self._used[found.token_id] = now
        return found

    async def belongings(self, organization_id: str) -> Belongings:
        """Raises one of _AWAY when they cannot be looked up now."""
        found = await self._belongings.get(organization_id)
        return found if isinstance(found, Belongings) else Belongings({}, {})

    async def budgets(self, organization_id: str) -> Sequence[HardBudget]:
        """Raises one of _AWAY when they cannot be looked up now."""
        return (await self.belongings(organization_id)).budgets

    def forget(self, organization_id: str) -> None:
        """Something of this organization changed: it is read again when it is next asked for."""
        self._belongings.forget([organization_id])
        self._callers.forget(
            [
                key
                for key, known in self._callers.known.items()
                if isinstance(known.value, Caller) and known.value.organization_id == organization_id
            ]
        )

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            for shelf in (self._callers, self._belongings):
                if keys := shelf.stale():
                    try:
                        await shelf.refresh(keys)
                    except _AWAY as error:
                        log.warning("gateway.not_refreshed", error=str(error).partition("\n")[0])

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (RedisError, OSError) as error:
                log.warning("gateway.not_listening", error=str(error))
            # Whatever was said meanwhile was not heard; the refresh brings it within its interval.
            await asyncio.sleep(1)

    async def _hear(self) -> None:
        redis = Redis.from_url(self._redis_url, socket_connect_timeout=5, health_check_interval=15)
        async with redis, redis.pubsub() as listener:
            await listener.subscribe(GATEWAY_CHANGED)
            messages = cast("AsyncIterator[dict[str, Any]]", listener.listen())
            async for message in messages:
                if message["type"] == "message":
                    self.forget(message["data"].decode())

    async def _note_uses(self) -> None:
        while True:
            await asyncio.sleep(_NOTE_SECONDS)
            await self._write_uses()

    async def _write_uses(self) -> None:
        used, self._used = self._used, {}
        if used:
            with contextlib.suppress(*_AWAY):
                await asyncio.to_thread(_note, used)


def _load_callers(hashes: list[str]) -> Mapping[str, object]:
    with db.session() as session:
        return callers_of(session, hashes)


def _note(used: dict[str, datetime]) -> None:
    with db.session() as session:
        note_use(session, used)
