"""Where a period will end: the best of a few plain methods, with an interval that eight in ten outcomes fall into.

The libraries of the field are made for thousands of series. For one of 400 days they were weighed by what they bring
along (2026-11, wheels unpacked): statsforecast 2.1 559 MB, statsmodels 0.15 380 MB, this 0. What is used of the field
are its rules: a plain method unless another one proves better on the series itself (Hyndman and Athanasopoulos,
Forecasting: Principles and Practice, 3rd ed., 5.2, 5.8 and 5.10, https://otexts.com/fpp3/), and an interval from the
errors that the method really made when it was asked the same question in the past (split conformal prediction: Lei et
al., Distribution-free predictive inference for regression, JASA 113 (2018), section 2.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil

from guardian.services.guard.analysis.methods import METHODS, NAIVE, Calendar, Days

COVERS = Decimal("0.8")
"""The share of outcomes that the interval is made for."""

_ZERO, _ONE = Decimal(0), Decimal(1)
_CENT = Decimal("0.01")
_DAY = timedelta(days=1)
_MOST_DAYS = 400
_MOST_TRIALS = 24
_FEWEST_TRIALS = 4
_FEWEST_DAYS = 14  # before a trial
# How much smaller the error of another method has to be than that of the best naive one.
_BETTER = Decimal("0.9")
# Past trials of one series overlap, and the method was chosen by them: both make their errors smaller than those to
# come. Found on series that the test does not use.
_WIDER = Decimal("1.1")
# Of the normal distribution, what 80 % lie within; for a young series, whose own errors are not known.
_NORMAL = Decimal("1.2816")


@dataclass(frozen=True, slots=True)
class Forecast:
    """The whole period's dollars: `total`, and [low, high], which is made for 80 % of outcomes. `method` in words.

    `error` is the back-test's: how far the same method was off what was yet to come, in percent of it, on average over
    `trials` times in the past. None where the series is too young to tell; the interval is then of its days' spread.
    """

    total: Decimal
    low: Decimal
    high: Decimal
    method: str
    error: Decimal | None
    trials: int = 0


@dataclass(frozen=True, slots=True)
class _Tried:
    method: str
    misses: list[Decimal]  # signed, by what was forecast; None of it is in dollars
    off: Decimal  # the sum of what it was off, in dollars
    actual: Decimal


def forecast(days: Sequence[tuple[date, Decimal]], start: date, end: date, now: datetime) -> Forecast | None:
    """What [start, end) will have cost; None where there is no day before today to tell it from.

    `days` are local days in order with what each has cost, today's (so far) among them if it is known; a day that is
    left out between others cost nothing. `now` is a local time.
    """
    today = now.date()
    known = dict(days)
    spent = sum((amount for day, amount in days if start <= day < end), _ZERO)
    past = [day for day in known if day < today]
    if today >= end:
        return Forecast(*(_cents(spent),) * 3, method="over", error=None)
    if not past:
        return None
    first = max(min(past), today - _MOST_DAYS * _DAY)
    series = [known.get(first + n * _DAY, _ZERO) for n in range((today - first).days)]
    skipped = max((start - today).days, 0)
    ahead = (end - today).days
    left = _ONE if skipped else _left_of(now)
    calendar = Calendar(first)
    best = _best(series, calendar, ahead, skipped)
    predicted = METHODS[best.method][1](series, calendar, ahead)[skipped:]
    to_come = sum(predicted, _ZERO) - predicted[0] * (_ONE - left)
    margin = _margin(best, series, to_come, Decimal(len(predicted)) - _ONE + left)
    error = best.off / best.actual * 100 if len(best.misses) >= _FEWEST_TRIALS and best.actual else None
    return Forecast(
        total=_cents(spent + to_come),
        low=_cents(spent + max(to_come - margin, _ZERO)),
        high=_cents(spent + to_come + margin),
        method=best.method,
        error=None if error is None else round(error, 1),
        trials=len(best.misses),
    )


def _left_of(now: datetime) -> Decimal:
    """The share of the day that is yet to come, by the clock."""
    return _ONE - Decimal(now.hour * 3_600 + now.minute * 60 + now.second) / 86_400


def _best(series: Days, calendar: Calendar, ahead: int, skipped: int) -> _Tried:
    """The naive method that was off least, or another one that was clearly less off than that."""
    usable = [name for name, (needed, _) in METHODS.items() if len(series) >= needed]
    tried = [_try(name, series, calendar, ahead, skipped) for name in usable]
    tried = [each for each in tried if len(each.misses) >= _FEWEST_TRIALS] or tried[:1]
    naive = min((each for each in tried if each.method in NAIVE), key=lambda each: each.off, default=tried[0])
    best = min(tried, key=lambda each: each.off)
    return best if best.off < naive.off * _BETTER else naive


def _try(name: str, series: Days, calendar: Calendar, ahead: int, skipped: int) -> _Tried:
    """The same question asked in the past: how much is to come of so many days, and how much came."""
    needed, method = METHODS[name]
    misses: list[Decimal] = []
    off = actual = _ZERO
    for place in _places(calendar, len(series), ahead):
        if place < max(needed, _FEWEST_DAYS):
            continue
        told = sum(method(series[:place], calendar, ahead)[skipped:], _ZERO)
        came = sum(series[place + skipped : place + ahead], _ZERO)
        off += abs(came - told)
        actual += came
        if told:
            misses.append((came - told) / told)
        elif not came:
            misses.append(_ZERO)
    return _Tried(name, misses, off, actual)


def _places(calendar: Calendar, count: int, ahead: int) -> list[int]:
    """The days on which it was asked: lately, and at the same place of earlier months, whose ends can be special.

    Only where all that it was asked for has come by now: of a quarter or a year, the last months have not.
    """
    step = max(ahead // 4, 1)
    lately = [count - ahead - n * step for n in range(_MOST_TRIALS // 2)]
    until = calendar.first + (count + ahead) * _DAY
    months = [until]
    for _ in range(_MOST_TRIALS // 2):
        months.append(_month_before(months[-1], until.day))
    earlier = ((month - calendar.first).days - ahead for month in months[1:])
    return sorted({*lately, *(place for place in earlier if place + ahead <= count)}, reverse=True)


def _month_before(day: date, number: int) -> date:
    last = day.replace(day=1) - _DAY
    return last.replace(day=min(number, last.day))


def _margin(best: _Tried, series: Days, to_come: Decimal, ahead: Decimal) -> Decimal:
    """What to give and take, in dollars."""
    if len(best.misses) < _FEWEST_TRIALS:
        return _spread(series, ahead)
    sizes = sorted(abs(miss) for miss in best.misses)
    rank = min(ceil((len(sizes) + 1) * COVERS), len(sizes))
    return sizes[rank - 1] * to_come * _WIDER


def _spread(series: Days, ahead: Decimal) -> Decimal:
    """Of a young series: its days are independent, and their mean is known from them alone."""
    some = series[-28:]
    count = Decimal(len(some))
    middle = sum(some, _ZERO) / count
    if count < 3:
        return middle * ahead
    # What grows from its first days on is farther away than the spread of its days says.
    drift = abs(sum(some[-len(some) // 3 :], _ZERO) / len(some[-len(some) // 3 :]) - middle) * ahead
    variance = sum(((each - middle) ** 2 for each in some), _ZERO) / (count - 1)
    return drift + _NORMAL * (variance * (ahead + ahead * ahead / count)).sqrt()


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT)
