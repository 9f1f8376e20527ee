"""Budget periods: those of the calendar follow each other without a gap in every zone; rolling ones keep their span."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.models.enums import BudgetPeriod
from guardian.periods import HOUR, floor_hour
from guardian.services.guard.budgets import HardBudget, Scope

ZONES = sorted(available_timezones())
MOMENT = timedelta(microseconds=1)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))


def budget(**facts: Any) -> HardBudget:
    given: dict[str, Any] = {
        "id": "b",
        "organization_id": "o",
        "name": "b",
        "scope": Scope("organization"),
        "limit": Decimal(100),
        "period": BudgetPeriod.MONTHLY,
        "time_zone": "UTC",
    }
    return HardBudget(**{**given, **facts})


@given(zone=st.sampled_from(ZONES), period=st.sampled_from(BudgetPeriod), moment=moments)
def test_periods_tile_the_calendar(zone: str, period: BudgetPeriod, moment: datetime) -> None:
    """Every moment lies in one period, and where that ends the next one begins: on days of 23 and 25 hours, too."""
    limit = budget(period=period, time_zone=zone)
    window = limit.window(moment)
    assert window.start <= moment < window.end
    assert limit.window(window.start) == limit.window(window.end - MOMENT) == window
    assert limit.window(window.end).start == window.end
    assert limit.window(window.start - MOMENT).end == window.start


@pytest.mark.parametrize("period", [BudgetPeriod.WEEKLY, BudgetPeriod.MONTHLY, BudgetPeriod.QUARTERLY])
def test_a_year_is_covered_in_every_zone(period: BudgetPeriod) -> None:
    for zone in ZONES:
        limit = budget(period=period, time_zone=zone)
        window = limit.window(datetime(2026, 1, 1, 12, tzinfo=UTC))
        covered = [window]
        while window.end < datetime(2027, 1, 1, tzinfo=UTC):
            window = limit.window(window.end)
            assert window.start == covered[-1].end, zone
            covered.append(window)
        assert len(covered) in {BudgetPeriod.WEEKLY: (53, 54)}.get(period, (12, 13, 4, 5)), zone


@given(days=st.integers(1, 366), moment=moments)
def test_a_rolling_period_is_whole_hours_of_its_days(days: int, moment: datetime) -> None:
    limit = budget(rolling_days=days)
    window = limit.window(moment)
    assert window.start <= moment < window.end
    assert window.end - window.start == timedelta(days=days)
    assert (window.start, window.end) == (floor_hour(window.start), floor_hour(moment) + HOUR)
    # An hour on, it is the same counter that has an hour less.
    later = limit.window(moment + HOUR)
    assert (later.start, later.end) == (window.start + HOUR, window.end + HOUR)
    assert limit.counter(later) == limit.counter(window)


@given(
    limit=st.decimals(1, 100, places=2),
    raised=st.decimals(1, 100, places=2),
    seconds=st.integers(-100_000, 100_000),
)
def test_a_raise_ends_by_the_clock_and_never_lowers(limit: Decimal, raised: Decimal, seconds: int) -> None:
    until = datetime(2026, 11, 18, tzinfo=UTC)
    moment = until + timedelta(seconds=seconds)
    stands = budget(limit=limit, raised_limit=raised, raised_until=until).limit_at(moment)
    assert stands == (max(limit, raised) if seconds < 0 else limit)
