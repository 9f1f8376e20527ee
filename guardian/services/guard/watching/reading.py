"""Sums out of the ledger: spend by the rule of the books as pages show it, and single calls with how they ended."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Label, String, and_, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col

from guardian.models.base import TIMESTAMP
from guardian.models.enums import CostSource, UsageOrigin
from guardian.models.usage import UsageLog, UsageRollup
from guardian.periods import Window
from guardian.services.guard.watching.grid import Grid, Sum, Sums, Values, collected
from guardian.services.ledger.queries.books import Books, consistently, counts, read_books, spend_in
from guardian.services.ledger.queries.buckets import number
from guardian.services.ledger.queries.dimensions import Expression, Query, column, conditions
from guardian.services.ledger.queries.scans import Question, scan
from guardian.services.ledger.queries.sums import sums, sums_of
from guardian.services.ledger.sql.shared import read_shared
from guardian.services.ledger.sql.tables import requests_in
from guardian.services.ledger.sums.rollups import TAGS

TOKEN = "accessToken"  # noqa: S105  # a dimension that single rows have and sums do not
_TAG = "tag:"
# Days that are summed up help from some such span on; below it, to look for them is one question more.
_LONG = timedelta(days=3)
_MOST_NARROWED = 100  # values of a filter
_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Sums in a grid by some dimensions. `only` narrows a dimension to values; where it cannot, more is summed up.

    `how` says what is asked of each call: what was spent on it, by the books, or how it ended.
    """

    grid: Grid
    dimensions: tuple[str, ...]
    of_calls: bool = False
    only: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])


def in_sums(dimension: str) -> bool:
    """Whether the hourly sums know it, or single rows only."""
    return dimension != TOKEN and (not dimension.startswith(_TAG) or dimension.removeprefix(_TAG) in TAGS)


def read(session: Session, organization_id: str, questions: Sequence[Asked]) -> tuple[Books, list[Sums]]:
    """The answers to all questions, of one state of the books.

    Hours that lie whole in every window come from sums, as pages read them; of the others, single rows are summed up.
    """
    window = Window(min(q.grid.edges[0] for q in questions), max(q.grid.edges[-1] for q in questions))

    def answer(books: Books) -> tuple[Books, list[Sums]]:
        return books, [_sums(session, books, asked) for asked in questions]

    if window.end - window.start < _LONG or all(asked.of_calls for asked in questions):
        return answer(read_books(session, organization_id, window, by_day=False))
    return consistently(session, organization_id, window, answer)


def _sums(session: Session, books: Books, asked: Asked) -> Sums:
    found: list[tuple[int, Values, Sum]] = []
    if asked.of_calls:
        found += _calls(session, books, asked)
    elif not all(in_sums(name) for name in asked.dimensions):
        found += _rows(session, books, asked, asked.grid.needed)
    else:
        found += _hours(session, books, asked)
        if asked.grid.hours:
            found += _rows(session, books, asked, asked.grid.cut_hours)
    return Sums(asked.grid, collected(found))


def _hours(session: Session, books: Books, asked: Asked) -> Iterator[tuple[int, Values, Sum]]:
    grid, names = asked.grid, asked.dimensions
    hours = grid.whole_hours
    if not hours:
        return
    if len(grid.needed) == 1:
        cells = scan(Question(books=books, window=grid.whole, group_by=names, cut=grid.pieces), names)
        by = [cells.c[f"by_{n}"] for n in range(len(names))]
        query = select(cells.c.place, *by, *sums_of(cells)).group_by(cells.c.place, *by)
    else:
        # Some hours of each of many weeks: days are no help.
        place: Label[Any] = number(UsageRollup, grid.pieces).label("place")
        keys: list[Label[Any]] = [
            cast(column(UsageRollup, name), String).label(f"by_{n}") for n, name in enumerate(names)
        ]
        query = spend_in(books, hours, {}, place, *keys, *sums()).group_by(place.name, *(key.name for key in keys))
    for row in _fetched(session, query):
        if not grid.is_cut(row.place):
            tokens = (row.input_tokens or 0) + (row.output_tokens or 0)
            yield row.place, tuple(row[1 : 1 + len(names)]), _sum(row.cost, row.requests, tokens, row.unpriced_rows)


def _rows(session: Session, books: Books, asked: Asked, windows: Sequence[Window]) -> Iterator[tuple[int, Values, Sum]]:
    table = UsageLog
    place, by = _place(asked.grid), _by(asked.dimensions)
    query = (
        select(
            place,
            *by,
            func.sum(col(table.cost)).label("cost"),
            func.sum(requests_in(table)).label("requests"),
            func.sum(col(table.input_tokens) + col(table.output_tokens)).label("tokens"),
            func.count().filter(col(table.cost_source) == CostSource.UNPRICED).label("unpriced"),
        )
        .where(*_within(books.organization_id, windows), *_narrowed(asked), counts(table, books, windows))
        .group_by(place.name, *(name.name for name in by))
    )
    rows = _fetched(session, query)
    for row, values in zip(rows, _values(session, asked, rows), strict=True):
        yield row.place, values, _sum(row.cost, row.requests, row.tokens, row.unpriced)


def _calls(session: Session, books: Books, asked: Asked) -> Iterator[tuple[int, Values, Sum]]:
    """Tracked calls: a report does not say how one ended."""
    table = UsageLog
    place, by = _place(asked.grid), _by(asked.dimensions)
    failed = or_(col(table.status_code) >= 400, col(table.error).is_not(None))  # HTTP's first error
    query = (
        select(
            place,
            *by,
            func.count().label("calls"),
            func.count().filter(failed).label("errors"),
            func.count().filter(col(table.status_code) == _TOO_MANY_REQUESTS).label("refusals"),
        )
        .where(
            *_within(books.organization_id, asked.grid.needed),
            *_narrowed(asked),
            col(table.origin) != UsageOrigin.SYNC,
        )
        .group_by(place.name, *(name.name for name in by))
    )
    rows = _fetched(session, query)
    for row, values in zip(rows, _values(session, asked, rows), strict=True):
        yield row.place, values, Sum(requests=row.calls, errors=row.errors, refusals=row.refusals)


def _values(session: Session, asked: Asked, rows: Sequence[Any]) -> list[Values]:
    """The dimensions' values of each row; a token's id is a text that rows share, and is read once for all of them."""
    found: list[Values] = [tuple(row[1 : 1 + len(asked.dimensions)]) for row in rows]
    if TOKEN not in asked.dimensions:
        return found
    at = asked.dimensions.index(TOKEN)
    texts = read_shared(session, {int(id) for values in found if (id := values[at]) is not None})
    return [(*values[:at], values[at] and texts[int(values[at] or 0)], *values[at + 1 :]) for values in found]


def _sum(cost: Any, requests: Any, tokens: Any, unpriced: Any) -> Sum:
    return Sum(cost or Sum().cost, int(requests or 0), int(tokens or 0), int(unpriced or 0))


def _fetched(session: Session, query: Query) -> Sequence[Any]:
    return session.connection().execute(query).fetchall()


def _place(grid: Grid) -> Label[Any]:
    number: Expression = func.width_bucket(col(UsageLog.timestamp), cast(list(grid.edges), ARRAY(TIMESTAMP)))
    return number.label("place")


def _by(dimensions: Sequence[str]) -> list[Label[Any]]:
    return [cast(_column(name), String).label(f"by_{n}") for n, name in enumerate(dimensions)]


def _column(dimension: str) -> Expression:
    return col(UsageLog.access_token_id) if dimension == TOKEN else column(UsageLog, dimension)


def _within(organization_id: str, windows: Sequence[Window]) -> list[ColumnElement[bool]]:
    moment = col(UsageLog.timestamp)
    parts = [and_(moment >= window.start, moment < window.end) for window in windows]
    return [col(UsageLog.organization_id) == organization_id, or_(*parts)]


def _narrowed(asked: Asked) -> list[ColumnElement[bool]]:
    """In the words of an index, where there is one."""
    found: list[ColumnElement[bool]] = [literal(True)]
    for name, wanted in asked.only.items():
        values = tuple(sorted(wanted))
        if len(values) > _MOST_NARROWED:
            continue
        if name == TOKEN:
            found.append(col(UsageLog.access_token_id).in_(values))
        elif name.startswith(_TAG):
            key = name.removeprefix(_TAG)
            found += conditions(UsageLog, {"tag": tuple(f"{key}:{value}" for value in values)})
        else:
            found += conditions(UsageLog, {name: values})
    return found
