"""The windows of rules: what they look back over, what that is compared with, and how sums are cut for many of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.periods import HOUR, Window, ceil_hour, floor_hour, local_date
from guardian.services.guard.alerts.metrics import WINDOWS
from guardian.services.guard.watching.grid import NOTHING, Grid, Sum, Sums, collected
from guardian.services.guard.watching.windows import before, period_of, weeks_before, window_of

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))


@given(name=st.sampled_from(list(WINDOWS)), moment=MOMENTS, zone=st.sampled_from(ZONES))
def test_a_window_ends_with_its_moment_and_the_one_before_ends_where_it_begins(
    name: str, moment: datetime, zone: str
) -> None:
    tz = ZoneInfo(zone)
    window, earlier = window_of(name, moment, tz), before(name, moment, tz)
    assert window.start < moment <= window.end == ceil_hour(moment)
    assert earlier.start < earlier.end <= window.start
    if period_of(name, window):
        start = window.start.astimezone(tz)
        assert (start - timedelta(microseconds=1)).date() < start.date(), "a local day begins"
        assert earlier.end - earlier.start <= moment - window.start
    else:
        assert earlier.end == window.start
        assert earlier.end - earlier.start == moment - window.start
    weeks = weeks_before(window, moment, 3)
    assert {week.end - week.start for week in weeks} == {moment - window.start}
    assert [moment - week.end for week in weeks] == [timedelta(days=7 * n) for n in (1, 2, 3)]


@pytest.mark.parametrize("zone", ZONES)
def test_at_midnight_a_calendar_window_is_the_day_that_has_just_ended(zone: str) -> None:
    tz = ZoneInfo(zone)
    midnight = datetime(2026, 10, 26, tzinfo=tz).astimezone(UTC)
    whole = window_of("day", midnight, tz)
    assert local_date(whole.start, tz).isoformat() == "2026-10-25"
    after = window_of("day", midnight + timedelta(minutes=1), tz)
    assert after.start == midnight
    assert period_of("day", whole) != period_of("day", after)


SPANS = st.lists(
    st.tuples(st.integers(0, 3_000), st.integers(1, 3_000)).map(
        lambda pair: Window(_at(pair[0]), _at(pair[0] + pair[1]))
    ),
    min_size=1,
    max_size=6,
)


def _at(minutes: int) -> datetime:
    return datetime(2026, 11, 18, tzinfo=UTC) + timedelta(minutes=minutes)


@given(windows=SPANS, calls=st.lists(st.integers(0, 6_500), max_size=60))
def test_every_window_of_a_grid_has_its_own_calls_however_they_overlap(windows: list[Window], calls: list[int]) -> None:
    """Whole hours are summed up by the hour, as the ledger does it, and the others call by call."""
    grid = Grid.of(windows)
    assert all(floor_hour(edge) == edge for hour in grid.whole_hours for edge in (hour.start, hour.end))
    found: list[tuple[int, tuple[str | None, ...], Sum]] = []
    for minute in calls:
        at = _at(minute)
        hour = floor_hour(at)
        cut = any(part.start <= at < part.end for part in grid.cut_hours)
        whole = any(part.start <= hour and hour + HOUR <= part.end for part in grid.whole_hours)
        assert not (cut and whole)
        if cut or whole:
            moment = at if cut else hour
            place = sum(edge <= moment for edge in grid.edges)
            found.append((place, ("a",), Sum(Decimal(1), requests=minute)))
    sums = Sums(grid, collected(found))
    for window in windows:
        inside = [minute for minute in calls if window.start <= _at(minute) < window.end]
        expected = Sum(Decimal(len(inside)), requests=sum(inside)) if inside else NOTHING
        of = sums.of(("a",), window) if found else NOTHING
        assert (of.cost, of.requests) == (expected.cost, expected.requests)
        assert not found or sums.has(("a",), window) is bool(inside)
