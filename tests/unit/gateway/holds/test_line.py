"""The line to Redis: answers belong to their scripts, whatever becomes of the connection in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import redis
import redis.asyncio
from redis.exceptions import RedisError, ResponseError

from guardian.gateway.holds import line as lines
from guardian.gateway.holds.line import Line
from tests.conftest import Servers

ECHO = "return {KEYS[1], ARGV[1], #ARGV}"
WRONG = "return redis.call('INCR', KEYS[1], 'too', 'many')"


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    line = Line(url)
    try:
        yield line
    finally:
        await line.close()


async def echoed(line: Line, word: str) -> list[Any]:
    return cast("list[Any]", await line.run(ECHO, ["key"], word, 7))


def test_each_gets_its_own_answer(environment: Servers) -> None:
    async def work() -> None:
        async with line_to(environment.redis_url) as line:
            words = [f"{number} Ünïcode\r\n" for number in range(200)]
            found = await asyncio.gather(*(echoed(line, word) for word in words))
            assert found == [["key", word, 2] for word in words]

    asyncio.run(work())


def test_a_script_that_fails_fails_alone(environment: Servers) -> None:
    async def work() -> None:
        async with line_to(environment.redis_url) as line:
            found = await asyncio.gather(
                echoed(line, "a"), line.run(WRONG, ["n"]), echoed(line, "b"), return_exceptions=True
            )
            assert isinstance(found[1], ResponseError)
            assert [found[0], found[2]] == [["key", "a", 2], ["key", "b", 2]]

    asyncio.run(work())


@pytest.mark.parametrize("lost", ["scripts", "connection"])
def test_what_redis_has_lost_is_given_again(environment: Servers, lost: str) -> None:
    async def work() -> None:
        async with line_to(environment.redis_url) as line:
            await echoed(line, "before")
            with redis.Redis.from_url(environment.redis_url) as other:
                if lost == "scripts":
                    other.script_flush()
                else:
                    other.client_kill_filter(_type="normal", skipme=True)
            assert await asyncio.gather(echoed(line, "a"), echoed(line, "b")) == [["key", "a", 2], ["key", "b", 2]]

    asyncio.run(work())


def test_an_answer_that_comes_too_late_is_nobodys(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(lines, "PAUSE_SECONDS", 0.0)

    async def work() -> None:
        async with line_to(environment.redis_url) as line, redis.asyncio.Redis.from_url(environment.redis_url) as other:
            await echoed(line, "before")
            await other.client_pause(600)
            with pytest.raises(RedisError, match="did not answer"):
                await echoed(line, "too late")
            monkeypatch.setattr(lines, "TIMEOUT_SECONDS", 10.0)
            assert await echoed(line, "after") == ["key", "after", 2]

    asyncio.run(work())


def test_while_redis_is_away_nobody_waits_for_it() -> None:
    async def work() -> None:
        async with line_to("redis://127.0.0.1:1/0") as line:
            with pytest.raises(RedisError):
                await echoed(line, "first")
            with pytest.raises(RedisError, match="a moment ago"):
                await echoed(line, "second")

    asyncio.run(work())
