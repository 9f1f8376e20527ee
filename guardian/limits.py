"""Rate limits: a fixed window per key in Redis, counted atomically; one process's memory when Redis is away."""

import threading
import time
from dataclasses import dataclass
from typing import cast

import structlog
from redis.exceptions import RedisError

from guardian.errors import RateLimitError
from guardian.queue import connection

PAUSE_SECONDS = 5.0

log = structlog.get_logger(__name__)

# INCR and EXPIRE in one step: a crash between the two would leave a counter that never expires.
_COUNT = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {n, redis.call('TTL', KEYS[1])}
"""
# DECR alone would make a counter without an end of a window that has just ended.
_GIVE_BACK = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DECR', KEYS[1]) end return {}"
_FORGET = "redis.call('DEL', KEYS[1]) return {}"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` calls in `seconds`, per key."""

    name: str
    count: int
    seconds: int


class _Memory:
    """The same count in this process, so that a stopped Redis does not open the door to password guessing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def count(self, key: str, seconds: int) -> tuple[int, int]:
        now = time.monotonic()
        with self._lock:
            if len(self._windows) > 10_000:
                self._windows = {k: w for k, w in self._windows.items() if w[0] > now}
            ends, n = self._windows.get(key, (now + seconds, 0))
            if ends <= now:
                ends, n = now + seconds, 0
            self._windows[key] = (ends, n + 1)
            return n + 1, max(1, int(ends - now))

    def forget(self, key: str) -> None:
        with self._lock:
            self._windows.pop(key, None)

    def give_back(self, key: str) -> None:
        with self._lock:
            if key in self._windows:
                ends, n = self._windows[key]
                self._windows[key] = (ends, max(0, n - 1))


_memory = _Memory()


class _Patience:
    """A stopped Redis costs some 3 s of retries for each call; while it is known to be away, it is asked every 5 s."""

    def __init__(self) -> None:
        self.until = 0.0

    def run(self, limit: Limit, script: str, key: str, *arguments: str) -> list[int] | None:
        """What the script gave, or None without Redis."""
        if time.monotonic() < self.until:
            return None
        try:
            return cast("list[int]", connection().eval(script, 1, key, *arguments))
        except RedisError as error:
            self.until = time.monotonic() + PAUSE_SECONDS
            log.warning("limits.redis_unreachable", limit=limit.name, error=str(error))
            return None


_patience = _Patience()


def hit(limit: Limit, key: str) -> None:
    """Count one call. Raises RateLimitError, with the seconds until the window ends, when it is one too many."""
    name = f"limit:{limit.name}:{key}"
    counted = _patience.run(limit, _COUNT, name, str(limit.seconds))
    n, left = counted or _memory.count(name, limit.seconds)
    if n > limit.count:
        raise RateLimitError(max(1, left))


def hit_here(limit: Limit, key: str) -> None:
    """As `hit`, counted by this process alone: for calls that cost less than asking Redis."""
    n, left = _memory.count(f"limit:{limit.name}:{key}", limit.seconds)
    if n > limit.count:
        raise RateLimitError(max(1, left))


def forget(limit: Limit, key: str) -> None:
    """Start the window anew, as after a successful sign-in."""
    name = f"limit:{limit.name}:{key}"
    _patience.run(limit, _FORGET, name)
    _memory.forget(name)


def give_back(limit: Limit, key: str) -> None:
    """Take one counted call back, so that an honest success does not use up what many share, such as an address."""
    name = f"limit:{limit.name}:{key}"
    if _patience.run(limit, _GIVE_BACK, name) is None:
        _memory.give_back(name)
