"""Hard budgets: nothing goes out that might pass the limit, and nothing is refused that fits."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from guardian.errors import BudgetExceeded, RateLimitError, UnavailableError
from guardian.gateway.holds import NOTHING
from guardian.services.guard.budgets import Scope, Spent
from tests.unit.gateway.holds.conftest import Bench, budget, caller, reserve


def run(work: Any) -> None:
    asyncio.run(work)


def test_what_is_held_is_spent_or_given_back(bench: Bench) -> None:
    async def work() -> None:
        async with bench.open() as holds:
            first, second, third = [await reserve(holds, "1.5") for _ in range(3)]
            assert bench.dollars("held") == Decimal("4.5")
            await holds.settle(first, Decimal("0.0000000001"))
            await holds.release(second)
            await holds.settle(third, None)
            await holds.settle(third, Decimal(1))  # a second time changes nothing
            assert (bench.dollars("held"), bench.dollars("spent")) == (0, Decimal("1.5000000001"))

    run(work())


def test_a_refusal_carries_the_figures(bench: Bench) -> None:
    bench.ledger.spent["b1"] = Spent(Decimal(3), Decimal(1))

    async def work() -> None:
        async with bench.open(wait=0) as holds:
            await reserve(holds, "0.25")
            with pytest.raises(BudgetExceeded) as refused:
                await reserve(holds, "0.8")
            found = refused.value
            assert (found.spent, found.held, found.limit, found.name) == (4, Decimal("0.25"), 5, "All")
            assert found.retry_after == 1
            with pytest.raises(BudgetExceeded) as refused:
                await reserve(holds, "1.0000000001")
            assert refused.value.retry_after is None
            await reserve(holds, "0.75")

    run(work())


def test_amounts_past_two_to_the_53_are_exact(bench: Bench) -> None:
    bench.budgets[0] = budget("900000000")
    bench.ledger.spent["b1"] = Spent(Decimal("899999998.9999999999"))

    async def work() -> None:
        async with bench.open(wait=0) as holds:
            with pytest.raises(BudgetExceeded):
                await reserve(holds, "1.0000000002")
            await reserve(holds, "1.0000000001")

    run(work())


def test_without_a_limit_redis_is_not_asked(bench: Bench) -> None:
    bench.budgets[0] = budget(scope=Scope("team", "web"))

    async def work() -> None:
        async with bench.open(url="redis://127.0.0.1:1/0") as holds:
            assert await reserve(holds, "100") is NOTHING
            await holds.settle(NOTHING, Decimal(1))

    run(work())


def test_all_budgets_of_a_call_are_taken_or_none(bench: Bench) -> None:
    bench.budgets.append(budget("1", id="b2", scope=Scope("model", "gpt-*")))

    async def work() -> None:
        async with bench.open(wait=0) as holds:
            await reserve(holds, "0.6")
            with pytest.raises(BudgetExceeded):
                await reserve(holds, "0.6")
            assert (bench.dollars("held"), bench.dollars("held", at=1)) == (Decimal("0.6"), Decimal("0.6"))

    run(work())


def test_a_model_without_a_price_is_refused_unless_the_budget_allows_it(bench: Bench) -> None:
    async def work() -> None:
        async with bench.open() as holds:
            with pytest.raises(BudgetExceeded, match="No price is known for the model 'gpt-5' of OpenAI"):
                await reserve(holds, None)
            bench.budgets[0] = budget(refuses_unpriced=False)
            await holds.settle(await reserve(holds, None), None)
            assert bench.dollars("spent") == 0

    run(work())


def test_500_calls_at_once_stay_below_the_limit_and_none_is_refused(bench: Bench) -> None:
    """In two processes; each call may cost 5 cents and costs 0.9."""

    async def call(holds: Any) -> None:
        hold = await reserve(holds, "0.05")
        assert bench_held_fits(bench)
        await asyncio.sleep(0.01)
        await holds.settle(hold, Decimal("0.009"))

    async def work() -> None:
        async with bench.open(wait=30) as one, bench.open(wait=30) as two:
            await asyncio.gather(*(call((one, two)[n % 2]) for n in range(500)))
            assert (bench.dollars("spent"), bench.dollars("held")) == (Decimal("4.5"), 0)

    run(work())


def bench_held_fits(bench: Bench) -> bool:
    found = bench.counter()
    return int(found["spent"]) + int(found["held"]) <= 5 * 10**10


def test_too_many_calls_cost_no_more_than_the_limit(bench: Bench) -> None:
    refusals: list[BudgetExceeded] = []

    async def call(holds: Any) -> bool:
        try:
            hold = await reserve(holds, "0.05")
        except BudgetExceeded as refused:
            refusals.append(refused)
            return False
        await holds.settle(hold, Decimal("0.05"))
        return True

    async def work() -> None:
        async with bench.open() as one, bench.open() as two:
            passed = await asyncio.gather(*(call((one, two)[n % 2]) for n in range(300)))
            assert (sum(passed), bench.dollars("spent")) == (100, 5)
            assert len(refusals) == 200
            assert all((each.spent or 0) + (each.held or 0) + Decimal("0.05") > 5 for each in refusals)

    run(work())


def test_redis_emptied_in_the_middle_is_rebuilt(bench: Bench) -> None:
    bench.ledger.spent["b1"] = Spent(Decimal(1))
    position = {"taken": 0, "shipped": 0}

    async def work() -> None:
        progress = lambda: (position["taken"], position["shipped"])  # noqa: E731
        async with bench.open(wait=0, progress=progress) as holds:
            done, under_way, later = [await reserve(holds, "0.5") for _ in range(3)]
            position["taken"] = 1
            await holds.settle(done, Decimal("0.2"))
            bench.redis.flushall()
            position["taken"] = 2
            await holds.settle(later, Decimal("0.1"))  # rebuilds: both settled calls are in no ledger yet
            assert (bench.dollars("spent"), bench.dollars("held")) == (Decimal("1.3"), Decimal("0.5"))
            bench.redis.flushall()
            position["shipped"] = 2
            bench.ledger.spent["b1"] = Spent(Decimal("1.3"))
            with pytest.raises(BudgetExceeded):
                await reserve(holds, "3.3")
            await holds.settle(under_way, Decimal("0.5"))
            assert (bench.dollars("spent"), bench.dollars("held")) == (Decimal("1.8"), 0)

    run(work())


def test_another_process_brings_its_own_into_a_rebuilt_counter(bench: Bench) -> None:
    async def work() -> None:
        async with bench.open(wait=0) as one, bench.open(wait=0) as two:
            mine, theirs = await reserve(one, "1"), await reserve(two, "2")
            bench.redis.flushall()
            await reserve(one, "0.5")
            await reserve(two, "0.25")
            assert bench.dollars("held") == Decimal("3.75")
            await one.settle(mine, Decimal("0.1"))
            await two.settle(theirs, Decimal("0.2"))
            assert (bench.dollars("held"), bench.dollars("spent")) == (Decimal("0.75"), Decimal("0.3"))

    run(work())


def test_a_dead_process_holds_nothing_after_its_lease_and_a_living_one_renews(bench: Bench) -> None:
    async def work() -> None:
        async with bench.open(lease=0.3, wait=0) as dead, bench.open(lease=0.3, wait=20) as alive:
            await reserve(dead, "3")
            kept = await reserve(alive, "1")
            for task in dead._tasks:
                task.cancel()
            await reserve(alive, "3")  # waits until the lease is over
            assert bench.dollars("held") == 4
            await asyncio.sleep(0.5)
            with pytest.raises(BudgetExceeded):
                await reserve(dead, "2.5")
            await alive.settle(kept, Decimal(1))
            assert bench.dollars("spent") == 1

    run(work())


def test_a_new_process_counts_at_once_what_was_let_through_by_one_that_is_gone(bench: Bench) -> None:
    """Redis was away, and with the process went what it owed the counter; the ledger has it by now."""

    async def work() -> None:
        async with bench.open(wait=0) as before:
            await before.settle(await reserve(before, "2"), Decimal(1))
        key = bench.redis.keys("budget:*:b1:*")[0]
        bench.redis.hincrby(key, "settled", -120)
        bench.ledger.spent["b1"] = Spent(gateway=Decimal(4), other=Decimal("0.5"))
        async with bench.open(wait=0) as after:
            with pytest.raises(BudgetExceeded):
                await reserve(after, "0.6")
            await reserve(after, "0.5")
        assert (bench.dollars("spent"), bench.dollars("other")) == (4, Decimal("0.5"))

    run(work())


def test_a_new_process_takes_nothing_off_that_may_not_be_shipped_yet(bench: Bench) -> None:
    async def work() -> None:
        async with bench.open(wait=0) as before:
            await before.settle(await reserve(before, "4"), Decimal(4))
        key = bench.redis.keys("budget:*:b1:*")[0]
        bench.redis.hincrby(key, "settled", -120)
        async with bench.open(wait=0) as after:
            with pytest.raises(BudgetExceeded):
                await reserve(after, "1.1")
        assert bench.dollars("spent") == 4

    run(work())


@pytest.mark.parametrize("closed", [True, False])
def test_redis_away_is_the_budgets_own_setting(bench: Bench, closed: bool) -> None:
    bench.budgets[0] = budget(closed=closed)

    async def work() -> None:
        async with bench.open(url="redis://127.0.0.1:1/0") as holds:
            if closed:
                with pytest.raises(UnavailableError):
                    await reserve(holds, "1")
            else:
                await holds.settle(await reserve(holds, "100"), Decimal(1))

    run(work())


def test_a_ledger_away_is_as_redis_away_while_the_counter_is_missing(bench: Bench) -> None:
    bench.ledger.away = True

    async def work() -> None:
        async with bench.open() as holds:
            with pytest.raises(UnavailableError):
                await reserve(holds, "1")
            bench.ledger.away = False
            await reserve(holds, "1")
            bench.ledger.away = True
            await reserve(holds, "1")
            assert bench.ledger.reads == 2

    run(work())


def test_requests_and_tokens_per_minute(bench: Bench) -> None:
    bench.budgets.clear()

    async def work() -> None:
        async with bench.open() as holds:
            few = caller(requests_per_minute=3)
            for _ in range(3):
                assert (await reserve(holds, None, few)).takes
            with pytest.raises(RateLimitError) as refused:
                await reserve(holds, None, few)
            assert 1 <= refused.value.retry_after <= 120
            small = caller(token_id="t2", tokens_per_minute=100)
            hold = await reserve(holds, None, small, tokens=90)
            with pytest.raises(RateLimitError):
                await reserve(holds, None, small, tokens=20)
            await holds.settle(hold, None, 10)
            await reserve(holds, None, small, tokens=80)

    run(work())


def test_rates_hold_in_each_process_while_redis_is_away(bench: Bench) -> None:
    bench.budgets.clear()

    async def work() -> None:
        async with bench.open(url="redis://127.0.0.1:1/0") as holds:
            few = caller(requests_per_minute=2)
            for _ in range(2):
                await reserve(holds, None, few)
            with pytest.raises(RateLimitError):
                await reserve(holds, None, few)

    run(work())


def test_tokens_that_an_answer_states_count_while_redis_is_away(bench: Bench) -> None:
    bench.budgets.clear()

    async def work() -> None:
        async with bench.open(url="redis://127.0.0.1:1/0") as holds:
            small = caller(tokens_per_minute=100)
            await holds.settle(await reserve(holds, None, small, tokens=1), None, 90)
            with pytest.raises(RateLimitError):
                await reserve(holds, None, small, tokens=20)

    run(work())
