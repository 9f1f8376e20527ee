"""What the bench of the gateway measures with: the provider's streams, and the load that checks each answer."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator

import pytest

from guardian.gateway.http import Pool
from tests.bench.answering import EVENTS
from tests.bench.gateway.load import CALL, STREAM, Caller, Kind, slow
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def provider() -> Generator[str]:
    command = [sys.executable, "-m", "tests.bench.answering"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        process.stdin.close()
        assert process.wait(10) == 0


def called(url: str, work: Callable[[Caller], Awaitable[None]]) -> int:
    """How many calls it took."""

    async def run() -> int:
        pool = Pool()
        caller = Caller(pool, url, "none")
        try:
            await work(caller)
        finally:
            await pool.close()
        return caller.sent

    return asyncio.run(run())


@pytest.mark.parametrize("kind", [CALL, STREAM])
def test_every_call_is_counted_and_has_its_times(provider: str, kind: Kind) -> None:
    async def work(caller: Caller) -> None:
        found = await caller.calls(kind, 30, 3)
        assert len(found.first) == len(found.whole) == 30
        assert found.seconds > 0
        assert all(0 < first <= whole for first, whole in zip(sorted(found.first), sorted(found.whole), strict=True))

    assert called(provider, work) == 30 + 3


def test_slow_streams_are_open_at_the_same_time(provider: str) -> None:
    opened: list[bool] = []

    async def work(caller: Caller) -> None:
        found = await caller.open_at_once(slow(0.05), 20, lambda: opened.append(True))
        assert len(found.whole) == 20

    assert called(provider, work) == 20
    assert opened == [True]


def test_streams_that_were_not_open_at_once_are_told(provider: str) -> None:
    async def work(caller: Caller) -> None:
        await caller.open_at_once(CALL, 2, lambda: pytest.fail("they were not"))

    with pytest.raises(RuntimeError, match="ended before all 2 had begun"):
        called(provider, work)


def test_another_answer_than_the_provider_s_stops_the_bench(provider: str) -> None:
    async def work(caller: Caller) -> None:
        await caller.calls(CALL._replace(answer=b"{}"), 1, 1)

    with pytest.raises(RuntimeError, match="not the provider's"):
        called(provider, work)


def test_who_asks_for_the_usage_gets_one_event_more(provider: str) -> None:
    assert len(EVENTS) == 18
    usage = STREAM.body.replace(b'"stream":true', b'"stream":true,"stream_options":{"include_usage":true}')

    async def work(caller: Caller) -> None:
        with pytest.raises(RuntimeError, match="not the provider's") as told:
            await caller.calls(STREAM._replace(body=usage), 1, 1)
        assert '"usage":null' in str(told.value)

    called(provider, work)
