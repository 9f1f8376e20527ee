"""What is usual for an hour follows the week, and one spike neither hides the next nor is taken for usual."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from guardian.periods import HOUR
from guardian.services.guard.analysis.baseline import expected, spikes
from tests.unit.guard.judging import judge_spikes

START = datetime(2026, 9, 7, tzinfo=UTC)  # a Monday


def hours(count: int, tz: ZoneInfo | None = None) -> list[tuple[datetime, Decimal]]:
    """Ten dollars an hour by day, two by night, one on weekends; by the clock of the zone."""
    found: list[tuple[datetime, Decimal]] = []
    for n in range(count):
        local = (START + n * HOUR).astimezone(tz or UTC)
        by_day = 10 if 8 <= local.hour < 20 else 2
        found.append((START + n * HOUR, Decimal(1 if local.weekday() >= 5 else by_day)))
    return found


def test_planted_spikes_are_called_out_and_little_else() -> None:
    """One seed that nothing was set by; `make bench` prints the figures of three."""
    found = judge_spikes(41)
    assert found.planted > 60
    assert found.precision >= 85
    assert found.recall >= 85


def test_the_hour_of_the_week_decides() -> None:
    known = hours(6 * 168)
    monday = START + timedelta(weeks=6)
    noon, night, sunday = (
        expected(known, at, UTC) for at in (monday + 12 * HOUR, monday + 3 * HOUR, monday - 12 * HOUR)
    )
    assert noon is not None
    assert night is not None
    assert sunday is not None
    assert (noon.value, night.value, sunday.value) == (10, 2, 1)
    assert noon.low < 10 < noon.high < 20


def test_weeks_are_those_of_the_zone() -> None:
    """Eight in New York stays eight when its clocks are set back."""
    tz = ZoneInfo("America/New_York")
    known = hours(10 * 168, tz)
    after = datetime(2026, 11, 5, 8, tzinfo=tz).astimezone(UTC)
    found = expected(known, after, tz)
    assert found is not None
    assert found.value == 10


def test_two_weeks_are_needed() -> None:
    assert expected(hours(13 * 24), START + 13 * 24 * HOUR, UTC) is None
    assert spikes([], START, UTC) == []


def test_a_spike_is_told_with_its_excess_and_the_next_one_too() -> None:
    known = hours(6 * 168)
    for place in (800, 801, 802, 950):
        known[place] = (known[place][0], Decimal(100))
    first, second = spikes(known, START + 5 * 100 * HOUR, UTC)
    assert (first.start, first.end) == (START + 800 * HOUR, START + 803 * HOUR)
    assert first.value == 300
    assert first.excess == first.value - first.expected > 250
    assert second.start == START + 950 * HOUR


def test_where_most_hours_have_nothing_a_usual_amount_is_no_spike() -> None:
    """Once a day at another hour each time; then ten times as much."""
    known = [(START + n * HOUR, Decimal(5 if n % 24 == n // 24 * 7 % 24 else 0)) for n in range(40 * 24)]
    assert spikes(known, START + 30 * 24 * HOUR, UTC) == []
    known[-5] = (known[-5][0], Decimal(50))
    assert [spike.value for spike in spikes(known, START + 30 * 24 * HOUR, UTC)] == [50]
