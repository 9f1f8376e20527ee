"""A call's hold when the call goes on with another key or model: enough for that, in the budgets that apply to that."""

import asyncio
from collections.abc import Awaitable
from decimal import Decimal
from typing import Any

import pytest

from guardian.errors import BudgetExceeded, RateLimitError
from guardian.gateway.holds import Hold, Holds
from guardian.models.enums import Provider
from guardian.services.guard.budgets import Scope
from tests.unit.gateway.holds.conftest import Bench, budget, caller, reserve


def exchange(holds: Holds, hold: Hold, worst: str | None, **facts: Any) -> Awaitable[Hold]:
    given: dict[str, Any] = {"provider": Provider.OPENAI, "model": "gpt-5", "tags": {}, "key_id": None}
    return holds.exchange(hold, caller(), worst=None if worst is None else Decimal(worst), **{**given, **facts})


def test_a_dearer_try_holds_more_and_a_cheaper_one_the_same(bench: Bench) -> None:
    async def work() -> None:
        async with bench.open(wait=0.1) as holds:
            hold = await reserve(holds, "2")
            assert await exchange(holds, hold, "1.5") is hold
            dearer = await exchange(holds, hold, "4")
            assert bench.dollars("held") == 4
            await holds.settle(hold, Decimal(2))  # is over, and counts nothing
            await holds.settle(dearer, Decimal(3))
            assert (bench.dollars("held"), bench.dollars("spent")) == (0, 3)

    asyncio.run(work())


@pytest.mark.parametrize("worst", ["6", None])
def test_a_try_without_room_or_price_is_refused_and_holds_nothing(bench: Bench, worst: str | None) -> None:
    async def work() -> None:
        async with bench.open(wait=0.1) as holds:
            hold = await reserve(holds, "2")
            with pytest.raises(BudgetExceeded):
                await exchange(holds, hold, worst)
            assert bench.dollars("held") == 0
            await holds.settle(hold, Decimal(2))
            assert bench.dollars("spent") == 0
            again = await exchange(holds, hold, "2")
            assert again is not hold
            assert bench.dollars("held") == 2

    asyncio.run(work())


def test_another_key_is_held_in_its_own_budget(bench: Bench) -> None:
    bench.budgets[:] = [budget(id="one", scope=Scope("key", "k1")), budget("1", id="two", scope=Scope("key", "k2"))]

    async def work() -> None:
        async with bench.open(wait=0.1) as holds:
            hold = await reserve(holds, "0.75", key_id="k1")
            other = await exchange(holds, hold, "0.75", key_id="k2")
            assert (bench.dollars("held", at=0), bench.dollars("held", at=1)) == (0, Decimal("0.75"))
            with pytest.raises(BudgetExceeded):
                await exchange(holds, await reserve(holds, "0.75", key_id="k1"), "0.75", key_id="k2")
            await holds.settle(other, Decimal("0.5"))
            assert (bench.dollars("spent", at=0), bench.dollars("spent", at=1)) == (0, Decimal("0.5"))

    asyncio.run(work())


def test_a_token_with_limits_a_minute_is_counted_once(bench: Bench) -> None:
    few = caller(requests_per_minute=2)

    async def work() -> None:
        async with bench.open(wait=0.1) as holds:
            hold = await reserve(holds, "1", few)
            for worst in ("1.5", "2", "2.5"):
                hold = await holds.exchange(hold, few, Provider.OPENAI, "gpt-5", {}, None, Decimal(worst))
            assert await reserve(holds, "1", few)

    asyncio.run(work())


@pytest.mark.parametrize("limit", ["1", None])
def test_tokens_of_the_try_that_was_answered_count_once(bench: Bench, limit: str | None) -> None:
    small = caller(tokens_per_minute=1_000)
    bench.budgets[:] = [budget(limit, scope=Scope("key", "k1"))] if limit else []

    async def work() -> None:
        async with bench.open(wait=0.1) as holds:
            hold = await reserve(holds, "0.5", small, tokens=300, key_id="k1")
            hold = await holds.exchange(hold, small, Provider.OPENAI, "gpt-5", {}, "k2", Decimal("0.75"))
            await holds.settle(hold, Decimal("0.1"), 400)
            await reserve(holds, "0", small, tokens=600, key_id="k2")
            with pytest.raises(RateLimitError):
                await reserve(holds, "0", small, tokens=1, key_id="k2")

    asyncio.run(work())
