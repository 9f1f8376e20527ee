"""The cells of days in SQL, made of their rollups."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Label, Select, String, Text, case, cast, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlmodel import col

from guardian.models.base import TIMESTAMP
from guardian.models.enums import CostSource
from guardian.models.usage import UsageRollup
from guardian.periods import Window, ceil_hour
from guardian.services.ledger.queries.books import Books, counts, in_windows
from guardian.services.ledger.sums.cuts import CUTS
from guardian.services.ledger.sums.rollups import DIMENSIONS

_SUMS = (
    *("cost", "estimated_cost", "requests", "input_tokens", "output_tokens", "cache_read_tokens"),
    *("unpriced_rows", "unpriced_tokens", "rows"),
)
COLUMNS = ("organization_id", "cut", "counted", "start", "a", "b", "more", *_SUMS)
"""What cells_of selects, by the names of usage_cells."""


def cells_of(books: Books, days: Sequence[Window]) -> Select[Any]:
    """Every cut of the days, in two steps: into the rows of a day that differ in anything, and these into the cuts."""
    rollup = UsageRollup
    edges = cast([ceil_hour(day.start) for day in days], ARRAY(TIMESTAMP))
    place: Label[Any] = func.width_bucket(col(rollup.hour), edges).label("place")
    counted: Label[Any] = counts(rollup, books, days).label("counted")
    values: list[Label[Any]] = [
        func.coalesce(literal("=", String).concat(cast(col(getattr(rollup, name)), String)), "").label(f"of_{name}")
        for name in DIMENSIONS
    ]
    estimated = func.sum(col(rollup.cost)).filter(col(rollup.cost_source) == CostSource.ESTIMATED)
    sums = [
        func.coalesce(estimated if name == "estimated_cost" else func.sum(col(getattr(rollup, name))), 0).label(name)
        for name in _SUMS
    ]
    query = select(place, counted, *values, *sums).where(in_windows(rollup, books.organization_id, days))
    rows = query.group_by("place", "counted", *(value.name for value in values)).subquery("rows")
    of = [rows.c[value.name] for value in values]
    always = (rows.c.place, rows.c.counted)
    sets = [tuple_(*always, *(rows.c[f"of_{name}"] for name in cut)) for cut in CUTS]
    cut: ColumnElement[Any] = func.grouping(*of)
    # Rows that do not count are asked for together with their origin only.
    origin: ColumnElement[Any] = func.grouping(rows.c.of_origin)
    found = (
        select(
            cut.label("cut"),
            *always,
            func.array_remove(array(of), None, type_=ARRAY(String)).label("present"),
            *(func.sum(rows.c[name]).label(name) for name in _SUMS),
        )
        .group_by(func.grouping_sets(*sets))
        .having(or_(rows.c.counted, origin == 0))
        .subquery("found")
    )
    starts = {place: literal(day.start, TIMESTAMP) for place, day in enumerate(days, start=1)}
    return select(
        literal(books.organization_id),
        found.c.cut,
        found.c.counted,
        case(starts, value=found.c.place),
        found.c.present[1],
        found.c.present[2],
        func.nullif(found.c.present[3 : len(DIMENSIONS)], cast([], ARRAY(Text))),
        *(found.c[name] for name in _SUMS),
    )
