"""Sums by bucket and by group out of SQL: one scan into cells, or the most expensive groups and what they leave."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import FromClause, Select, String, and_, func, literal, null, select, text, tuple_, union_all
from sqlmodel import Session

from guardian.services.ledger.queries import dimensions
from guardian.services.ledger.queries.scans import Question, Values, scan
from guardian.services.ledger.queries.sums import WIDTH, plain, rest, sums_of, totals
from guardian.services.ledger.views import Totals

_MOST_CELLS = 20_000  # some 4 MB of JSON; nobody reads more, and a page shows at most 200 points

Row = list[Any]
"""[bucket or 0 for all of them, values or None for all groups, sums]: JSON but for Decimals."""


@dataclass(frozen=True, slots=True)
class Table:
    """Sums by bucket (numbered from 1), by values, and by both."""

    total: Totals
    buckets: dict[int, Totals]
    groups: dict[Values, Totals]
    cells: dict[int, dict[Values, Totals]]

    def rest(self, place: int | None = None) -> Totals:
        """What the groups leave of the whole range, or of one bucket."""
        whole = self.total if place is None else self.buckets.get(place, Totals())
        parts = self.groups if place is None else self.cells.get(place, {})
        return rest(whole, parts.values())


def read(session: Session, asked: Question) -> tuple[list[Row], int]:
    """The answer, for `table`, and how many groups are beyond the top ones. Raises ValidationError for a long one."""
    if asked.top is None or not asked.group_by:
        return _cells(session, asked, asked.group_by), 0
    if asked.cut and not asked.days:
        return _by_one_scan(session, asked)
    rows = _cells(session, asked, ())
    best, others = _most_expensive(session, asked)
    rows += best
    if asked.cut and best:
        cells = _cells(session, asked, asked.group_by, [tuple(row[1]) for row in best])
        rows += [row for row in cells if row[0] and row[1] is not None]
    return rows, others


def table(rows: Sequence[Row]) -> Table:
    """The rows of `read` by what they sum."""
    found = Table(Totals(), {}, {}, {})
    for place, values, *of in rows:
        sums = totals(of)
        if values is not None:
            (found.cells.setdefault(place, {}) if place else found.groups)[tuple(values)] = sums
        elif place:
            found.buckets[place] = sums
        else:
            found = Table(sums, found.buckets, found.groups, found.cells)
    return found


def read_table(session: Session, asked: Question) -> Table:
    """All groups: every sum is one of the same cells, so that they add up."""
    return table(read(session, asked)[0])


def text_of(value: Any) -> str | None:
    """A dimension's value as the API writes it."""
    return value.value if isinstance(value, StrEnum) else value


def _cells(
    session: Session, asked: Question, group_by: Sequence[str], only: Sequence[Values] | None = None
) -> list[Row]:
    statement = _statement(asked, group_by, only)
    rows: Sequence[Any] = session.connection().execute(statement.limit(_MOST_CELLS + 1)).fetchall()
    if len(rows) > _MOST_CELLS:
        raise dimensions.refuse(
            "groupBy",
            f"The answer has more than {_MOST_CELLS} parts. Choose a shorter range, wider buckets, fewer dimensions, "
            "or only the top groups.",
        )
    found: list[Row] = []
    for no_bucket, no_group, place, *facts in rows:
        values = None if no_group else [text_of(value) for value in facts[:-WIDTH]]
        found.append([0 if no_bucket else place, values, *plain(facts[-WIDTH:])])
    return found


def _statement(asked: Question, group_by: Sequence[str], only: Sequence[Values] | None) -> dimensions.Query:
    cells = scan(asked, group_by, only)
    by = [cells.c[f"by_{n}"] for n in range(len(group_by))]
    sets = [tuple_()]
    sets += [tuple_(*by)] if by else []
    sets += [tuple_(cells.c.place)] if asked.cut else []
    sets += [tuple_(cells.c.place, *by)] if asked.cut and by else []
    no_bucket = func.grouping(cells.c.place) if asked.cut else literal(1)
    no_group = func.grouping(by[0]) if by else literal(1)
    shown = cells.c.place if asked.cut else literal(0)
    query = select(no_bucket.label("no_bucket"), no_group.label("no_group"), shown, *by, *sums_of(cells))
    # The sum of all comes first.
    return query.group_by(func.grouping_sets(*sets)).order_by(text("no_bucket DESC, no_group DESC"))


def _by_one_scan(session: Session, asked: Question) -> tuple[list[Row], int]:
    """The top groups, all of it, and both by bucket, of rows that are read once: they are many where no day helps."""
    cells = select(scan(asked, asked.group_by)).cte("cells")
    best = _best(asked, cells).cte("best")
    names = [f"by_{n}" for n in range(len(asked.group_by))]
    nobody = [null().cast(String).label(name) for name in names]
    by = [cells.c[name] for name in names]
    alike = and_(*(cells.c[name].is_not_distinct_from(best.c[name]) for name in names))
    bars = select(cells.c.place, literal(1), literal(0), *nobody, *sums_of(cells))
    parts = select(cells.c.place, literal(0), literal(0), *by, *sums_of(cells)).join(best, alike)
    whole = select(literal(0), literal(0), best.c.groups, *(best.c[name] for name in names), *best.c[-WIDTH:])
    query = union_all(
        bars.group_by(func.grouping_sets(tuple_(), tuple_(cells.c.place))), whole, parts.group_by(cells.c.place, *by)
    )
    rows: list[Row] = []
    others = 0
    answer: Sequence[Any] = session.connection().execute(query).fetchall()
    for place, no_group, found, *facts in answer:
        values = None if no_group else [text_of(value) for value in facts[:-WIDTH]]
        others = found - asked.top if found else others
        rows.append([place or 0, values, *plain(facts[-WIDTH:])])
    return rows, max(others, 0)


def _most_expensive(session: Session, asked: Question) -> tuple[list[Row], int]:
    """The top groups, and how many there are besides."""
    query = _best(asked, scan(replace(asked, cut=None), asked.group_by))
    rows: Sequence[Any] = session.connection().execute(query).fetchall()
    best = [[0, [text_of(value) for value in row[1:-WIDTH]], *plain(row[-WIDTH:])] for row in rows]
    return best, rows[0][0] - len(rows) if rows else 0


def _best(asked: Question, cells: FromClause) -> Select[*tuple[Any, ...]]:
    """The top groups of some cells, after "groups", the number of all groups."""
    by = [cells.c[f"by_{n}"] for n in range(len(asked.group_by))]
    groups = select(*by, *sums_of(cells)).group_by(*by).subquery("sums")
    order = (groups.c.cost.desc().nulls_last(), groups.c.unpriced_tokens.desc().nulls_last(), *groups.c[: len(by)])
    return select(func.count().over().label("groups"), *groups.c).order_by(*order).limit(asked.top)
