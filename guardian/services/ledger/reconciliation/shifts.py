"""Days that lent each other: what is missing on one day and too much on the next, by exactly the same."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import date
from typing import TypeVar

from guardian.periods import DAY

T = TypeVar("T")


def shifted_pairs(
    items: Iterable[T],
    series: Callable[[T], Hashable],
    day: Callable[[T], date],
    opposite: Callable[[T, T], bool],
) -> Iterator[tuple[T, T]]:
    """Pairs of one series on neighbouring days whose differences are opposite; each item in one pair at most."""
    by_series: dict[Hashable, list[T]] = defaultdict(list)
    for item in items:
        by_series[series(item)].append(item)
    for row in by_series.values():
        row.sort(key=day)
        place = 0
        while place + 1 < len(row):
            one, two = row[place], row[place + 1]
            if day(two) - day(one) == DAY and opposite(one, two):
                yield one, two
                place += 1
            place += 1
