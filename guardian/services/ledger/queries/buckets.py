"""The calendar windows of a query, and the SQL that says in which of them an hour lies.

An hour of the rollups belongs to the bucket in which it starts. In zones that are off by half an hour or a quarter, the
UTC hour that contains local midnight therefore counts to the day that ends in it. The edges come from Python's zone
data alone, so that no difference to the database's own can lose an hour; that makes days add up to their month in every
zone.
"""

from datetime import date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from sqlalchemy import cast, func
from sqlalchemy.dialects.postgresql import ARRAY

from guardian import periods
from guardian.models.base import TIMESTAMP
from guardian.periods import Window
from guardian.services.ledger.queries.dimensions import Expression, Ledger, hour_of, refuse
from guardian.services.ledger.views import Bucket

_MOST_DAYS = 400
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_MOST_DAYS_OF_HOURS = 31


def check_range(start: datetime, end: datetime, tz: ZoneInfo) -> None:
    """Raises ValidationError unless [start, end) is a span of at most 400 local days, with offsets to UTC."""
    for name, moment in (("from", start), ("to", end)):
        if moment.tzinfo is None:
            raise refuse(name, f"The time {name!r} has no offset to UTC. Write it like 2026-11-01T00:00:00Z.")
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise refuse(name, f"The time {name!r} is outside the years {_FIRST_YEAR} to {_LAST_YEAR}.")
    if start >= end:
        raise refuse("from", "The range is empty: 'from' must be before 'to'.")
    check_days(*_dates(start, end, tz))


def check_days(first: date, last: date) -> None:
    """Raises ValidationError unless `first` to `last`, both inclusive, are from 1 to 400 days."""
    for name, day in (("from", first), ("to", last)):
        if not _FIRST_YEAR - 1 <= day.year <= _LAST_YEAR + 1:
            raise refuse(name, f"The day {name!r} is outside the years {_FIRST_YEAR} to {_LAST_YEAR}.")
    if first > last:
        raise refuse("from", "The range is empty: 'from' must be before 'to'.")
    if (days := (last - first).days + 1) > _MOST_DAYS:
        raise refuse("to", f"The range has {days} days. Ask for at most {_MOST_DAYS}.")


def windows(bucket: Bucket | None, start: datetime, end: datetime, tz: ZoneInfo) -> list[Window]:
    """The calendar hours, days, weeks or months of the zone in [start, end), the first and last cut to it.

    Without a bucket, the whole range. Raises ValidationError for an unknown bucket, and for hours over more than 31
    days.
    """
    whole = Window(start, end)
    if bucket is None:
        return [whole]
    if bucket not in get_args(Bucket):
        raise refuse("bucket", f"Unknown bucket {bucket!r}. Choose {', '.join(get_args(Bucket))}.")
    if bucket == "hour" and (days := _days(start, end, tz)) > _MOST_DAYS_OF_HOURS:
        raise refuse("bucket", f"Hours over {days} days are too many. Ask for at most {_MOST_DAYS_OF_HOURS} days.")
    first, last = _dates(start, end, tz)
    cutters = {"month": periods.local_months, "week": periods.local_weeks}
    found = cutters.get(bucket, periods.local_days)(first, last, tz)
    if bucket == "hour":
        found = [hour for day in found for hour in periods.local_hours(day, tz)]
    cut = (Window(max(w.start, start), min(w.end, end)) for w in found)
    return [w for w in cut if w.start < w.end]


def number(table: Ledger, cut: list[Window]) -> Expression:
    """In which of the adjoining windows a row's hour lies, from 1 on."""
    return func.width_bucket(hour_of(table), cast([w.start for w in cut], ARRAY(TIMESTAMP)))


def _dates(start: datetime, end: datetime, tz: ZoneInfo) -> tuple[date, date]:
    return periods.local_date(start, tz), periods.local_date(end - timedelta(microseconds=1), tz)


def _days(start: datetime, end: datetime, tz: ZoneInfo) -> int:
    first, last = _dates(start, end, tz)
    return (last - first).days + 1
