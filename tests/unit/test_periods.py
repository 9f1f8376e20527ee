"""Calendar periods in every time zone: days add up to their month, whatever the clocks did."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian import periods
from guardian.errors import ValidationError
from guardian.periods import DAY, HOUR, Window, local_date, local_days, local_midnight, zone

ZONES = sorted(available_timezones())
TICK = timedelta(microseconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def month_of(day: date) -> tuple[date, date]:
    """First and last day of a month."""
    first = day.replace(day=1)
    return first, (first + 32 * DAY).replace(day=1) - DAY


def assert_sound_month(first: date, last: date, tz: ZoneInfo) -> None:
    """The days of a month are whole, follow each other without a gap, and add up to the month."""
    days = local_days(first, last, tz)
    assert len(days) == last.day
    assert days[0].start == local_midnight(first, tz)
    assert days[-1].end == local_midnight(last + DAY, tz)
    assert all(a.end == b.start for a, b in pairwise(days))
    assert sum((d.end - d.start for d in days), timedelta()) == days[-1].end - days[0].start
    for number, window in enumerate(days):
        day = first + number * DAY
        assert window.start.tzinfo is UTC
        # The first instant of the day is that day (or later, where the zone never had it); the one before is not yet.
        assert local_date(window.start, tz) >= day > local_date(window.start - TICK, tz)
        if window.start == window.end:
            continue
        assert local_date(window.start, tz) == local_date(window.end - TICK, tz) == day


@pytest.mark.parametrize("year", [2011, 2026])
def test_days_add_up_to_their_month_in_every_zone(year: int) -> None:
    for name in ZONES:
        for month in range(1, 13):
            assert_sound_month(*month_of(date(year, month, 1)), zone(name))


@settings(max_examples=300)
@given(name=st.sampled_from(ZONES), day=st.dates(date(1900, 1, 1), date(2037, 12, 31)))
def test_days_add_up_to_their_month_in_any_zone_at_any_time(name: str, day: date) -> None:
    assert_sound_month(*month_of(day), zone(name))


@pytest.mark.parametrize(
    ("name", "day", "start", "hours"),
    [
        ("UTC", "2026-03-29", "2026-03-29T00:00", 24),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", 25),
        ("America/New_York", "2026-03-08", "2026-03-08T05:00", 23),
        ("Asia/Kathmandu", "2026-03-08", "2026-03-07T18:15", 24),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30", 23.5),
        # midnight did not exist: the day began at one o'clock
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", 23),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00", 23),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00", 23),
        # … or at half past midnight, after a gap from 23:30 on
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30", 23.5),
        ("America/Toronto", "1919-03-30", "1919-03-30T05:00", 23.5),
        # the hour before midnight came twice
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00", 25),
        ("Asia/Beirut", "2026-10-24", "2026-10-23T21:00", 25),
        ("Africa/Cairo", "2026-10-29", "2026-10-28T21:00", 25),
        # the hour after midnight came twice: the day begins with the first
        ("America/Havana", "2026-11-01", "2026-11-01T04:00", 25),
        # a day that never was, and its neighbours
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", 24),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-21T12:00", 0),
    ],
)
def test_days_of_which_the_clocks_made_something_odd(name: str, day: str, start: str, hours: float) -> None:
    [window] = local_days(date.fromisoformat(day), date.fromisoformat(day), zone(name))
    assert window == Window(utc(start), utc(start) + hours * HOUR)


def test_a_skipped_day_leaves_its_month_whole() -> None:
    days = local_days(date(2011, 12, 1), date(2011, 12, 31), zone("Pacific/Apia"))
    assert sum((d.end - d.start for d in days), timedelta()) == 30 * DAY


def test_every_moment_of_a_year_lies_in_the_window_of_its_local_day() -> None:
    for name in ("America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "America/Havana", "Pacific/Apia", "Asia/Gaza"):
        tz = zone(name)
        days = local_days(date(2011, 1, 1), date(2011, 12, 31), tz)
        for number, window in enumerate(days):
            moment = window.start
            while moment < window.end:
                assert local_date(moment, tz) == date(2011, 1, 1) + number * DAY
                moment += timedelta(minutes=30)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "europe/berlin2", "../etc/passwd", "/etc/passwd", "Europe", "a" * 999]
)
def test_an_unknown_zone_is_the_callers_mistake(name: str) -> None:
    with pytest.raises(ValidationError, match="Use an IANA name such as Europe/Berlin") as caught:
        zone(name)
    assert caught.value.details[0]["field"] == "tz"


def test_floors_are_in_utc_whatever_the_zone_of_the_moment() -> None:
    moment = datetime(2026, 11, 1, 0, 59, 59, 999_999, ZoneInfo("Asia/Kathmandu"))  # 31 October, 19:14:59.999999 UTC
    assert periods.floor_hour(moment) == utc("2026-10-31T19:00")
    assert periods.floor_day(moment) == utc("2026-10-31")
    assert periods.floor_month(moment) == utc("2026-10-01")
    assert periods.floor_hour(utc("2026-10-31T19:00")) == utc("2026-10-31T19:00")


@given(st.dates(date(1970, 1, 1), date(2100, 12, 31)))
def test_the_next_month_is_the_next_month(day: date) -> None:
    month = datetime(day.year, day.month, 1, tzinfo=UTC)
    after = periods.next_month(month)
    assert (after.year * 12 + after.month) - (month.year * 12 + month.month) == 1
    assert after.day == 1


@given(
    start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    length=st.integers(0, 40 * 24 * 60),
    size=st.integers(1, 31 * 24 * 60),
)
def test_chunks_cover_a_window_once_and_in_order(start: datetime, length: int, size: int) -> None:
    whole = Window(start, start + timedelta(minutes=length))
    pieces = list(whole.chunks(timedelta(minutes=size)))
    assert [p.start for p in pieces] == [start + timedelta(minutes=m) for m in range(0, length, size)]
    assert all(a.end == b.start for a, b in pairwise(pieces))
    assert all(timedelta() < p.end - p.start <= timedelta(minutes=size) for p in pieces)
    assert (pieces[-1].end == whole.end) if pieces else length == 0


@pytest.mark.parametrize(
    ("day", "before"),
    [
        ("2026-11-22", "2026-10-22"),
        ("2026-03-31", "2026-02-28"),
        ("2028-03-30", "2028-02-29"),
        ("2026-01-31", "2025-12-31"),
        ("2026-05-31", "2026-04-30"),
        ("2026-03-01", "2026-02-01"),
    ],
)
def test_the_same_day_of_the_previous_month(day: str, before: str) -> None:
    assert periods.same_day_of_previous_month(date.fromisoformat(day)) == date.fromisoformat(before)
    assert periods.month_start(date.fromisoformat(day)) == date.fromisoformat(day[:8] + "01")


def test_now_is_aware_and_in_utc() -> None:
    assert periods.utcnow().tzinfo is UTC


@settings(max_examples=100)
@given(
    name=st.sampled_from(ZONES),
    first=st.dates(date(1970, 1, 1), date(2037, 12, 31)),
    days=st.integers(0, 800),
)
def test_months_are_the_sum_of_their_days(name: str, first: date, days: int) -> None:
    tz, last = zone(name), first + days * DAY
    months = periods.local_months(first, last, tz)
    assert months[0].start == local_midnight(first.replace(day=1), tz)
    assert months[-1].end == local_midnight(month_of(last)[1] + DAY, tz)
    assert all(a.end == b.start for a, b in pairwise(months))
    assert len(months) == (last.year - first.year) * 12 + last.month - first.month + 1


@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("Europe/Berlin", "2026-06-01", [1] * 24),
        ("Europe/Berlin", "2026-03-29", [1] * 23),
        ("Europe/Berlin", "2026-10-25", [1] * 25),
        ("Asia/Kathmandu", "2026-06-01", [1] * 24),
        ("America/Sao_Paulo", "2018-11-04", [1] * 23),
        ("Australia/Lord_Howe", "2026-10-04", [1, 1.5, *[1] * 21]),
        ("Australia/Lord_Howe", "2026-04-05", [1, 1.5, *[1] * 22]),
    ],
)
def test_hours_of_a_day_are_cut_where_the_local_clock_shows_them(name: str, day: str, hours: list[float]) -> None:
    [window] = local_days(date.fromisoformat(day), date.fromisoformat(day), zone(name))
    found = periods.local_hours(window, zone(name))
    assert [(h.end - h.start) / HOUR for h in found] == hours
    assert (found[0].start, found[-1].end) == (window.start, window.end)
    assert all(h.start.astimezone(zone(name)).minute == 0 for h in found)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 10)), max_size=12))
def test_united_windows_cover_the_same_time_once(spans: list[tuple[int, int]]) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    united = periods.united(Window(start + a * HOUR, start + (a + n) * HOUR) for a, n in spans)
    covered = {hour for a, n in spans for hour in range(a, a + n)}
    assert {h for h in range(80) for w in united if w.start <= start + h * HOUR < w.end} == covered
    assert all(a.end < b.start for a, b in pairwise(united))
    assert sum((w.end - w.start for w in united), timedelta()) == len(covered) * HOUR
