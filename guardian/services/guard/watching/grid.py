"""Sums over many windows from one reading: time is cut where any of them begins or ends, and each adds up pieces."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from guardian.periods import HOUR, Window, floor_hour, united

Values = tuple[str | None, ...]


class Sum(NamedTuple):
    """What adds up. `requests` are those that somebody counts, `unpriced` calls are in them and not in the cost."""

    cost: Decimal = Decimal(0)
    requests: int = 0
    tokens: int = 0
    unpriced: int = 0
    errors: int = 0
    refusals: int = 0

    def __add__(self, other: "Sum") -> "Sum":  # pyright: ignore[reportIncompatibleMethodOverride]  # sums are not put one behind the other
        return Sum(
            self.cost + other.cost,
            self.requests + other.requests,
            self.tokens + other.tokens,
            self.unpriced + other.unpriced,
            self.errors + other.errors,
            self.refusals + other.refusals,
        )

    def __sub__(self, other: "Sum") -> "Sum":
        return Sum(
            self.cost - other.cost,
            self.requests - other.requests,
            self.tokens - other.tokens,
            self.unpriced - other.unpriced,
            self.errors - other.errors,
            self.refusals - other.refusals,
        )

    @property
    def calls(self) -> int | None:
        """None where something was used, and the provider does not say in how many calls."""
        return None if not self.requests and (self.tokens or self.cost) else self.requests


NOTHING = Sum()


@dataclass(frozen=True, slots=True)
class Grid:
    """`edges` cut time so that each window consists of whole pieces; `hours` are those that an edge falls into, and
    `needed` is all the time that is in a window.
    """

    edges: tuple[datetime, ...]
    hours: frozenset[datetime]
    needed: tuple[Window, ...]

    @classmethod
    def of(cls, windows: Collection[Window]) -> "Grid":
        needed = united(windows)
        points = {point for window in windows for point in (window.start, window.end)}
        hours = frozenset(floor_hour(point) for point in points if point != floor_hour(point))
        return cls(tuple(sorted({*points, *hours, *(hour + HOUR for hour in hours)})), hours, tuple(needed))

    @property
    def whole(self) -> Window:
        return Window(self.edges[0], self.edges[-1])

    @property
    def pieces(self) -> list[Window]:
        """They adjoin, and are numbered from 1 on."""
        return [Window(start, end) for start, end in pairwise(self.edges)]

    @property
    def cut_hours(self) -> list[Window]:
        """The hours of which a part belongs to another window than the rest: only single rows tell which."""
        return united(Window(hour, hour + HOUR) for hour in self.hours)

    @property
    def whole_hours(self) -> list[Window]:
        """The time that is needed, without the hours that are cut: it begins and ends with full hours."""
        return [part for window in self.needed for part in _without(window, self.cut_hours)]

    def is_cut(self, place: int) -> bool:
        """Whether the piece of that number lies within an hour that is cut."""
        return floor_hour(self.edges[place - 1]) in self.hours


class Sums:
    """Sums by the values of some dimensions, of every window of a grid."""

    def __init__(self, grid: Grid, cells: Mapping[Values, Mapping[int, Sum]]) -> None:
        self._edges = grid.edges
        self._lines: dict[Values, tuple[list[int], list[Sum]]] = {}
        for values, by_place in cells.items():
            places, running = sorted(by_place), [NOTHING]
            for place in places:
                running.append(running[-1] + by_place[place])
            self._lines[values] = places, running

    @property
    def values(self) -> Iterable[Values]:
        return self._lines.keys()

    def of(self, values: Values, window: Window) -> Sum:
        """What these values have in the window, whose start and end are edges of the grid."""
        places, running = self._lines[values]
        first = bisect_left(self._edges, window.start) + 1
        last = bisect_left(self._edges, window.end) + 1
        return running[bisect_left(places, last)] - running[bisect_left(places, first)]

    def has(self, values: Values, window: Window) -> bool:
        """Whether anything was summed up in it, be it zero."""
        places, _ = self._lines[values]
        first = bisect_left(self._edges, window.start) + 1
        last = bisect_left(self._edges, window.end) + 1
        return bisect_left(places, last) > bisect_left(places, first)


def _without(window: Window, taken: Iterable[Window]) -> Iterator[Window]:
    """What the others, in their order, leave of a window."""
    start = window.start
    for other in taken:
        if other.end <= start or other.start >= window.end:
            continue
        if start < other.start:
            yield Window(start, other.start)
        start = other.end
    if start < window.end:
        yield Window(start, window.end)


def collected(found: Iterable[tuple[int, Values, Sum]]) -> dict[Values, dict[int, Sum]]:
    """Cells by values and place, those of the same place added up."""
    cells: dict[Values, dict[int, Sum]] = defaultdict(dict)
    for place, values, of in found:
        by_place = cells[values]
        known = by_place.get(place)
        by_place[place] = of if known is None else known + of
    return cells
