"""A month's end is told with an honest interval, and a plain method stays where nothing proves better."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.services.guard.analysis.forecast import Forecast, forecast
from guardian.services.guard.analysis.methods import METHODS, NAIVE
from tests.unit.guard.judging import judge_forecasts

START, END = date(2026, 11, 1), date(2026, 12, 1)
NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)


def told(amounts: list[Decimal], now: datetime = NOON, today: Decimal | None = None) -> Forecast | None:
    """By these amounts of the days up to yesterday."""
    yesterday = now.date() - timedelta(days=1)
    days = [(yesterday - timedelta(days=back), amount) for back, amount in enumerate(reversed(amounts))][::-1]
    return forecast([*days, *([] if today is None else [(now.date(), today)])], START, END, now)


def test_intervals_cover_eight_in_ten_months_of_24_series() -> None:
    """One seed that nothing was set by, one day of each month; `make bench` asks three seeds on six days."""
    judged = judge_forecasts(41, on=(13,))
    assert judged.asked > 200
    assert 75 <= judged.coverage <= 85
    assert sum(judged.off) < sum(judged.naive)


def test_what_never_changes_is_known() -> None:
    """Half of today is to come; the other half is known."""
    found = told([Decimal(10)] * 60, today=Decimal(5))
    assert found is not None
    assert (found.total, found.low, found.high, found.error) == (300, 300, 300, 0)
    assert found.method in NAIVE


def test_a_week_is_seen() -> None:
    week = [Decimal(n) for n in (70, 70, 70, 70, 70, 7, 0)]
    first = NOON.date() - timedelta(days=70)
    found = told([week[(first.weekday() + n) % 7] for n in range(70)], NOON.replace(hour=0))
    assert found is not None
    assert found.total == sum(week[(START + timedelta(days=n)).weekday()] for n in range(15, 30)) + sum(
        week[(START + timedelta(days=n)).weekday()] for n in range(15)
    )
    assert "weekday" in found.method or "week again" in found.method


def test_month_ends_that_come_back_are_expected() -> None:
    first = date(2026, 4, 1)
    days = [first + timedelta(days=n) for n in range((NOON.date() - first).days)]
    amounts = [Decimal(500 if (day + timedelta(days=1)).day == 1 else 10) for day in days]
    found = told(amounts, NOON.replace(hour=0))
    assert found is not None
    assert found.method == "usual weekdays with month ends"
    assert found.total == 29 * 10 + 500


@pytest.mark.parametrize("count", [1, 2, 5, 13])
def test_a_young_series_has_an_interval_and_no_error(count: int) -> None:
    found = told([Decimal(10 + n % 3) for n in range(count)])
    assert found is not None
    assert found.error is None
    assert found.low < found.total < found.high


def test_without_a_day_nothing_is_told() -> None:
    assert told([]) is None
    assert forecast([(NOON.date(), Decimal(3))], START, END, NOON) is None


def test_a_period_that_is_over_is_a_fact_and_one_to_come_is_told_whole() -> None:
    days = [(START + timedelta(days=n), Decimal(2)) for n in range(30)]
    over = forecast(days, START, END, datetime(2026, 12, 3, tzinfo=UTC))
    assert over == Forecast(Decimal(60), Decimal(60), Decimal(60), "over", None)
    following = forecast(days, END, date(2027, 1, 1), datetime(2026, 12, 1, tzinfo=UTC))
    assert following is not None
    assert following.total == 62


@pytest.mark.parametrize(
    ("start", "end", "now", "count"),
    [
        (date(2026, 10, 1), date(2027, 1, 1), datetime(2026, 11, 16, 12, tzinfo=UTC), 300),
        (date(2026, 10, 1), date(2027, 1, 1), datetime(2026, 10, 2, tzinfo=UTC), 400),
        (date(2026, 1, 1), date(2027, 1, 1), datetime(2026, 3, 16, 12, tzinfo=UTC), 300),
        (date(2026, 1, 1), date(2027, 1, 1), datetime(2026, 8, 16, tzinfo=UTC), 400),
        (date(2026, 11, 17), date(2027, 2, 15), datetime(2026, 11, 16, 12, tzinfo=UTC), 365),
    ],
)
def test_of_a_quarter_or_a_year_only_what_is_over_is_tried(start: date, end: date, now: datetime, count: int) -> None:
    """A day that has not come yet is none that cost nothing: what never changes is known for any length."""
    days = [(now.date() - timedelta(days=back), Decimal(10)) for back in range(count, 0, -1)]
    found = forecast(days, start, end, now)
    assert found is not None
    left = end - max(now.date(), start)
    gone = sum(1 for day, _ in days if start <= day < end)
    today = Decimal("0.5") if now.hour and start <= now.date() else Decimal(0)
    total = 10 * (gone + left.days - today)
    assert (found.total, found.low, found.high) == (total, total, total)
    assert found.error in (0, None)


_amounts = st.lists(st.decimals(0, 10**9, places=10), min_size=1, max_size=120)


@settings(max_examples=60)
@given(amounts=_amounts, hour=st.integers(0, 23))
def test_whatever_the_days_the_interval_holds_the_total_and_what_is_spent(amounts: list[Decimal], hour: int) -> None:
    found = told(amounts, NOON.replace(hour=hour))
    assert found is not None
    spent = sum(amounts[-15:], Decimal(0))
    assert spent - Decimal("0.01") <= found.low <= found.total <= found.high
    assert found.method in METHODS
