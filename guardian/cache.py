"""CacheService: the guide's keys, cache-aside, hit ratio. Redis can lose all of it; the database has the truth."""

import json
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any, TypeVar, cast

import structlog
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError, WatchError

from guardian.queue import connection

DEFAULT_TTL = 300  # seconds, the guide's
MOST_BYTES = 256_000  # of one value; a larger one is not worth what it takes of a Redis that must not evict
_HITS, _MISSES = "cache:hits", "cache:misses"
_INDEX, _GENERATION = "cache-index:", "cache-generation:"
_FLIGHT = "cache-flight:"
_FLIGHT_SECONDS = 5.0  # what takes longer is fetched by each who asks
_LAND = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
_OWNER_TTL = 86_400  # seconds; longer than any entry lives or any fetcher runs

log = structlog.get_logger(__name__)
T = TypeVar("T")


class CacheKeys:
    """The guide's key patterns. The part after the first colon names whose data it is."""

    @staticmethod
    def user_usage(user_id: str) -> str:
        return f"usage:{user_id}"

    @staticmethod
    def organization_usage(organization_id: str) -> str:
        return f"org-usage:{organization_id}"

    @staticmethod
    def provider_status(provider: str) -> str:
        return f"provider:{provider}:status"

    @staticmethod
    def pricing(provider: str) -> str:
        return f"pricing:{provider}"

    @staticmethod
    def user_dashboard(user_id: str) -> str:
        return f"dashboard:{user_id}"


class CacheService:
    """Cache-aside over Redis; a cache that cannot be reached is a miss, never an error.

    Values are JSON; a Decimal travels as {"$": "1.23"} and comes back as a Decimal. Each key is also put in the index
    of its owner, by the time it expires, so that an owner's keys are dropped without KEYS or SCAN.
    """

    keys = CacheKeys

    def __init__(self, redis: Redis | None = None) -> None:
        self._redis = redis or connection()

    def get_user_usage(self, user_id: str) -> Any | None:
        return self.get(self.keys.user_usage(user_id))

    def set_user_usage(self, user_id: str, data: Any, ttl: int = DEFAULT_TTL) -> None:
        self.set(self.keys.user_usage(user_id), data, ttl, owner=user_id)

    def get(self, key: str) -> Any | None:
        try:
            return self._look_up(key)
        except RedisError as error:
            log.warning("cache.unreachable", error=str(error))
            return None

    def set(self, key: str, data: Any, ttl: int = DEFAULT_TTL, *, owner: str) -> None:
        try:
            with self._redis.pipeline() as pipe:
                self._write(pipe, key, data, ttl, owner, MOST_BYTES)
        except RedisError as error:
            log.warning("cache.unreachable", error=str(error))

    def get_or_set(
        self, key: str, fetcher: Callable[[], T], ttl: int = DEFAULT_TTL, *, owner: str, most_bytes: int = MOST_BYTES
    ) -> T:
        """The cached value, else `fetcher`'s, which is then cached unless its JSON has more than `most_bytes`.

        What `fetcher` read before an invalidation is not cached after it: it would be stale for the whole `ttl`. Of
        many who miss the same key at once, on whatever machine, one fetches; the others wait for it, some seconds at
        most.
        """
        try:
            cached = self._look_up(key)
            generation = cast("bytes | None", self._redis.get(_GENERATION + owner)) if cached is None else None
        except RedisError as error:
            log.warning("cache.unreachable", error=str(error))
            return fetcher()
        if cached is not None:
            return cast("T", cached)
        with self._flight(key) as first:
            # Who was first before may have come to an end since the look-up.
            found = self._landed(key) if first else self._awaited(key)
            if found is not None:
                return cast("T", found)
            return self._fetched(key, fetcher, ttl, owner, most_bytes, generation)

    @contextmanager
    def _flight(self, key: str) -> Generator[bool]:
        """Whether this is the first one who misses the key; until the block ends, nobody else is."""
        name, mine = _FLIGHT + key, secrets.token_bytes(8)
        try:
            first = bool(self._redis.set(name, mine, nx=True, px=int(_FLIGHT_SECONDS * 1000)))
        except RedisError:
            first = True
        try:
            yield first
        finally:
            if first:
                with suppress(RedisError):
                    self._redis.eval(_LAND, 1, name, mine)

    def _landed(self, key: str) -> Any | None:
        """What is there by now."""
        with suppress(RedisError):
            cached = cast("bytes | None", self._redis.get(key))
            return None if cached is None else json.loads(cached, object_hook=_decode)
        return None

    def _awaited(self, key: str) -> Any | None:
        """What somebody else is fetching, once it is there; None where they did not come to an end, or not in time."""
        until, pause = time.monotonic() + _FLIGHT_SECONDS, 0.005
        with suppress(RedisError):
            while time.monotonic() < until:
                time.sleep(pause)
                pause = min(pause * 2, 0.1)
                cached, flying = cast("list[bytes | None]", self._redis.mget(key, _FLIGHT + key))
                if cached is not None:
                    return json.loads(cached, object_hook=_decode)
                if flying is None:
                    return None
        return None

    def _fetched(
        self, key: str, fetcher: Callable[[], T], ttl: int, owner: str, most_bytes: int, generation: bytes | None
    ) -> T:
        data = fetcher()
        try:
            with self._redis.pipeline() as pipe:
                pipe.watch(_GENERATION + owner)
                if pipe.get(_GENERATION + owner) == generation:
                    pipe.multi()
                    self._write(pipe, key, data, ttl, owner, most_bytes)
        except WatchError:
            log.debug("cache.invalidated_meanwhile", key=key)
        except RedisError as error:
            log.warning("cache.unreachable", error=str(error))
        return data

    def invalidate(self, owner: str) -> None:
        """Drop everything cached for one user or organization."""
        try:
            with self._redis.pipeline() as pipe:
                pipe.incr(_GENERATION + owner)
                pipe.expire(_GENERATION + owner, _OWNER_TTL)
                pipe.zrange(_INDEX + owner, 0, -1)
                keys = cast("list[bytes]", pipe.execute()[2])
                if keys:
                    # Only what was seen: an entry written since then stays known, to be dropped next time.
                    pipe.zrem(_INDEX + owner, *keys)
                    pipe.delete(*keys)
                    pipe.execute()
        except RedisError as error:
            log.warning("cache.unreachable", error=str(error))

    def hit_ratio(self) -> float | None:
        """Hits ÷ look-ups since the counters began; None before the first look-up."""
        hits, misses = self.counts()
        return hits / (hits + misses) if hits + misses else None

    def counts(self) -> tuple[int, int]:
        """Hits and misses since the counters began. Raises RedisError."""
        hits, misses = (int(n or 0) for n in cast("list[bytes | None]", self._redis.mget(_HITS, _MISSES)))
        return hits, misses

    def _look_up(self, key: str) -> Any | None:
        cached = cast("bytes | None", self._redis.get(key))
        self._redis.incr(_MISSES if cached is None else _HITS)
        return None if cached is None else json.loads(cached, object_hook=_decode)

    def _write(self, pipe: Pipeline, key: str, data: Any, ttl: int, owner: str, most_bytes: int) -> None:
        text = json.dumps(data, default=_encode)
        if len(text) > most_bytes:
            return
        now = time.time()
        pipe.setex(key, ttl, text)
        pipe.zadd(_INDEX + owner, {key: now + ttl})
        pipe.zremrangebyscore(_INDEX + owner, "-inf", now)
        pipe.expire(_INDEX + owner, _OWNER_TTL)
        pipe.execute()


def _encode(value: object) -> Any:
    if isinstance(value, Decimal):
        return {"$": str(value)}
    raise TypeError(f"{type(value).__name__} cannot be cached")


def _decode(value: dict[str, Any]) -> Any:
    return Decimal(value["$"]) if value.keys() == {"$"} else value
