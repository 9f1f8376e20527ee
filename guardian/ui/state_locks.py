"""Locks of page states that survive being cancelled.

Reflex cancels the load of a page that was left. One that is just being given the state's lock in Redis, or is just
giving it back, is cut off in the middle: the lock stays for 10 s, and the tab's next page hangs that long (one of eight
pages opened in a hurry did). Here a question about a lock is always waited for, and what was taken is given back.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncGenerator, Awaitable
from typing import Any, TypeVar

from reflex.istate.manager.redis import StateManagerRedis

from guardian.errors import ConfigurationError

T = TypeVar("T")

_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
_NEEDED = ("_lock", "_try_get_lock", "_wait_lock", "_lock_key", "_notify_next_waiter")


def give_back_cancelled_locks(manager: Any = StateManagerRedis) -> None:
    """Mend Reflex's manager, once. Raises ConfigurationError when a new version of it looks different."""
    if any(not hasattr(manager, name) for name in _NEEDED):
        raise ConfigurationError("This version of Reflex locks its states in another way: adapt state_locks.py.")
    if manager._lock is _lock:
        return
    take = manager._try_get_lock

    async def take_whole(self: Any, lock_key: bytes, lock_id: bytes) -> bool | None:
        return await _whole(take(self, lock_key, lock_id))

    manager._try_get_lock, manager._lock = take_whole, _lock


@contextlib.asynccontextmanager
async def _lock(self: Any, token: Any, event_name: str | None = None) -> AsyncGenerator[bytes]:
    """In place of the manager's own: the state's lock, whose id is needed to write, and which is always given back."""
    lock_key, lock_id = self._lock_key(token), f"{event_name or ''}:{uuid.uuid4().hex}".encode()
    try:
        await self._wait_lock(lock_key, lock_id)
        yield lock_id
    finally:
        await _whole(self.redis.eval(_RELEASE, 1, lock_key, lock_id))
        # A waiter that came after the release was announced would wait for nothing.
        self._notify_next_waiter(lock_key)


async def _whole(question: Awaitable[T]) -> T:
    """The answer; who is cancelled in between still waits for it, and goes then."""
    asked = asyncio.ensure_future(question)
    try:
        return await asyncio.shield(asked)
    except asyncio.CancelledError:
        await asyncio.wait([asked])
        raise
