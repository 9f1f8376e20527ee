"""The gateway against a direct call in the same run: the gateway alone on a core, and everything else on another.

Every call is token-checked, metered, in the journal before its last byte goes on, and counted in the ledger at the end:
exactly those that were sent, each with its tokens and its price, or the bench fails. Rounds of the direct call and of
the gateway take turns; before each the ledger has all calls before it, so that no shipping is measured with the direct
call and every round of the gateway has its own share of it. "Added" is a round's median less the direct one's beside.
"""

import asyncio
import gc
import os
from collections.abc import Sequence
from statistics import median

import uvloop

from guardian.gateway.http import Pool
from tests.bench.figures import Figure, figure
from tests.bench.gateway.load import CALL, STREAM, TOKENS, Caller, Kind, Round, slow
from tests.bench.gateway.seeing import RedisCounts, cpu, forget_peak, memory
from tests.bench.gateway.standing import Standing, standing
from tests.bench.place import FULL

CONNECTIONS = 64
ROUNDS = 3 if FULL else 2
ALONE_ROUNDS = 10 if FULL else 2
CALLS, STREAMS = (20_000, 10_000) if FULL else (640, 320)  # of each round
ALONE = 1_000 if FULL else 100
OPEN, PAUSE = (1_000, 0.5) if FULL else (100, 0.2)


def run() -> list[Figure]:
    """Every figure of this bench, from servers of its own that are gone afterwards."""
    with standing() as at, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        gc.freeze()
        print(f"load average at the start {os.getloadavg()}", flush=True)
        found = runner.run(_Bench(at).figures())
        print(f"load average at the end {os.getloadavg()}", flush=True)
        return found


class _Bench:
    def __init__(self, at: Standing) -> None:
        self._at = at
        self._pool = Pool()
        url = f"{at.gateway.url}/openai/v1"
        self._direct = Caller(self._pool, at.provider, "none")
        self._ours = Caller(self._pool, url, at.token)
        self._limited = Caller(self._pool, url, at.budgeted)

    async def figures(self) -> list[Figure]:
        for caller in (self._ours, self._limited):  # what is read and built with the first calls is there then
            await caller.calls(CALL, CONNECTIONS, CONNECTIONS)
            await caller.calls(STREAM, CONNECTIONS, CONNECTIONS)
        found = [
            *await self._many("call", CALL, CALLS, 5_000),
            *await self._alone("call", CALL),
            *await self._many("stream", STREAM, STREAMS, 3_000),
            *await self._alone("stream", STREAM),
            *await self._budget(),
            *await self._open(),
        ]
        sent = self._sent
        self._at.check(sent, sent * TOKENS)
        await self._pool.close()
        print(f"{sent:,} calls sent, and {sent:,} in the ledger, with their tokens and prices", flush=True)
        return found

    @property
    def _sent(self) -> int:
        return self._ours.sent + self._limited.sent

    async def _turns(
        self, callers: Sequence[Caller], rounds: int, kind: Kind, count: int, connections: int
    ) -> tuple[list[list[Round]], list[list[float]]]:
        """Rounds of each caller, in turns; and the CPU that the gateway took for each call of them, in µs."""
        found: list[list[Round]] = [[] for _ in callers]
        spent: list[list[float]] = [[] for _ in callers]
        for _ in range(rounds):
            for number, caller in enumerate(callers):
                self._at.settle(self._sent)
                before, sent = cpu(self._at.pid), caller.sent
                found[number].append(await caller.calls(kind, count, connections))
                spent[number].append((cpu(self._at.pid) - before) / (caller.sent - sent))
        return found, spent

    async def _many(self, name: str, kind: Kind, count: int, least: int) -> list[Figure]:
        """Over many connections."""
        (direct, ours), (_, spent) = await self._turns((self._direct, self._ours), ROUNDS, kind, count, CONNECTIONS)
        what = f"{name}s over {CONNECTIONS} connections"
        beside = f"direct: {what}"
        found = [
            _rates(beside, direct),
            _rates(f"gateway: {what}", ours, target=least, beside=beside),
            figure(f"gateway: CPU of a {name}, {CONNECTIONS} connections", spent, unit="µs"),
        ]
        for who, rounds in (("direct", direct), ("gateway", ours)):
            for percent in (50, 99):
                label = f"{who}: p{percent} of a {name}, {CONNECTIONS} connections"
                found.append(figure(label, [each.p(percent) for each in rounds], rounds=True))
        return found

    async def _alone(self, name: str, kind: Kind) -> list[Figure]:
        """Over one connection: what the gateway adds."""
        (direct, ours), _ = await self._turns((self._direct, self._ours), ALONE_ROUNDS, kind, ALONE, 1)
        found = [figure(f"direct: {name}, 1 connection", [each.p(50) for each in direct], rounds=True)]
        if kind is STREAM:
            found.append(_added("stream: p50 added to the first byte", ours, direct, 50, target=0.6, first=True))
            found.append(_added("stream: p99 added to the first byte", ours, direct, 99, first=True))
            return [*found, _added("stream: p50 added to the last byte", ours, direct, 50)]
        found.append(_added("call: p50 added", ours, direct, 50, target=0.6))
        return [*found, _added("call: p99 added", ours, direct, 99, target=2.0)]

    async def _budget(self) -> list[Figure]:
        """What a hard budget adds to a call, and how often Redis is asked for it."""
        callers = (self._ours, self._limited)
        (free, limited), _ = await self._turns(callers, ALONE_ROUNDS, CALL, ALONE, 1)
        (many_free, many), (cost_free, cost) = await self._turns(callers, ROUNDS, CALL, CALLS, CONNECTIONS)
        self._at.settle(self._sent)
        counts = RedisCounts(self._at.at.environment["REDIS_URL"])
        asked: list[tuple[float, float]] = []
        for caller in callers:
            before = caller.sent
            with counts.asked() as seen:
                await caller.calls(CALL, ALONE, 1)
                await asyncio.sleep(0.2)  # what is settled behind the last answer
            calls = caller.sent - before
            asked.append((seen.scripts / calls, seen.reads / calls))
        beside = f"without a budget: calls over {CONNECTIONS} connections"
        return [
            _added("hard budget: p50 added, 1 connection", limited, free, 50),
            _added("hard budget: p99 added, 1 connection", limited, free, 99),
            figure("without a budget: scripts that Redis ran for a call", [asked[0][0]], unit=""),
            # One before the call goes out, and one behind its answer that nobody waits for; leases are renewed, too.
            figure("hard budget: scripts that Redis ran for a call", [asked[1][0]], target=2.05, unit=""),
            # The shipper asks Redis as well, and for longer where calls take longer.
            figure("hard budget: Redis' round trips more of a call", [asked[1][1] - asked[0][1]], unit=""),
            _rates(beside, many_free),
            _rates(f"hard budget: calls over {CONNECTIONS} connections", many, beside=beside),
            figure(
                f"hard budget: CPU more of a call, {CONNECTIONS} connections",
                [median(cost) - median(cost_free)],
                unit="µs",
            ),
        ]

    async def _open(self) -> list[Figure]:
        """Slow streams that are open at the same time, in a process that has served all calls before."""
        pid = self._at.pid
        self._at.settle(self._sent)
        forget_peak(pid)
        before, open_at = memory(pid), list[float]()
        spent = cpu(pid)
        await self._ours.open_at_once(slow(PAUSE), OPEN, lambda: open_at.append(memory(pid)))
        events = OPEN * (STREAM.answer.count(b"\n\n") + 1)  # and the one with the usage
        what = f"{OPEN:,} slow streams"
        return [
            figure(f"memory before {what}", [before], unit="MB"),
            figure(f"memory with {what} open", open_at, unit="MB"),
            figure(f"memory at the peak of {what}", [memory(pid, peak=True)], target=300, unit="MB"),
            figure(f"CPU of an event of {what}", [(cpu(pid) - spent) / events], unit="µs"),
        ]


def _rates(name: str, rounds: Sequence[Round], *, target: float | None = None, beside: str | None = None) -> Figure:
    rates = [each.rate for each in rounds]
    return figure(name, rates, target=target, beside=beside, unit="/s", rounds=True, more=True)


def _added(
    name: str,
    ours: Sequence[Round],
    others: Sequence[Round],
    percent: int,
    *,
    target: float | None = None,
    first: bool = False,
) -> Figure:
    """What a percentile of each round is more than that of the other's round beside."""
    pairs = zip(ours, others, strict=True)
    added = [mine.p(percent, first=first) - other.p(percent, first=first) for mine, other in pairs]
    return figure(name, added, target=target, rounds=True)
