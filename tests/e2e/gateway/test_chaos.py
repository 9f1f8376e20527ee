"""Calls in parallel while the gateway is killed and PostgreSQL and Redis come and go: the ledger has each, once, exact.

A call whose whole answer reached its caller is there with its exact cost. One that the provider served while the
gateway was killed is there too, and says that its cost is not known: nobody has the answer any more that told it.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx

from guardian.embedded.processes import wait_until
from guardian.models import UsageLog
from guardian.models.enums import CostSource
from tests.e2e.gateway.conftest import Chaos
from tests.e2e.gateway.stage import Stage
from tests.fakes.inference import Served

CALLS = 10_000 if os.environ.get("GUARDIAN_FULL") else 400
AT_ONCE = 16
SEED = int(os.environ.get("GUARDIAN_SEED", random.randrange(10**6)))
DISTURBANCES = ["kill", "postgres", "kill", "redis", "both", "kill"] * (5 if os.environ.get("GUARDIAN_FULL") else 1)
MINI, SONNET = "gpt-5.4-mini", "claude-sonnet-4-6"


def disturb(chaos: Chaos, served: Callable[[], int], over: Callable[[], bool], chance: random.Random) -> None:
    """The disturbances in their order, spread over the calls; all is back at the end."""
    for place, what in enumerate(DISTURBANCES, 1):
        # By progress, and not by the clock: each comes in the middle of traffic, however fast the machine is.
        goal = CALLS * place // (len(DISTURBANCES) + 2)
        wait_until(lambda goal=goal: served() >= goal or over(), 120, 0.005)
        if what == "kill":
            chaos.stage.gateway.kill()
            chaos.stage.gateway.start()
            continue
        away = [chaos.postgres] * (what != "redis") + [chaos.redis] * (what != "postgres")
        for server in away:
            server.stop()
        before = served()
        seen = before + chance.randrange(1, CALLS // 20)
        wait_until(lambda seen=seen: served() >= seen or over(), 8, 0.01)
        for server in away:
            server.start()


async def call(client: httpx.AsyncClient, stage: Stage, number: int) -> bool:
    """One call, asked once; whether its whole answer came."""
    headers = {"authorization": f"Bearer {stage.token}", "x-guardian-session": f"call-{number}"}
    messages = [{"role": "user", "content": f"call-{number}"}]
    body = {"messages": messages, "stream": number % 3 == 0}
    path, more = (
        ("/anthropic/v1/messages", {"model": SONNET, "max_tokens": 99})
        if number % 2
        else ("/openai/v1/chat/completions", {"model": MINI})
    )
    while True:
        try:
            answer = await client.post(stage.gateway.url + path, headers=headers, json={**body, **more})
        except httpx.ConnectError:
            await asyncio.sleep(0.05)  # nothing was sent
            continue
        except httpx.TransportError:
            return False
        if answer.status_code != 503:
            break
        await asyncio.sleep(0.1)  # refused, and not sent: the database is away
    end = b"message_stop" if number % 2 else b"[DONE]"
    return answer.status_code == 200 and (not body["stream"] or end in answer.content[-80:])


async def all_calls(stage: Stage) -> set[int]:
    """The numbers of the calls whose whole answer came."""
    whole: set[int] = set()
    numbers = iter(range(CALLS))
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=AT_ONCE)) as client:

        async def work() -> None:
            for number in numbers:
                if await call(client, stage, number):
                    whole.add(number)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return whole


def number_of(served: Served) -> int:
    """Which call it was: the provider sees nothing of the session."""
    at = served.body.rindex(b'"call-') + 6
    return int(served.body[at : served.body.index(b'"', at)])


def test_every_call_is_in_the_ledger_once_and_exact(chaos: Chaos) -> None:
    stage = chaos.stage
    print("seed", SEED)
    stage.fake.latency = 0.01
    with ThreadPoolExecutor(1) as executor:
        calling = executor.submit(asyncio.run, all_calls(stage))
        # In this thread: the servers end with the thread that started them.
        disturb(chaos, lambda: len(stage.fake.served), calling.done, random.Random(SEED))
        whole = calling.result(600)
    billed = {number_of(served): served for served in stage.fake.billed}
    assert len(billed) == len(stage.fake.billed)  # nothing was asked of the provider twice
    assert whole <= set(billed)

    def numbered() -> dict[int, UsageLog]:
        rows = [row for row in stage.rows() if row.session is not None and row.api_key_id is not None]
        counted = Counter(row.session for row in rows)
        assert not [session for session, count in counted.items() if count > 1]
        return {int((row.session or "").removeprefix("call-")): row for row in rows}

    assert wait_until(lambda: set(billed) <= set(numbered()), 90, 0.5), (
        sorted(set(billed) - set(numbered())),
        stage.gateway.said(),
    )
    rows = numbered()
    for number in whole:
        row, served = rows[number], billed[number]
        assert (row.input_tokens, row.output_tokens, row.error) == (served.input, served.output, None), row
        assert row.cost == served.cost
    unknown = {number for number in billed if rows[number].cost is None}
    assert not unknown & whole
    assert all(rows[number].cost_source is CostSource.UNPRICED for number in unknown)
    exact = {number for number in billed if rows[number].cost_source is CostSource.COMPUTED}
    known = sum((rows[number].cost or Decimal(0) for number in exact), Decimal(0))
    assert known == sum((billed[number].cost or Decimal(0) for number in exact), Decimal(0))
    # What the ledger cannot know is only what was under way at a kill, and it says so of each.
    assert len(exact) + len(unknown) == len(billed)
    assert len(unknown) <= AT_ONCE * DISTURBANCES.count("kill")
    extra = {number: row for number, row in rows.items() if number not in billed}
    assert all(not row.cost for row in extra.values()), extra
    print(f"{len(billed)} billed, {len(whole)} whole, {len(unknown)} unknown, {len(extra)} not billed")
