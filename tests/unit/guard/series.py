"""Series of spend as companies have them, made up and planted: the same ones for every run of a seed."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

FIRST = date(2025, 6, 2)  # a Monday
DAYS = 420
_WEEKDAYS = (1.1, 1.2, 1.2, 1.15, 1.0, 0.45, 0.4)
_OFFICE = (1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Series:
    """`days` from FIRST on; it is looked at from day `known` on."""

    name: str
    days: list[Decimal]
    known: int = 60


def daily(seed: int) -> list[Series]:
    """The 24 series."""
    chance = random.Random(seed)

    def noise(size: float = 0.15) -> float:
        return chance.lognormvariate(-size * size / 2, size)

    def made(level: Callable[[int], float], week: tuple[float, ...] = (1.0,) * 7, size: float = 0.15) -> list[Decimal]:
        return [_money(level(n) * week[n % 7] * noise(size)) for n in range(DAYS)]

    def planted(days: list[Decimal], places: dict[int, float]) -> list[Decimal]:
        return [day * _money(places.get(n, 1.0)) for n, day in enumerate(days)]

    def month_end(n: int) -> bool:
        return (FIRST + timedelta(days=n + 1)).day == 1

    def month_start(n: int) -> bool:
        return (FIRST + timedelta(days=n)).day == 1

    wander = [0.0]
    for _ in range(DAYS):
        wander.append(0.95 * wander[-1] + chance.gauss(0, 0.06))
    some = {n: chance.uniform(4, 8) for n in range(DAYS) if chance.random() < 0.01}
    many = {n: chance.uniform(2, 6) for n in range(DAYS) if chance.random() < 0.06}
    first, second = chance.randrange(90, 180), chance.randrange(220, 360)
    return [
        Series("flat", made(lambda _: 100)),
        Series("flat, hardly any noise", made(lambda _: 100, size=0.02)),
        Series("flat, much noise", made(lambda _: 100, size=0.6)),
        Series("week", made(lambda _: 100, _WEEKDAYS)),
        Series("week without weekends", made(lambda _: 100, _OFFICE, 0.25)),
        Series("growth", made(lambda n: 50 + n)),
        Series("growth of 3 % a week", made(lambda n: 20 * 1.03 ** (n / 7))),
        Series("decline", made(lambda n: 500 - n)),
        Series("growth and week", made(lambda n: 50 + n, _WEEKDAYS)),
        Series("step up", made(lambda n: 100 if n < second else 220)),
        Series("step down", made(lambda n: 200 if n < second else 80, _WEEKDAYS)),
        Series("two steps", made(lambda n: 100 if n < first else 180 if n < second else 140, _WEEKDAYS)),
        Series("few spikes", planted(made(lambda _: 100, _WEEKDAYS), some)),
        Series("many spikes", planted(made(lambda _: 100), many)),
        Series("most days nothing", made(lambda _: 300 if chance.random() < 0.25 else 0)),
        Series("nothing until lately", [Decimal(0)] * 300 + made(lambda _: 40, _WEEKDAYS)[300:]),
        Series("a project of some weeks", made(lambda n: 30 + (200 if second < n < second + 45 else 0))),
        Series("new account", made(lambda n: 100, _WEEKDAYS)[:40], known=6),
        Series("new account that grows", made(lambda n: 20 + 4 * n, _WEEKDAYS)[:60], known=6),
        Series("month ends", made(lambda n: 900 if month_end(n) else 60)),
        Series("month starts and week", made(lambda n: 700 if month_start(n) else 80, _WEEKDAYS)),
        Series("wanders", made(lambda n: 100 * math.exp(wander[n]), _WEEKDAYS)),
        Series("year", made(lambda n: 100 + 50 * math.sin(n / 365 * 2 * math.pi), _WEEKDAYS)),
        Series("holidays", made(lambda n: 25 if 205 <= n < 219 else 100, _WEEKDAYS)),
    ]


@dataclass(frozen=True, slots=True)
class Planted:
    """Hours with spikes in them: of the hours from `since` on, those that are `odd`."""

    name: str
    hours: list[tuple[datetime, Decimal]]
    since: int
    odd: frozenset[int]


def hourly(seed: int) -> list[Planted]:
    """Eight weeks of each kind of the 24, spread over the hours of the day, with 4 spikes in the last two of them."""
    chance = random.Random(seed)
    start = datetime(2026, 9, 7, tzinfo=UTC)
    found: list[Planted] = []
    for series in daily(seed):
        days = series.days[-56:]
        profile = [0.3 + max(0.0, math.sin((hour - 5) / 24 * 2 * math.pi)) for hour in range(24)]
        size = chance.choice((0.1, 0.2, 0.35))
        values = [
            float(day) / 24 * profile[hour] * chance.lognormvariate(-size * size / 2, size)
            for day in days
            for hour in range(24)
        ]
        since = max(len(values) - 14 * 24, 0)
        if sum(values[since:]) == 0 or series.name in ("most days nothing", "many spikes", "few spikes"):
            continue  # what is odd there, nobody planted
        level = sum(values[since:]) / (len(values) - since)
        odd: set[int] = set()
        for _ in range(4):
            begin, length = chance.randrange(since, len(values) - 6), chance.randrange(1, 6)
            if any(begin - 12 < place < begin + 18 for place in odd):
                continue
            times = chance.uniform(3, 8)
            for place in range(begin, begin + length):
                values[place] += times * max(values[place], level / 2)
                odd.add(place)
        hours = [(start + timedelta(hours=n), _money(value)) for n, value in enumerate(values)]
        found.append(Planted(series.name, hours, since, frozenset(odd)))
    return found


def _money(value: float) -> Decimal:
    return Decimal(f"{value:.6f}")
