"""Rate limits: sliding windows per key in Redis, counted atomically; one process's memory when Redis is away.

A window slides as the `limits` package has it: what was counted in the window before counts by the share of it that
still lies within the last `seconds`. https://limits.readthedocs.io/en/stable/strategies.html#sliding-window-counter
"""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, cast

import structlog
from limits.storage import RedisStorage
from redis import Redis
from redis.exceptions import NoScriptError, RedisError

from guardian.errors import RateLimitError
from guardian.queue import connection

PAUSE_SECONDS = 5.0

log = structlog.get_logger(__name__)

# The package's own two scripts, run by one for all limits of a call: three limits take this process 54 µs; as two
# commands for each they take 73, and in a second trip for the last of them 114.
_TAKE = f"""
local function acquire(KEYS, ARGV)
{RedisStorage.SCRIPT_ACQUIRE_SLIDING_WINDOW.decode()}
end
local function read(KEYS, ARGV)
{RedisStorage.SCRIPT_SLIDING_WINDOW.decode()}
end
local told = {{}}
for n = 1, #KEYS / 2 do
    local keys, count, seconds = {{KEYS[2 * n - 1], KEYS[2 * n]}}, ARGV[2 * n - 1], ARGV[2 * n]
    local allowed = acquire(keys, {{count, seconds, '1'}})
    told[n] = {{allowed and 1 or 0, read(keys, {{seconds}})}}
end
return told
"""
_TAKE_SHA = hashlib.sha1(_TAKE.encode(), usedforsecurity=False).hexdigest()  # how Redis calls it
# DECR alone would make a counter without an end of a window that has just ended.
_GIVE_BACK = "if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end return {}"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` calls in `seconds`, per key."""

    name: str
    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a key stands after a call: `remaining` more are allowed now, and `reset` seconds from now more are.

    A call that is not `allowed` was not counted.
    """

    limit: Limit
    remaining: int
    reset: int
    allowed: bool = True


def _standing(limit: Limit, allowed: bool, before: int, before_left: float, now: int, now_left: float) -> Standing:
    """From the calls of the window before and of this one, and the seconds until either has no weight or slides."""
    weighted = int(before * before_left / limit.seconds) + now
    remaining = max(0, limit.count - weighted)
    if allowed:
        return Standing(limit, remaining, max(1, ceil(now_left if now else before_left)))
    if now < limit.count and before:
        wait = min(before_left, (weighted + 1 - limit.count) * limit.seconds / before)
    else:  # what is counted now starts to weigh less once its window is the one before
        wait = now_left + limit.seconds / max(1, now)
    return Standing(limit, 0, max(1, ceil(wait)), allowed=False)


class _Memory:
    """The same count in this process, so that a stopped Redis does not open the door to password guessing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Key → when this window ends, calls of the one before, calls of this one.
        self._windows: dict[str, tuple[float, int, int]] = {}

    def take(self, limit: Limit, key: str) -> Standing:
        moment, seconds = time.monotonic(), limit.seconds
        with self._lock:
            if len(self._windows) > 10_000:
                self._windows = {k: w for k, w in self._windows.items() if w[0] + seconds > moment}
            ends, before, now = self._windows.get(key) or (moment + seconds, 0, 0)
            if ends <= moment:
                slid = moment < ends + seconds
                ends, before, now = (ends + seconds if slid else moment + seconds), (now if slid else 0), 0
            left = ends - moment
            allowed = int(before * left / seconds) + now < limit.count
            now += allowed
            self._windows[key] = (ends, before, now)
        return _standing(limit, allowed, before, left, now, left)

    def forget(self, key: str) -> None:
        with self._lock:
            self._windows.pop(key, None)

    def give_back(self, key: str) -> None:
        with self._lock:
            if key in self._windows:
                ends, before, now = self._windows[key]
                self._windows[key] = (ends, before, max(0, now - 1))


_memory = _Memory()


class _Patience:
    """A stopped Redis costs some 3 s of retries for each call; while it is known to be away, it is asked every 5 s."""

    def __init__(self) -> None:
        self.until = 0.0

    @property
    def is_waiting(self) -> bool:
        return time.monotonic() < self.until

    def wait(self, error: RedisError) -> None:
        self.until = time.monotonic() + PAUSE_SECONDS
        log.warning("limits.redis_unreachable", error=str(error))


_patience = _Patience()


def _name(limit: Limit, key: str) -> str:
    return f"{limit.name}:{key}"


def _keys(limit: Limit, key: str) -> tuple[str, str]:
    """Where Redis has the window before and this one, as the package names them."""
    now = f"limit:{{{_name(limit, key)}}}"
    return f"{now}/-1", now


def take(*counted: tuple[Limit, str]) -> tuple[Standing, ...]:
    """Count one call under each of these limits and keys, in one trip to Redis; how each stands then."""
    if _patience.is_waiting:
        return tuple(_memory.take(limit, _name(limit, key)) for limit, key in counted)
    try:
        told = _ask(counted)
    except RedisError as error:
        _patience.wait(error)
        return tuple(_memory.take(limit, _name(limit, key)) for limit, key in counted)
    found: list[Standing] = []
    for (limit, _key), (allowed, (before, before_left, now, now_left)) in zip(counted, told, strict=True):
        seconds = max(0, int(now_left or 0)) / 1000 - limit.seconds
        found.append(
            _standing(
                limit, bool(allowed), int(before or 0), max(0, int(before_left or 0)) / 1000, int(now or 0), seconds
            )
        )
    return tuple(found)


def _ask(counted: Sequence[tuple[Limit, str]]) -> list[Any]:
    """For each: whether it is allowed, and its two windows."""
    keys = [name for limit, key in counted for name in _keys(limit, key)]
    bounds = [bound for limit, _ in counted for bound in (limit.count, limit.seconds)]
    redis = connection()
    try:
        return cast("list[Any]", redis.evalsha(_TAKE_SHA, len(keys), *keys, *bounds))
    except NoScriptError:  # Redis was started since
        return cast("list[Any]", redis.eval(_TAKE, len(keys), *keys, *bounds))


def refuse(*standings: Standing) -> None:
    """Raises RateLimitError, with the seconds after which there is room, when one of them is not allowed."""
    waits = [standing.reset for standing in standings if not standing.allowed]
    if waits:
        raise RateLimitError(max(waits))


def hit(limit: Limit, key: str) -> Standing:
    """Count one call. Raises RateLimitError, with the seconds after which there is room, when it is one too many."""
    (standing,) = take((limit, key))
    refuse(standing)
    return standing


def take_here(limit: Limit, key: str) -> Standing:
    """As `take`, counted by this process alone: for calls that cost less than asking Redis."""
    return _memory.take(limit, _name(limit, key))


def forget(limit: Limit, key: str) -> None:
    """Start the window anew, as after a successful sign-in."""
    _memory.forget(_name(limit, key))
    _tell(lambda redis: redis.delete(*_keys(limit, key)))


def give_back(limit: Limit, key: str) -> None:
    """Take one counted call back, so that an honest success does not use up what many share, such as an address."""
    if not _tell(lambda redis: redis.eval(_GIVE_BACK, 1, _keys(limit, key)[1])):
        _memory.give_back(_name(limit, key))


def _tell(do: Callable[[Redis], object]) -> bool:
    """Whether Redis was there to be told."""
    if _patience.is_waiting:
        return False
    try:
        do(connection())
    except RedisError as error:
        _patience.wait(error)
        return False
    return True
