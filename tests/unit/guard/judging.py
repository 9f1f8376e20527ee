"""How good forecasts and spikes are on the planted series: what came against what was said at the time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby

from guardian.periods import HOUR
from guardian.services.guard.analysis.baseline import spikes
from guardian.services.guard.analysis.forecast import forecast
from tests.unit.guard.series import FIRST, Series, daily, hourly

_CENT = Decimal("0.01")


@dataclass(slots=True)
class Judged:
    """`covered` of `asked` months ended within their interval. `off` and `naive` are errors in percent of what came,
    ours and those of the mean of the last four weeks."""

    asked: int = 0
    covered: int = 0
    off: list[float] = field(default_factory=list)
    naive: list[float] = field(default_factory=list)

    @property
    def coverage(self) -> float:
        return 100 * self.covered / self.asked


@dataclass(slots=True)
class Found:
    """Spikes that were called out, how many of these were planted, and how many of the planted ones were called out."""

    called: int = 0
    right: int = 0
    planted: int = 0
    seen: int = 0

    @property
    def precision(self) -> float:
        return 100 * self.right / self.called

    @property
    def recall(self) -> float:
        return 100 * self.seen / self.planted


def judge_forecasts(seed: int, on: Iterable[int]) -> Judged:
    """Of all 24 series, every month told on each of these days of it, at midnight."""
    judged = Judged()
    for series in daily(seed):
        for place in range(series.known, len(series.days)):
            if (FIRST + timedelta(days=place)).day in on:
                _judge(judged, series, place)
    return judged


def _judge(judged: Judged, series: Series, place: int) -> None:
    today = FIRST + timedelta(days=place)
    start = today.replace(day=1)
    end = (start + timedelta(days=32)).replace(day=1)
    days = [(FIRST + timedelta(days=n), amount) for n, amount in enumerate(series.days)]
    if end > days[-1][0] + timedelta(days=1):
        return
    told = forecast(days[:place], start, end, datetime.combine(today, time.min, UTC))
    assert told is not None
    came = sum((amount for day, amount in days if start <= day < end), Decimal(0))
    judged.asked += 1
    judged.covered += told.low - _CENT <= came <= told.high + _CENT
    if came:
        some = [amount for _, amount in days[max(place - 28, 0) : place]]
        spent = sum((amount for day, amount in days[:place] if day >= start), Decimal(0))
        plain = spent + sum(some) / len(some) * (end - today).days
        judged.off.append(float(abs(told.total - came) / came * 100))
        judged.naive.append(float(abs(plain - came) / came * 100))


def judge_spikes(seed: int) -> Found:
    """A spike is right, and a planted one seen, when they share an hour."""
    judged = Found()
    for planted in hourly(seed):
        first = planted.hours[0][0]
        found = [
            set(range((spike.start - first) // HOUR, (spike.end - first) // HOUR))
            for spike in spikes(planted.hours, planted.hours[planted.since][0], UTC)
        ]
        runs = [
            {place for _, place in run}
            for _, run in groupby(enumerate(sorted(planted.odd)), key=lambda pair: pair[1] - pair[0])
        ]
        judged.called += len(found)
        judged.right += sum(bool(each & planted.odd) for each in found)
        judged.planted += len(runs)
        judged.seen += sum(any(run & each for each in found) for run in runs)
    return judged
