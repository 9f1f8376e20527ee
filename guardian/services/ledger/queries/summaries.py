"""Spend in a range: totals, groups by any dimensions, and calendar buckets; from the hourly rollups only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypedDict

from sqlalchemy import Label, func, literal, select, text, tuple_
from sqlmodel import Session

from guardian.models.usage import UsageRollup
from guardian.periods import Window, floor_hour, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger.queries import buckets, dimensions
from guardian.services.ledger.queries.books import Books, read_books, spend
from guardian.services.ledger.queries.caching import cached
from guardian.services.ledger.queries.names import Names, names_of, read_names
from guardian.services.ledger.queries.sums import WIDTH, plain, sums, sums_of, totals
from guardian.services.ledger.views import Group, SpendBucket, Summary, SummaryQuery, Totals

_MOST_CELLS = 20_000  # some 4 MB of JSON; nobody reads more, and a page shows at most 200 points

# Summaries are asked for with any range and filter: what is kept of them must stay small.
_TTL = 60
_MOST_CACHED_BYTES = 64_000

Values = tuple[str | None, ...]
_Row = list[Any]


class _Stored(TypedDict):
    """What is cached of a summary: its rows, and for each bucket whether a book covers it."""

    rows: list[_Row]
    covered: list[bool]


def summary(session: Session, actor: Actor, query: SummaryQuery) -> Summary:
    """What the actor's organization spent, by the rule of `books`; maybe up to a minute old where no pull changed it.

    Groups are ordered by cost, the highest first; empty buckets are present. Raises AuthorizationError, and
    ValidationError for a wrong range, zone, bucket, dimension or filter, and for an answer of too many parts.
    """
    actor.require("usage:read")
    tz = zone(query.tz)
    buckets.check_range(query.start, query.end, tz)
    dimensions.check_group_by(query.group_by)
    dimensions.conditions(UsageRollup, query.filters)
    window = Window(query.start, query.end)
    cut = buckets.windows(query.bucket, query.start, query.end, tz) if query.bucket else None
    now = utcnow()

    def fetch() -> _Stored:
        books = read_books(session, actor.organization_id, window)
        rows = _read(session, books, window, query.filters, query.group_by, cut)
        covered = [books.covers(span, now, query.filters) for span in cut or ()]
        return {"rows": rows, "covered": covered}

    filters = sorted((name, sorted(values)) for name, values in query.filters.items())
    question = ("summary", window.start, window.end, query.tz, query.bucket, query.group_by, filters, floor_hour(now))
    stored = cached(session, actor.organization_id, question, fetch, ttl=_TTL, most_bytes=_MOST_CACHED_BYTES)
    table = _table(stored["rows"])
    names = read_names(session, actor.organization_id, _by_dimension(query.group_by, table.groups))
    return Summary(
        totals=table.total,
        groups=groups(query.group_by, table.groups, names),
        buckets=tuple(
            SpendBucket(
                start=span.start,
                end=span.end,
                totals=table.buckets.get(place, Totals()),
                groups=groups(query.group_by, table.cells.get(place, {}), names),
                covered=place in table.buckets or covered,
            )
            for place, (span, covered) in enumerate(zip(cut or (), stored["covered"], strict=True), start=1)
        ),
    )


def groups(group_by: Sequence[str], found: Mapping[Values, Totals], names: Names) -> tuple[Group, ...]:
    """The groups, most expensive first; where costs are equal, what is unpriced decides, then the values."""
    ordered = sorted(
        found.items(),
        key=lambda item: (-item[1].cost, -item[1].unpriced_tokens, [value or "" for value in item[0]]),
    )
    return tuple(_group(dict(zip(group_by, values, strict=True)), of, names) for values, of in ordered)


def text_of(value: Any) -> str | None:
    """A dimension's value as the API writes it."""
    return value.value if isinstance(value, StrEnum) else value


@dataclass(frozen=True, slots=True)
class Table:
    """Sums by bucket (numbered from 1), by values, and by both."""

    total: Totals
    buckets: dict[int, Totals]
    groups: dict[Values, Totals]
    cells: dict[int, dict[Values, Totals]]


def read_table(
    session: Session, books: Books, window: Window, group_by: Sequence[str], cut: list[Window] | None
) -> Table:
    """One scan into cells of bucket × values, and the sums over the cells, so that every sum adds up."""
    return _table(_read(session, books, window, {}, group_by, cut))


def _read(
    session: Session,
    books: Books,
    window: Window,
    filters: dimensions.Filters,
    group_by: Sequence[str],
    cut: list[Window] | None,
) -> list[_Row]:
    """Rows that are JSON but for Decimals: whether it sums all buckets, all groups; the bucket, the values, the sums.

    Raises ValidationError for more than 20,000 of them.
    """
    statement = _statement(books, window, filters, group_by, cut)
    rows: Sequence[Any] = session.connection().execute(statement.limit(_MOST_CELLS + 1)).fetchall()
    if len(rows) > _MOST_CELLS:
        raise dimensions.refuse(
            "groupBy",
            f"The answer has more than {_MOST_CELLS} parts. Choose a shorter range, wider buckets or fewer dimensions.",
        )
    return [[*row[:3], *(text_of(value) for value in row[3:-WIDTH]), *plain(row[-WIDTH:])] for row in rows]


def _table(rows: Sequence[_Row]) -> Table:
    table = Table(totals(rows[0][-WIDTH:]), {}, {}, {})
    for no_bucket, no_group, place, *rest in rows[1:]:
        of, values = totals(rest[-WIDTH:]), tuple(rest[:-WIDTH])
        if no_bucket:
            table.groups[values] = of
        elif no_group:
            table.buckets[place] = of
        else:
            table.cells.setdefault(place, {})[values] = of
    return table


def _statement(
    books: Books, window: Window, filters: dimensions.Filters, group_by: Sequence[str], cut: list[Window] | None
) -> dimensions.Query:
    place = buckets.number(cut) if cut else literal(1)
    keys: list[Label[Any]] = [dimensions.column(UsageRollup, name).label(f"by_{name}") for name in group_by]
    inner = spend(books, window, filters, place.label("place"), *keys, *sums())
    cells = inner.group_by("place", *(key.name for key in keys)).subquery("cells")
    by = [cells.c[key.name] for key in keys]
    sets = [tuple_()]
    sets += [tuple_(*by)] if by else []
    sets += [tuple_(cells.c.place)] if cut else []
    sets += [tuple_(cells.c.place, *by)] if cut and by else []
    no_bucket = func.grouping(cells.c.place) if cut else literal(1)
    no_group = func.grouping(by[0]) if by else literal(1)
    shown = cells.c.place if cut else literal(0)
    query = select(no_bucket.label("no_bucket"), no_group.label("no_group"), shown, *by, *sums_of(cells))
    # The sum of all comes first.
    return query.group_by(func.grouping_sets(*sets)).order_by(text("no_bucket DESC, no_group DESC"))


def _by_dimension(group_by: Sequence[str], found: Iterable[Values]) -> dict[str, list[str | None]]:
    return {name: [values[place] for values in found] for place, name in enumerate(group_by)}


def _group(values: dict[str, str | None], of: Totals, names: Names) -> Group:
    return Group(values=values, names=names_of(names, values), totals=of)
