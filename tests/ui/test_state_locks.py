"""A page that is left while it loads must not leave the state's lock behind."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis.asyncio
from reflex.istate.manager.redis import StateManagerRedis
from reflex.istate.manager.token import BaseStateToken
from reflex.state import State

from guardian.config import settings
from guardian.errors import ConfigurationError
from guardian.ui.state_locks import give_back_cancelled_locks
from tests.ui.conftest import run_async

TOKEN = BaseStateToken(ident="some-tab", cls=State)
KEY = StateManagerRedis._lock_key(TOKEN)


@asynccontextmanager
async def _manager() -> AsyncIterator[StateManagerRedis]:
    give_back_cancelled_locks()
    give_back_cancelled_locks()  # again changes nothing
    manager = StateManagerRedis(redis=redis.asyncio.Redis.from_url(settings().require_redis_url()))
    try:
        yield manager
    finally:
        await manager.close()


async def _cancelled_at(moment: int, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
    """Whether it was cancelled before its end; `moment` counts the steps of the event loop until then."""
    task = asyncio.create_task(work())
    for _ in range(moment):
        await asyncio.sleep(0)
    # Later ones are of no use: the rest is spent waiting for Redis.
    await asyncio.sleep(0.00002 * (moment % 40))
    task.cancel()
    return isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)


@pytest.mark.usefixtures("environment")
def test_who_is_cancelled_leaves_no_lock() -> None:
    async def leave_at_every_moment() -> set[bool]:
        async with _manager() as manager:

            async def load() -> None:
                async with manager._lock(TOKEN):
                    await asyncio.sleep(0)

            seen: set[bool] = set()
            for moment in range(160):
                seen.add(await _cancelled_at(moment, load))
                assert await manager.redis.get(KEY) is None, f"left at moment {moment}"
            return seen

    # Both must have happened, or the moments were badly chosen.
    assert run_async(leave_at_every_moment()) == {True, False}


@pytest.mark.usefixtures("environment")
def test_a_lock_that_somebody_else_has_is_left_alone() -> None:
    async def give_up_waiting() -> tuple[bool, bytes | None]:
        async with _manager() as manager:
            await manager.redis.set(KEY, b"theirs")

            async def load() -> None:
                async with manager._lock(TOKEN):
                    raise AssertionError

            cancelled = await _cancelled_at(500, load)
            return cancelled, await manager.redis.get(KEY)

    assert run_async(give_up_waiting()) == (True, b"theirs")


@pytest.mark.usefixtures("environment")
def test_one_at_a_time() -> None:
    async def both() -> list[str]:
        async with _manager() as manager:
            said: list[str] = []

            async def work(name: str) -> None:
                async with manager._lock(TOKEN):
                    said.append(f"{name} begins")
                    await asyncio.sleep(0.05)
                    said.append(f"{name} ends")

            await asyncio.gather(work("one"), work("two"), work("three"))
            return said

    said = run_async(both())
    assert [word.split()[1] for word in said] == ["begins", "ends"] * 3
    assert {said[i].split()[0] == said[i + 1].split()[0] for i in (0, 2, 4)} == {True}


def test_another_manager_is_not_patched_blindly() -> None:
    with pytest.raises(ConfigurationError, match=r"adapt state_locks\.py"):
        give_back_cancelled_locks(object())
