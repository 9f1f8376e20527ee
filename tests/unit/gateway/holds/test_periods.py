"""A period ends at the organization's midnight; what began before is settled where it was held."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from guardian.errors import BudgetExceeded
from guardian.models.enums import BudgetPeriod
from guardian.periods import local_days, utcnow
from tests.unit.gateway.holds.conftest import Bench, budget, reserve


def next_day(hours: int) -> datetime:
    """The next local day that lasts so long: Redis forgets the counters of days that are over."""
    tz, today = ZoneInfo("Europe/Berlin"), utcnow().date()
    days = local_days(today + timedelta(days=2), today + timedelta(days=400), tz)
    found = next(day for day in days if day.end - day.start == timedelta(hours=hours))
    return found.start.astimezone(tz).replace(tzinfo=None)


@pytest.mark.parametrize("hours", [23, 24, 25])
def test_a_new_day_has_new_room_from_local_midnight_on(bench: Bench, hours: int) -> None:
    day = next_day(hours)
    bench.budgets[0] = budget("1", period=BudgetPeriod.DAILY, time_zone="Europe/Berlin")
    start = day.replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    end = (day + timedelta(days=1)).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    clock = [start]

    async def work() -> None:
        async with bench.open(wait=0, now=lambda: clock[0]) as holds:
            hold = await reserve(holds, "1")
            clock[0] = end - timedelta(microseconds=1)
            with pytest.raises(BudgetExceeded) as refused:
                await reserve(holds, "1")
            assert refused.value.resets_at == end
            clock[0] = end
            await reserve(holds, "1")
            await holds.settle(hold, Decimal("0.75"))
            assert bench.dollars("spent", moment=start) == Decimal("0.75")
            assert bench.dollars("spent", moment=end) == 0

    asyncio.run(work())


_PROCESS = """
import asyncio, sys
from decimal import Decimal
from tests.unit.gateway.holds.conftest import Bench, Ledger, budget, reserve
from guardian.errors import BudgetExceeded

async def call(holds):
    try:
        hold = await reserve(holds, "0.05")
    except BudgetExceeded:
        return 0
    await asyncio.sleep(0.01)
    await holds.settle(hold, Decimal("0.04"))
    return 1

async def main():
    async with Bench(sys.argv[1], Ledger(), [budget("5")]).open() as holds:
        print(sum(await asyncio.gather(*(call(holds) for _ in range(200)))))

asyncio.run(main())
"""


def test_real_processes_share_one_limit(bench: Bench) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", _PROCESS, bench.url], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    passed = [int(process.communicate(timeout=60)[0]) for process in running]
    spent = bench.dollars("spent")
    assert spent == sum(passed) * Decimal("0.04")
    # No call was refused that fits: the last that may go out leaves less than its worst case.
    assert 5 - Decimal("0.05") < spent <= 5
    assert bench.dollars("held") == 0
