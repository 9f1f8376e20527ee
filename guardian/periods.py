"""UTC instants, bucket widths, and calendar periods in a time zone. No other module does arithmetic on dates."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from guardian.errors import ValidationError

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def utcnow() -> datetime:
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """The instant in UTC, with a Z: 2026-11-23T06:00:00Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def floor_hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def ceil_hour(moment: datetime) -> datetime:
    """The first full UTC hour that does not begin before the moment."""
    floor = floor_hour(moment)
    return floor if floor == moment else floor + HOUR


def floor_day(moment: datetime) -> datetime:
    """Start of the UTC day."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return datetime(utc.year, utc.month, utc.day, tzinfo=UTC)


def floor_month(moment: datetime) -> datetime:
    """Start of the UTC month."""
    return floor_day(moment).replace(day=1)


def next_month(month: datetime) -> datetime:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises ValidationError for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError(
            f"Unknown time zone {name!r}. Use an IANA name such as Europe/Berlin.",
            details=[{"field": "tz", "message": "unknown IANA time zone"}],
        ) from None


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time: `start` inclusive, `end` exclusive, both UTC."""

    start: datetime
    end: datetime

    def chunks(self, size: timedelta) -> Iterator["Window"]:
        """This span cut at multiples of `size` from its start; the last piece may be shorter."""
        start = self.start
        while start < self.end:
            end = min(start + size, self.end)
            yield Window(start, end)
            start = end


def united(windows: Iterable[Window]) -> list[Window]:
    """The time that these windows cover, in order: windows that overlap or touch become one."""
    found: list[Window] = []
    for window in sorted(windows, key=lambda w: w.start):
        if found and window.start <= found[-1].end:
            found[-1] = Window(found[-1].start, max(found[-1].end, window.end))
        else:
            found.append(window)
    return found


def local_midnight(day: date, tz: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC. Where midnight does not exist (DST), the first instant after the gap.

    A day that the zone never had (Apia, 30 December 2011) gets the first instant of the next one: it lasts no time.
    """
    midnight = datetime.combine(day, time.min, tz)
    latest = midnight.astimezone(UTC)
    if latest.astimezone(tz).date() >= day > (latest - timedelta(seconds=1)).astimezone(tz).date():
        return latest
    # The gap began before midnight (Toronto, 30 March 1919, 23:30): its end lies between both readings of midnight.
    earliest = midnight.replace(fold=1).astimezone(UTC)
    seconds = range(int((latest - earliest).total_seconds()))
    past = bisect_left(seconds, True, key=lambda s: (earliest + timedelta(seconds=s)).astimezone(tz).date() >= day)
    return earliest + timedelta(seconds=past)


def local_days(first: date, last: date, tz: ZoneInfo) -> list[Window]:
    """One window per local calendar day from `first` to `last`, both inclusive, without gaps; mostly 23 to 25 hours."""
    edges = [local_midnight(first + i * DAY, tz) for i in range((last - first).days + 2)]
    return [Window(a, b) for a, b in pairwise(edges)]


def local_weeks(first: date, last: date, tz: ZoneInfo) -> list[Window]:
    """One window per local calendar week (from Monday), from that of `first` to that of `last`, without gaps."""
    edges = [local_midnight(week_start(first), tz)]
    monday = week_start(first)
    while monday <= last:
        monday += 7 * DAY
        edges.append(local_midnight(monday, tz))
    return [Window(a, b) for a, b in pairwise(edges)]


def local_months(first: date, last: date, tz: ZoneInfo) -> list[Window]:
    """One window per local calendar month, from that of `first` to that of `last`, both inclusive, without gaps."""
    starts = [month_start(first)]
    while starts[-1] <= last:
        starts.append((starts[-1] + 32 * DAY).replace(day=1))
    edges = [local_midnight(start, tz) for start in starts]
    return [Window(a, b) for a, b in pairwise(edges)]


def local_hours(day: Window, tz: ZoneInfo) -> list[Window]:
    """A local day's window cut where the local clock shows a full hour.

    Where DST moves the clock by half an hour (Lord Howe), the hour of the change lasts 90 minutes.
    """
    edges = [day.start]
    moment = day.start.replace(minute=day.start.minute // 15 * 15, second=0, microsecond=0)
    while (moment := moment + timedelta(minutes=15)) < day.end:
        if moment.astimezone(tz).minute == 0:
            edges.append(moment)
    return [Window(a, b) for a, b in pairwise([*edges, day.end])]


CalendarUnit = Literal["day", "week", "month", "quarter", "year"]


def calendar_period(moment: datetime, unit: CalendarUnit, tz: ZoneInfo) -> Window:
    """The local day, week (from Monday), month, quarter or year that the moment lies in."""
    day = local_date(moment, tz)
    first, following = _calendar_edges(day, unit)
    return Window(local_midnight(first, tz), local_midnight(following, tz))


def _calendar_edges(day: date, unit: CalendarUnit) -> tuple[date, date]:
    """The first day of the period and that of the next one."""
    if unit == "day":
        return day, day + DAY
    if unit == "week":
        return week_start(day), week_start(day) + 7 * DAY
    if unit == "year":
        return date(day.year, 1, 1), date(day.year + 1, 1, 1)
    first = month_start(day) if unit == "month" else date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    # 32 days on from the first of a month is in the next one, and 94 in the next quarter.
    return first, month_start(first + (32 if unit == "month" else 94) * DAY)


def rolling_period(moment: datetime, days: int) -> Window:
    """So many times 24 whole UTC hours, up to the end of the hour that the moment lies in."""
    end = floor_hour(moment) + HOUR
    return Window(end - days * DAY, end)


def local_date(moment: datetime, tz: ZoneInfo) -> date:
    return moment.astimezone(tz).date()


def week_start(day: date) -> date:
    """The Monday of that week."""
    return day - day.weekday() * DAY


def month_start(day: date) -> date:
    return day.replace(day=1)


def same_day_of_previous_month(day: date) -> date:
    """The same day number one month earlier, or that month's last day when it is shorter (31 March → 28 February)."""
    last = day.replace(day=1) - DAY
    return last.replace(day=min(day.day, last.day))
