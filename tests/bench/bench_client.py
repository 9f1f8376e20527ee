"""What the HTTP client of the gateway costs by itself: requests over 64 connections and over one alone."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from guardian.gateway.http import Pool, Upstream
from tests.bench.answering import BODY, HEADERS
from tests.bench.figures import Figure, figure
from tests.bench.place import FULL
from tests.conftest import ROOT

CONNECTIONS = 64
REQUESTS = 20_000 if FULL else 2_000  # of each round
ROUNDS = 10 if FULL else 2
TARGET = 1_000 / 15_000  # ms of one core per request: the gateway's 10,000/s leave no more for it
_BODY = b'{"model":"gpt-5.4-mini","messages":[{"role":"user","content":"Hello!"}]}'
_HEADERS = [*HEADERS, (b"authorization", b"Bearer sk-0123456789")]


def run() -> list[Figure]:
    with answering() as port, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        many, alone = runner.run(_measured(Upstream.of(f"http://127.0.0.1:{port}/v1")))
    return [
        figure(f"client: a request, {CONNECTIONS} connections", many, target=TARGET),
        figure("client: a request, 1 connection", alone),
    ]


@contextmanager
def answering() -> Iterator[int]:
    """The provider, on another core where there is one."""
    command = [sys.executable, "-m", "tests.bench.answering"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(process.pid, {cores[-1]})
        os.sched_setaffinity(0, {cores[0]})
        try:
            yield int(process.stdout.readline())
        finally:
            os.sched_setaffinity(0, set(cores))
            process.stdin.close()
            process.wait(10)


async def _measured(upstream: Upstream) -> tuple[list[float], list[float]]:
    """Milliseconds per request: of each round at many connections, and of each request at one."""
    pool = Pool()
    many: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        await asyncio.gather(*(_ask(pool, upstream, REQUESTS // CONNECTIONS) for _ in range(CONNECTIONS)))
        many.append((time.perf_counter() - started) * 1_000 / (REQUESTS // CONNECTIONS * CONNECTIONS))
    alone: list[float] = []
    for _ in range(REQUESTS // 10):
        started = time.perf_counter()
        await _ask(pool, upstream, 1)
        alone.append((time.perf_counter() - started) * 1_000)
    await pool.close()
    return many, alone


async def _ask(pool: Pool, upstream: Upstream, times: int) -> None:
    for _ in range(times):
        answer = await pool.send(upstream, b"POST", b"/chat/completions", _HEADERS, _BODY)
        assert await answer.read() == BODY
