"""The plain methods that a forecast chooses from: each says what the next days will be from the days so far.

Days count from 0; `weekday` and `from_end` (days to the end of the month, 0 on its last) are told by the calendar, so
that a method needs no dates of its own. Every method answers with one amount for each day ahead, none below zero.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

_ZERO, _ONE = Decimal(0), Decimal(1)
_WEEK = 7
# Of the level and the trend, what the last day tells: some five weeks are remembered. Gardner's damping (1985) keeps a
# trend of three weeks from being one of a year.
_LEVEL, _TREND, _DAMPED = Decimal("0.15"), Decimal("0.05"), Decimal("0.97")
_MONTHS = 2  # that an amount at a place of the month has to come back in

Days = Sequence[Decimal]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days they are: `first` is day 0."""

    first: date

    def weekday(self, place: int) -> int:
        return (self.first.weekday() + place) % _WEEK

    def from_end(self, place: int) -> int:
        """How many days of its month are left after it."""
        day = self.first + timedelta(days=place)
        return ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - day).days - 1

    def of_month(self, place: int) -> int:
        return (self.first + timedelta(days=place)).day


Method = Callable[[Days, Calendar, int], list[Decimal]]


def mean(days: Days, _calendar: Calendar, ahead: int) -> list[Decimal]:
    """The mean of the last four weeks."""
    some = days[-4 * _WEEK :]
    return [sum(some, _ZERO) / len(some)] * ahead


def same_weekdays(days: Days, _calendar: Calendar, ahead: int) -> list[Decimal]:
    """The mean of the last four days of the same weekday."""
    by_weekday = [_mean([days[-back] for back in range(_WEEK - n, 4 * _WEEK + 1, _WEEK)]) for n in range(_WEEK)]
    return [by_weekday[n % _WEEK] for n in range(ahead)]


def last_week(days: Days, _calendar: Calendar, ahead: int) -> list[Decimal]:
    """The last week again."""
    return [days[n % _WEEK - _WEEK] for n in range(ahead)]


def usual_weekdays(days: Days, _calendar: Calendar, ahead: int) -> list[Decimal]:
    """The median of the last six days of the same weekday: what came once does not come again."""
    weeks = min(len(days) // _WEEK, 6)
    by_weekday = [median(days[-back] for back in range(_WEEK - n, weeks * _WEEK + 1, _WEEK)) for n in range(_WEEK)]
    return [by_weekday[n % _WEEK] for n in range(ahead)]


def level(days: Days, calendar: Calendar, ahead: int) -> list[Decimal]:
    """The weekdays' pattern at the recent level."""
    return _smoothed(days, calendar, ahead, trended=False)


def trend(days: Days, calendar: Calendar, ahead: int) -> list[Decimal]:
    """The weekdays' pattern with a damped trend (Holt)."""
    return _smoothed(days, calendar, ahead, trended=True)


def month_places(days: Days, calendar: Calendar, ahead: int) -> list[Decimal]:
    """The usual weekdays, and what comes back at the beginning or the end of every month."""
    base = usual_weekdays(days, calendar, ahead)
    more = _month_extras(days, calendar)
    first = len(days)
    return [max(amount + more.get(_place_of(calendar, first + n), _ZERO), _ZERO) for n, amount in enumerate(base)]


# By name, the plainest first, with the days that each needs.
METHODS: dict[str, tuple[int, Method]] = {
    "mean of the last four weeks": (1, mean),
    "mean of the same weekdays": (28, same_weekdays),
    "last week again": (14, last_week),
    "usual weekdays": (21, usual_weekdays),
    "weekday pattern at the recent level": (21, level),
    "weekday pattern with a trend": (35, trend),
    "usual weekdays with month ends": (75, month_places),
}
NAIVE = ("mean of the last four weeks", "mean of the same weekdays", "last week again")
"""Another method has to be better than the best of these."""


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, _ZERO) / len(values)


def _smoothed(days: Days, calendar: Calendar, ahead: int, *, trended: bool) -> list[Decimal]:
    """Exponential smoothing of what is left when the weekdays' shares of the last eight weeks are divided out."""
    shares = _shares(days[-8 * _WEEK :], calendar, max(len(days) - 8 * _WEEK, 0))
    some = days[-12 * _WEEK :]
    start = len(days) - len(some)
    at = sum(some[:_WEEK], _ZERO) / _WEEK
    slope = _ZERO
    for place, amount in enumerate(some, start=start):
        share = shares[calendar.weekday(place)]
        if share <= Decimal("0.05"):
            continue  # a weekday on which hardly anything happens tells no level
        before, expected = at, at + slope
        at = expected + _LEVEL * (amount / share - expected)
        slope = _DAMPED * slope + _TREND * (at - before - _DAMPED * slope) if trended else _ZERO
    found: list[Decimal] = []
    grown, damped = at, slope
    for n in range(ahead):
        grown += damped
        damped *= _DAMPED
        found.append(max(grown, _ZERO) * shares[calendar.weekday(len(days) + n)])
    return found


def _shares(days: Days, calendar: Calendar, first: int) -> list[Decimal]:
    """Of each weekday, its usual amount by the mean of all weekdays."""
    by_weekday: list[list[Decimal]] = [[] for _ in range(_WEEK)]
    for place, amount in enumerate(days, start=first):
        by_weekday[calendar.weekday(place)].append(amount)
    usual = [_mean(sorted(values)[1:-1] or values) for values in by_weekday]
    whole = sum(usual, _ZERO) / _WEEK
    return [each / whole for each in usual] if whole else [_ONE] * _WEEK


def _place_of(calendar: Calendar, place: int) -> str:
    """The first and the last three days of a month, by name; "" for the others."""
    day, left = calendar.of_month(place), calendar.from_end(place)
    return f"+{day}" if day <= 3 else f"-{left}" if left < 3 else ""


def _month_extras(days: Days, calendar: Calendar) -> dict[str, Decimal]:
    """By the place in the month, what it usually has more than its weekday has on the other days of that time."""
    found: dict[str, list[Decimal]] = {}
    for place, amount in enumerate(days):
        name = _place_of(calendar, place)
        around = [days[other] for other in range(place - 28, place + 29, _WEEK) if 0 <= other < len(days)]
        if name and len(around) > _MONTHS:
            found.setdefault(name, []).append(amount - median(around))
    return {name: median(extras[-6:]) for name, extras in found.items() if len(extras) >= _MONTHS}
