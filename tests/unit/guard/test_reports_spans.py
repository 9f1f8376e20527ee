"""Weeks and months of reports follow each other without a gap, in every zone, and are over before they are told."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.errors import ValidationError
from guardian.services.guard.reports.spans import RECURRING, Kind, last_over, period_of

NOW = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
# The leap that skipped 30 December 2011 in Apia, and zones off by a half and a quarter of an hour among them.
_zones = st.sampled_from(sorted(zone for zone in available_timezones() if "/" in zone))
_moments = st.datetimes(datetime(2001, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))


@settings(max_examples=200)
@given(name=_zones, now=_moments, kind=st.sampled_from(RECURRING))
def test_recurring_periods_tile_time(name: str, now: datetime, kind: Kind) -> None:
    tz = ZoneInfo(name)
    period = last_over(kind, tz, now)
    assert period.current.window.end <= now
    assert period.previous.window.end == period.current.window.start
    following = period_of(kind, tz, period.current.last + timedelta(days=1), None, now + timedelta(days=40))
    assert following.current.window.start == period.current.window.end
    assert now < following.current.window.end
    assert following.previous == period.current


@pytest.mark.parametrize(
    ("first", "last", "label"),
    [
        (date(2026, 11, 1), date(2026, 11, 30), "November 2026"),
        (date(2026, 11, 16), date(2026, 11, 22), "16 to 22 November 2026"),
        (date(2026, 3, 30), date(2026, 4, 5), "30 March to 5 April 2026"),
        (date(2025, 12, 29), date(2026, 1, 4), "29 December 2025 to 4 January 2026"),
        (date(2026, 2, 3), None, "3 February 2026"),
    ],
)
def test_labels(first: date, last: date | None, label: str) -> None:
    assert period_of("custom", BERLIN, first, last, datetime(2027, 1, 1, tzinfo=UTC)).current.label == label


def test_days_that_are_not_over_are_compared_with_as_long_a_time() -> None:
    period = period_of("custom", BERLIN, date(2026, 11, 22), date(2026, 11, 25), NOW)
    assert period.current.window.end == NOW
    assert period.previous.first == date(2026, 11, 18)
    assert period.previous.last == date(2026, 11, 21)
    whole, before = period.current.window, period.previous.window
    assert whole.end - whole.start == before.end - before.start


@pytest.mark.parametrize(("kind", "first"), [("weekly", date(2026, 11, 23)), ("monthly", date(2026, 11, 1))])
def test_a_week_or_month_that_runs_is_refused(kind: Kind, first: date) -> None:
    with pytest.raises(ValidationError, match="not over"):
        period_of(kind, BERLIN, first, None, NOW)
