"""Any order of reserving, settling, releasing and dying keeps what is settled below the limit, and no hold is lost."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardian.errors import BudgetExceeded
from guardian.gateway.holds import Hold, Holds, counters
from tests.unit.gateway.holds.conftest import Bench, budget, reserve

LIMIT = 100  # in units of a ten-billionth of a dollar, so that every rounding would show
STEP = Decimal(10) ** -10

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "settle", "release", "die", "flush"]),
        st.integers(0, 60),
        st.integers(0, 9),
    ),
    max_size=40,
)


async def play(bench: Bench, actions: list[tuple[str, int, int]]) -> None:  # noqa: C901  # one branch for each kind of action
    """Two processes; a death is that of one call's process, whose hold nobody settles any more."""
    under_way: list[tuple[Holds, Hold, int]] = []
    journal = {"n": 0}
    spent = 0
    options: dict[str, Any] = {"wait": 0, "progress": lambda: (journal["n"], 0)}
    async with bench.open(**options) as one, bench.open(**options) as two:
        for name, amount, which in actions:
            if name == "reserve":
                holds = (one, two)[which % 2]
                held = sum(worst for _, _, worst in under_way)
                try:
                    hold = await reserve(holds, str(amount * STEP))
                except BudgetExceeded as refused:
                    counted = int(((refused.spent or 0) + (refused.held or 0)) / STEP)
                    if counted + amount <= LIMIT:
                        raise AssertionError("a call was refused that fits") from refused
                else:
                    assert spent + held + amount <= LIMIT
                    under_way.append((holds, hold, amount))
            elif under_way and name in ("settle", "release"):
                holds, hold, worst = under_way.pop(which % len(under_way))
                journal["n"] += 1
                if name == "settle":
                    spent += min(amount, worst)
                    await holds.settle(hold, min(amount, worst) * STEP)
                else:
                    await holds.release(hold)
            elif under_way and name == "die":
                holds, hold, worst = under_way.pop(which % len(under_way))
                del holds._open[hold.id]
                bench.redis.zadd(hold.items[0].key + ":due", {hold.id: 1}, xx=True)
            elif name == "flush":
                bench.redis.flushall()
                for holds in (one, two):  # each learns of it with its next call
                    await holds.release(await reserve(holds, "0"))
            found = bench.counter()
            assert int(found.get("held", 0)) >= 0
            assert int(found.get("spent", 0)) == spent or not found
            assert spent <= LIMIT


@given(actions=ACTIONS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_settled_stays_below_the_limit(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, actions: list[tuple[str, int, int]]
) -> None:
    # Nothing is ever shipped here: what is waited for before a counter is rebuilt never comes.
    monkeypatch.setattr(counters, "_SHIPPING_SECONDS", 0.01)
    bench.redis.flushall()
    bench.budgets[0] = budget(str(LIMIT * STEP))
    asyncio.run(play(bench, actions))


@pytest.mark.parametrize("lost", [True, False])
def test_a_hold_that_is_settled_after_its_lease_is_counted_once(bench: Bench, lost: bool) -> None:
    async def work() -> None:
        async with bench.open(wait=0) as holds:
            hold = await reserve(holds, "1")
            if lost:
                bench.redis.zadd(hold.items[0].key + ":due", {hold.id: 1})
                await holds.release(await reserve(holds, "0"))
                assert bench.dollars("held") == 0
            await holds.settle(hold, Decimal("0.5"))
            assert (bench.dollars("spent"), bench.dollars("held")) == (Decimal("0.5"), 0)

    asyncio.run(work())
