"""What a question reads: the sums of whole days where they are at hand, and the rollups, or the single rows, else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Label, String, Subquery, and_, cast, func, literal, or_, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY

from guardian.models.base import TIMESTAMP
from guardian.models.cells import CELLS
from guardian.models.usage import UsageLog
from guardian.periods import HOUR, Window, ceil_hour
from guardian.services.ledger.queries import buckets, dimensions
from guardian.services.ledger.queries.books import Books, shows_one_book, spend_in
from guardian.services.ledger.queries.days import Day, left_of, runs, whole_days
from guardian.services.ledger.queries.dimensions import Expression, Query
from guardian.services.ledger.queries.sums import day_sums, sums
from guardian.services.ledger.sums.cuts import cut_for, number, place_of, stored, value_of

_INSTANT = timedelta(microseconds=1)

Values = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is summed up: spend in `window` by `books`, in the buckets `cut`, by group, all or the `top` ones."""

    books: Books
    window: Window
    filters: dimensions.Filters = field(default_factory=dict[str, tuple[str, ...]])
    group_by: Sequence[str] = ()
    cut: list[Window] | None = None
    top: int | None = None

    @property
    def table(self) -> dimensions.Ledger:
        return dimensions.table_for(self.group_by, self.filters)

    @property
    def days(self) -> list[Day]:
        """The days whose sums answer a part of it."""
        return [] if self.table is UsageLog else whole_days(self.books.days, self.window, self.cut)


def scan(asked: Question, group_by: Sequence[str], only: Sequence[Values] | None = None) -> Subquery:
    """Sums by "place" (the bucket's number from 1 on) and "by_0", "by_1", …; of `only` these groups, if given.

    The same place and group can come twice, from days and from what they leave.
    """
    days = asked.days
    rest = left_of(asked.window, days)
    parts = [_of_days(asked, days, group_by, only)] if days else []
    parts += [_of_rows(asked, rest, group_by, only)] if rest else []
    return (union_all(*parts) if len(parts) > 1 else parts[0]).subquery("cells")


def _of_rows(
    asked: Question, windows: Sequence[Window], group_by: Sequence[str], only: Sequence[Values] | None
) -> Query:
    table = asked.table
    number_of: Expression = buckets.number(table, asked.cut) if asked.cut else literal(1)
    place: Label[Any] = number_of.label("place")
    columns = [cast(dimensions.column(table, name), String) for name in group_by]
    keys: list[Label[Any]] = [column.label(f"by_{n}") for n, column in enumerate(columns)]
    query = spend_in(asked.books, windows, asked.filters, place, *keys, *sums(table), table=table)
    if only is not None:
        query = query.where(or_(*(_is(columns, values) for values in only)))
    return query.group_by("place", *(key.name for key in keys))


def _is(columns: Sequence[Expression], values: Values) -> ColumnElement[bool]:
    pairs = zip(columns, values, strict=True)
    return and_(*(column.is_(None) if value is None else column == value for column, value in pairs))


def _of_days(asked: Question, days: Sequence[Day], group_by: Sequence[str], only: Sequence[Values] | None) -> Query:
    groups = [dimensions.rollup_column(name) for name in group_by]
    filters = dimensions.rollup_filters(asked.filters)
    cut = cut_for([*groups, *(name for name, _ in filters)])
    # In zones that are off by less than an hour, a day and its bucket can begin with the same hour at another minute.
    edges = [ceil_hour(bucket.start) - HOUR + _INSTANT for bucket in asked.cut or ()]
    number_of: Expression = func.width_bucket(CELLS.c.start, cast(edges, ARRAY(TIMESTAMP))) if asked.cut else literal(1)
    place: Label[Any] = number_of.label("place")
    keys: list[Label[Any]] = [value_of(name, cut).label(f"by_{n}") for n, name in enumerate(groups)]
    query = select(place, *keys, *day_sums()).where(
        CELLS.c.organization_id == asked.books.organization_id,
        CELLS.c.cut == number(cut),
        or_(*(and_(CELLS.c.start >= run.start, CELLS.c.start < run.end) for run in runs(days))),
        *(place_of(name, cut).in_([stored(value or None) for value in values]) for name, values in filters),
    )
    if not shows_one_book(asked.filters):
        query = query.where(CELLS.c.counted)
    if len(cut) <= 2:
        query = query.where(CELLS.c.more.is_(None))  # as the indexes say it
    if only is not None:
        places = [place_of(name, cut) for name in groups]
        query = query.where(_among(places, only))
    return query.group_by("place", *(key.name for key in keys))


def _among(places: Sequence[ColumnElement[str]], only: Sequence[Values]) -> ColumnElement[bool]:
    if len(places) == 1:
        return places[0].in_([stored(value) for [value] in only])
    return or_(*(and_(*(at == stored(value) for at, value in zip(places, values, strict=True))) for values in only))
