"""The span that a page shows: calendar days of the organization's zone, read from the URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from guardian.errors import ValidationError
from guardian.periods import DAY, local_date, month_start, same_day_of_previous_month

PRESETS: tuple[tuple[str, str], ...] = (
    ("today", "Today"),
    ("7d", "7 days"),
    ("month", "This month"),
    ("last-month", "Last month"),
    ("90d", "90 days"),
)
DEFAULT = "month"
CUSTOM = "custom"
LONGEST_DAYS = 366  # the ledger answers for at most 400 days, the chart for at most 200 points


@dataclass(frozen=True, slots=True)
class Range:
    """Local calendar days from `first` to `last`, both inclusive. `preset` is a name of PRESETS or "custom"."""

    preset: str
    first: date
    last: date

    @property
    def days(self) -> str:
        """The days themselves: 5 Nov, 1–23 Nov, 28 Oct – 3 Nov; with the year where it needs one."""
        if self.first == self.last:
            return f"{self.first.day} {self.first:%b}"
        if self.first.year != self.last.year:
            return f"{_day(self.first)} – {_day(self.last)}"
        if self.first.month == self.last.month:
            return f"{self.first.day}–{self.last.day} {self.last:%b}"
        return f"{self.first.day} {self.first:%b} – {self.last.day} {self.last:%b}"

    @property
    def label(self) -> str:
        """What people call it; a custom one by its days."""
        named = dict(PRESETS).get(self.preset)
        if named:
            return named
        if self.first == self.last:
            return _day(self.first)
        return f"{_day(self.first)} – {_day(self.last)}"


def from_query(query: Mapping[str, str], now: datetime, zone: ZoneInfo) -> Range:
    """The range that a URL asks for: `?range=7d`, or `?from=2025-11-01&to=2025-11-07`. Nonsense means the default."""
    today = local_date(now, zone)
    first, last = _date(query.get("from")), _date(query.get("to"))
    if first and last and first <= last and (last - first).days < LONGEST_DAYS:
        return Range(CUSTOM, first, last)
    preset = query.get("range", DEFAULT)
    return _preset(preset if preset in dict(PRESETS) else DEFAULT, today)


def before(span: Range) -> Range:
    """The days to compare with: of a month from its first day on the same days of the month before (of a whole month
    the whole one), of any other range as many days right before it.
    """
    if span.first.day == 1 and span.first == month_start(span.last):
        whole = (span.last + DAY).day == 1
        last = span.first - DAY if whole else same_day_of_previous_month(span.last)
        return Range(CUSTOM, month_start(last), last)
    length = span.last - span.first + DAY
    return Range(CUSTOM, span.first - length, span.last - length)


def custom_href(first: str, last: str, route: str) -> str:
    """The address of a page with a range of two ISO dates. Raises ValidationError in words when they make none."""
    start, end = _date(first), _date(last)
    if start is None or end is None:
        raise ValidationError("Choose both a first and a last day.")
    if start > end:
        raise ValidationError("The first day is after the last one.")
    if (end - start).days >= LONGEST_DAYS:
        raise ValidationError(f"Choose at most {LONGEST_DAYS} days.")
    return f"{route}?from={start}&to={end}"


def _preset(preset: str, today: date) -> Range:
    if preset == "today":
        return Range(preset, today, today)
    if preset == "7d":
        return Range(preset, today - 6 * DAY, today)
    if preset == "90d":
        return Range(preset, today - 89 * DAY, today)
    this_month = month_start(today)
    if preset == "last-month":
        return Range(preset, month_start(this_month - DAY), this_month - DAY)
    return Range(preset, this_month, today)


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
