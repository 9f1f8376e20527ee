"""A budget that looks back over days: its counter forgets what leaves the window, and nothing that is still in it."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian.errors import BudgetExceeded
from guardian.gateway.holds import keeping
from guardian.periods import HOUR, utcnow
from guardian.services.guard.budgets import Spent
from tests.unit.gateway.holds.conftest import Bench, budget, reserve


@pytest.fixture
def rolling(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A budget of one day whose counter is looked after at once. Redis' own clock cannot be moved: its notes are."""
    monkeypatch.setattr(keeping, "REFRESH_SECONDS", 0.02)
    bench.budgets[0] = budget("5", rolling_days=1)
    return bench


def ledger_says(bench: Bench, gateway: str, other: str = "0") -> None:
    bench.ledger.spent["b1"] = Spent(Decimal(gateway), Decimal(other))


def a_minute_passes(bench: Bench, *fields: str) -> None:
    """What the counter noted, it noted a minute ago."""
    (key,) = [key for key in bench.redis.keys("budget:*") if not key.endswith(":due")]
    for field in fields:
        bench.redis.hincrby(key, field, -61)


async def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(0.02)


async def marked(bench: Bench) -> None:
    await until(lambda: "marked" in bench.counter())


def test_what_leaves_the_window_makes_room_while_calls_are_under_way(rolling: Bench) -> None:
    ledger_says(rolling, "4", "0.5")

    async def work() -> None:
        async with rolling.open(wait=0) as holds:
            running = await reserve(holds, "0.5")
            with pytest.raises(BudgetExceeded) as refused:
                await reserve(holds, "0.1")
            assert "looks back over 1 days" in str(refused.value)
            await marked(rolling)
            ledger_says(rolling, "1", "0.5")
            a_minute_passes(rolling, "marked")
            await until(lambda: rolling.dollars("spent") == 1)
            assert rolling.dollars("held") == Decimal("0.5")
            other = await reserve(holds, "3")
            await holds.settle(other, Decimal(1))
            await holds.settle(running, Decimal("0.25"))
            assert rolling.dollars("spent") == Decimal("2.25")

    asyncio.run(work())


def test_what_is_not_in_the_ledger_yet_is_not_forgotten(rolling: Bench) -> None:
    """Two of four dollars leave the window while a call of one dollar is settled that nobody has shipped."""
    ledger_says(rolling, "4")

    async def work() -> None:
        async with rolling.open(wait=0) as holds:
            kept = await reserve(holds, "0.1")
            await marked(rolling)
            late = await reserve(holds, "0.9")
            await holds.settle(late, Decimal("0.9"))
            ledger_says(rolling, "2")
            a_minute_passes(rolling, "marked")
            await until(lambda: rolling.dollars("spent") == Decimal("2.9"))
            await holds.release(kept)

    asyncio.run(work())


def test_what_another_gateway_ships_late_is_put_in(rolling: Bench) -> None:
    ledger_says(rolling, "1")

    async def work() -> None:
        async with rolling.open(wait=0) as holds:
            kept = await reserve(holds, "0.1")
            await marked(rolling)
            ledger_says(rolling, "4.95")
            a_minute_passes(rolling, "marked")
            await until(lambda: rolling.dollars("spent") == Decimal("4.95"))
            with pytest.raises(BudgetExceeded):
                await reserve(holds, "0.1")
            await holds.release(kept)

    asyncio.run(work())


def test_a_counter_that_nobody_kept_is_rebuilt_before_the_call(bench: Bench) -> None:
    bench.budgets[0] = budget("5", rolling_days=7)
    ledger_says(bench, "5")

    async def work() -> None:
        async with bench.open(wait=0) as holds:
            with pytest.raises(BudgetExceeded):
                await reserve(holds, "1")
        # All gateways were away for some hours, in which everything has left the window.
        ledger_says(bench, "0")
        a_minute_passes(bench, "settled")
        async with bench.open(wait=0) as holds:
            await holds.release(await reserve(holds, "5"))

    asyncio.run(work())


def test_the_counter_stays_while_its_window_moves(bench: Bench) -> None:
    bench.budgets[0] = budget("5", rolling_days=30)
    clock = [utcnow()]

    async def work() -> None:
        async with bench.open(wait=0, now=lambda: clock[0]) as holds:
            first = await reserve(holds, "2")
            clock[0] += HOUR
            second = await reserve(holds, "3")
            with pytest.raises(BudgetExceeded) as refused:
                await reserve(holds, "0.01")
            assert clock[0] < refused.value.resets_at <= clock[0] + HOUR
            await holds.settle(first, Decimal(1))
            await holds.settle(second, Decimal(1))
            assert (bench.dollars("spent"), bench.dollars("held")) == (2, 0)

    asyncio.run(work())


def test_calendar_counters_are_never_made_smaller_while_calls_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "REFRESH_SECONDS", 0.02)
    ledger_says(bench, "4")

    async def work() -> None:
        async with bench.open(wait=0) as holds:
            kept = await reserve(holds, "0.1")
            ledger_says(bench, "1")
            reads = bench.ledger.reads
            await until(lambda: bench.ledger.reads > reads + 3)
            assert (bench.dollars("spent"), "marked" in bench.counter()) == (4, False)
            await holds.release(kept)

    asyncio.run(work())


def test_a_raise_holds_until_it_ends(bench: Bench) -> None:
    clock = [utcnow()]
    ends = clock[0] + timedelta(minutes=5)
    bench.budgets[0] = budget("5", raised_limit=Decimal(8), raised_until=ends)

    async def work() -> None:
        async with bench.open(wait=0, now=lambda: clock[0]) as holds:
            await holds.settle(await reserve(holds, "5"), Decimal(5))
            kept = await reserve(holds, "2")
            with pytest.raises(BudgetExceeded) as refused:
                await reserve(holds, "2")
            assert (refused.value.limit, "of $8.00" in str(refused.value)) == (Decimal(8), True)
            clock[0] = ends
            with pytest.raises(BudgetExceeded) as refused:
                await reserve(holds, "0.01")
            assert refused.value.limit == Decimal(5)
            await holds.settle(kept, Decimal(2))
            assert bench.dollars("spent") == 7

    asyncio.run(work())


def test_a_budget_that_is_edited_while_it_is_crossed(bench: Bench) -> None:
    """Lowered below what is spent, it refuses the next call, and those under way are settled; lifted, it lets pass."""

    async def work() -> None:
        async with bench.open(wait=0) as holds:
            await holds.settle(await reserve(holds, "3"), Decimal(3))
            running = await reserve(holds, "1")
            bench.budgets[0] = budget("2")
            with pytest.raises(BudgetExceeded):
                await reserve(holds, "0.01")
            await holds.settle(running, Decimal(1))
            assert (bench.dollars("spent"), bench.dollars("held")) == (4, 0)
            bench.budgets[0] = budget("6")
            await holds.settle(await reserve(holds, "2"), Decimal(1))
            assert bench.dollars("spent") == 5

    asyncio.run(work())
