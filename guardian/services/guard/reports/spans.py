"""The period of a report, the one before it, and which ones are due: calendar weeks and months of a time zone."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from guardian.errors import ValidationError
from guardian.periods import DAY, Window, local_date, local_midnight, month_start, week_start

Kind = Literal["weekly", "monthly", "custom"]
RECURRING: tuple[Kind, ...] = ("weekly", "monthly")
_MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Span:
    """The local days from `first` to `last`, both inclusive; of a span that is not over, `window` ends now."""

    first: date
    last: date
    window: Window

    @property
    def label(self) -> str:
        """ "November 2026", "16 to 22 November 2026", "30 March to 5 April 2026"."""
        first, last = self.first, self.last
        if first == month_start(first) and last == _month_end(first):
            return f"{first:%B %Y}"
        if first == last:
            return f"{first.day} {first:%B %Y}"
        if first.year != last.year:
            return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
        if first.month != last.month:
            return f"{first.day} {first:%B} to {last.day} {last:%B %Y}"
        return f"{first.day} to {last.day} {last:%B %Y}"


@dataclass(frozen=True, slots=True)
class Period:
    """What a report is about, and what it is compared with."""

    kind: Kind
    tz: ZoneInfo
    current: Span
    previous: Span

    @property
    def title(self) -> str:
        return f"Week of {self.current.label}" if self.kind == "weekly" else self.current.label


def period_of(kind: Kind, tz: ZoneInfo, first: date, last: date | None, now: datetime) -> Period:
    """The week or month that `first` lies in, or the days from `first` to `last`.

    Raises ValidationError for days that are empty, too many or not begun, and for a week or month that is not over: it
    is made by itself when it is, and until then its days can be asked for.
    """
    if kind == "weekly":
        first = week_start(first)
        last, before = first + 6 * DAY, first - 7 * DAY
    elif kind == "monthly":
        first = month_start(first)
        last, before = _month_end(first), month_start(first - DAY)
    else:
        last = last or first
        before = first - (last - first) - DAY
    _check(kind, tz, first, last, now)
    end = local_midnight(last + DAY, tz)
    current = Span(first, last, Window(local_midnight(first, tz), min(end, now)))
    return Period(kind, tz, current, _before(current, before, tz, over=end <= now))


def last_over(kind: Kind, tz: ZoneInfo, now: datetime) -> Period:
    """The week or month that ended last."""
    today = local_date(now, tz)
    start = week_start(today) if kind == "weekly" else month_start(today)
    return period_of(kind, tz, start - DAY, None, now)


def _before(current: Span, first: date, tz: ZoneInfo, *, over: bool) -> Span:
    start, last = local_midnight(first, tz), current.first - DAY
    whole = Window(start, current.window.start)
    if over:
        return Span(first, last, whole)
    end = min(start + (current.window.end - current.window.start), whole.end)
    return Span(first, last, Window(start, end))


def _check(kind: Kind, tz: ZoneInfo, first: date, last: date, now: datetime) -> None:
    if not 2000 <= first.year <= 2100:
        raise _wrong("from", "Give days of the years 2000 to 2100.")
    if last < first:
        raise _wrong("to", "The last day lies before the first one.")
    if (count := (last - first).days + 1) > _MOST_DAYS:
        raise _wrong("to", f"A report is about at most {_MOST_DAYS} days; these are {count}.")
    today = local_date(now, tz)
    if first > today:
        raise _wrong("from", "This period has not begun.")
    if kind != "custom" and last >= today:
        name = "week" if kind == "weekly" else "month"
        raise _wrong("from", f"This {name} is not over: its report is made when it is. Ask for its days so far.")


def _month_end(day: date) -> date:
    return month_start(month_start(day) + 32 * DAY) - DAY


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])
