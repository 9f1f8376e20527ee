"""The cuts of a day: by which dimensions its rows are summed up, and where a cell has the value of each."""

from collections.abc import Iterable
from itertools import combinations

from sqlalchemy import ColumnElement, case, func, null

from guardian.models.cells import CELLS
from guardian.services.ledger.sums.rollups import DIMENSIONS

_LINES = ("provider", "model", "operation", "service_tier", "project_id", "external_key_id")
"""What the dashboard's table of the most expensive lines is grouped by."""


def _sorted(dimensions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(dimensions, key=DIMENSIONS.index))


# No dimension, each one, each two (a group and a filter), the dashboard's, and all of them for every other question.
CUTS: tuple[tuple[str, ...], ...] = (
    *(cut for size in range(3) for cut in combinations(DIMENSIONS, size)),
    _sorted(_LINES),
    DIMENSIONS,
)


def cut_for(wanted: Iterable[str]) -> tuple[str, ...]:
    """The narrowest cut that has all of these dimensions."""
    needed = set(wanted)
    return next(cut for cut in CUTS if needed <= set(cut))


def number(cut: Iterable[str]) -> int:
    """What SQL's GROUPING says of the cut: from the first dimension on, a bit for each that is not in it."""
    return int("".join("0" if name in cut else "1" for name in DIMENSIONS), 2)


def stored(value: str | None) -> str:
    """A dimension's value as a cell has it."""
    return "" if value is None else f"={value}"


def place_of(dimension: str, cut: tuple[str, ...]) -> ColumnElement[str]:
    """Where a cell of the cut has it, as `stored` writes it."""
    place = cut.index(dimension)
    return (CELLS.c.a, CELLS.c.b)[place] if place < 2 else CELLS.c.more[place - 1]


def value_of(dimension: str, cut: tuple[str, ...]) -> ColumnElement[str | None]:
    """The value itself."""
    place = place_of(dimension, cut)
    return case((place == "", null()), else_=func.substr(place, 2))
