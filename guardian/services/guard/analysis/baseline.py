"""What an hour usually has: the hour of the week over the last weeks, robust, so that a spike does not hide the next.

The middle is the median of the same hour of the week, and of the hours beside it, at the level of the last two weeks.
The spread is the MAD (median absolute deviation) of how many times their middle the hours of these weeks really had, in
logarithms, since spend is skewed: twice as much is as usual as half. 1.4826 x MAD estimates a standard deviation, and
half of the hours may be wrong without moving it (Rousseeuw and Croux, Alternatives to the median absolute deviation,
JASA 88 (1993), section 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from statistics import median

from guardian.periods import HOUR

WEEKS = 6
"""Of history that is looked at; with less than two weeks nothing is expected."""

_ZERO = Decimal(0)
_FEWEST_HOURS = 14 * 24
_WEEK = 7 * 24
_MAD = Decimal("1.4826")
# Standard deviations beyond which an hour is odd: by the test's series, the one that is right most often and misses
# few.
_FAR = Decimal("4")
_RARE = 3
# An hour is never odd for less than this share of what is usual then, and this of the average hour.
_LEAST_SHARE, _LEAST_OF_AVERAGE = Decimal("0.5"), Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Expected:
    """What an hour should have; outside [low, high] it is odd."""

    value: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Spike:
    """Hours in a row that were above what was to be expected; `value` and `expected` are sums over [start, end)."""

    start: datetime
    end: datetime
    value: Decimal
    expected: Decimal

    @property
    def excess(self) -> Decimal:
        return self.value - self.expected


Hours = Sequence[tuple[datetime, Decimal]]
"""UTC hours in order, each once; an hour that is left out between others had nothing."""


class Baseline:
    """Made of the hours before `until`, for hours in it and after it. `tz` is the zone whose weeks they follow."""

    def __init__(self, history: Hours, until: datetime, tz: tzinfo) -> None:
        self._tz = tz
        known = _filled([(at, value) for at, value in history if until - WEEKS * _WEEK * HOUR <= at < until])
        # Told once: the zone's clock takes most of the time.
        self._local = [at.astimezone(tz) for at, _ in known]
        self._values = [(self._hour_of_week(at), value) for at, (_, value) in zip(self._local, known, strict=True)]
        self._by_hour: dict[int, list[Decimal]] = {}
        for hour, value in self._values:
            self._by_hour.setdefault(hour, []).append(value)
        self._middles = {hour: self._middle_of(hour) for hour in range(_WEEK)}
        self._level, self._spread = Decimal(1), _ZERO
        if self.known:
            self._average = sum((value for _, value in self._values), _ZERO) / len(self._values)
            self._level = self._recent_level()
            self._spread = self._usual_spread()
            self._rare = self._rarely()

    @property
    def known(self) -> bool:
        """Whether the history is long enough to expect anything."""
        return len(self._values) >= _FEWEST_HOURS

    def expected(self, at: datetime) -> Expected | None:
        """Of the UTC hour that begins at this moment; None where nothing is known."""
        if not self.known:
            return None
        value = self._middles[self._hour_of_week(at.astimezone(self._tz))] * self._level
        if not value:
            return Expected(value, _ZERO, self._rare)
        times = (_FAR * self._spread).exp()
        far = max(_LEAST_SHARE * value, _LEAST_OF_AVERAGE * self._average)
        return Expected(value, max(min(value / times, value - far), _ZERO), max(value * times, value + far))

    @staticmethod
    def _hour_of_week(local: datetime) -> int:
        return local.weekday() * 24 + local.hour

    def _middle_of(self, hour: int) -> Decimal:
        """The hours beside it are looked at too: six weeks have only six of the hour itself."""
        own = self._by_hour.get(hour, [])
        beside = [self._by_hour.get((hour + by) % _WEEK, []) for by in (-1, 1)]
        # Their mean keeps the slope of the morning; alone they would be lower on one side and higher on the other.
        around = [sum(pair, _ZERO) / 2 for pair in zip(*beside, strict=False)]
        return median([*own, *own, *around]) if own or around else _ZERO

    def _recent_level(self) -> Decimal:
        """How much the last two weeks were above the middle of all of them, by their median hour."""
        ratios = [value / middle for hour, value in self._values[-2 * _WEEK :] if (middle := self._middles[hour])]
        return median(ratios) if ratios else Decimal(1)

    def _usual_spread(self) -> Decimal:
        """The standard deviation of the logarithm of what hours had by their middle."""
        ratios = [value / middle for hour, value in self._values if value > 0 and (middle := self._middles[hour])]
        if not ratios:
            return _ZERO
        centre = median(ratios)
        # The median of |ln x| is the logarithm of the median of x or 1/x: one logarithm instead of a thousand.
        return _MAD * median(max(ratio / centre, centre / ratio) for ratio in ratios).ln()

    def _rarely(self) -> Decimal:
        """What an hour had on the third highest of the days: where most hours have nothing, more than that is odd."""
        highest: dict[date, Decimal] = {}
        for at, (_, value) in zip(self._local, self._values, strict=True):
            highest[at.date()] = max(highest.get(at.date(), _ZERO), value)
        return sorted(highest.values())[-_RARE]


def expected(history: Hours, at: datetime, tz: tzinfo) -> Expected | None:
    """What the UTC hour that begins at `at` should have by the hours before it; None with less than two weeks."""
    return Baseline(history, at, tz).expected(at)


def spikes(hours: Hours, since: datetime, tz: tzinfo) -> list[Spike]:
    """The spikes among the hours from `since` on, each hour held against those before its own local day."""
    found: list[Spike] = []
    baseline: Baseline | None = None
    day: object = None
    for at, value in hours:
        if at < since:
            continue
        if day != (day := at.astimezone(tz).date()) or baseline is None:
            baseline = Baseline(hours, at, tz)
        usual = baseline.expected(at)
        if usual is None or value <= usual.high:
            continue
        if found and found[-1].end == at:
            last = found.pop()
            found.append(Spike(last.start, at + HOUR, last.value + value, last.expected + usual.value))
        else:
            found.append(Spike(at, at + HOUR, value, usual.value))
    return found


def _filled(hours: Hours) -> list[tuple[datetime, Decimal]]:
    """With the hours between the first and the last that had nothing."""
    if not hours:
        return []
    known = dict(hours)
    first, last = hours[0][0], hours[-1][0]
    count = (last - first) // timedelta(hours=1) + 1
    return [(first + n * HOUR, known.get(first + n * HOUR, _ZERO)) for n in range(count)]
