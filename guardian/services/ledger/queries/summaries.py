"""Spend in a range: totals, groups by any dimensions, and calendar buckets; from the hourly rollups only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Label, func, literal, select, text, tuple_
from sqlmodel import Session

from guardian.periods import Window, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger.queries import buckets, dimensions
from guardian.services.ledger.queries.books import Books, read_books, spend
from guardian.services.ledger.queries.names import Names, names_of, read_names
from guardian.services.ledger.queries.sums import WIDTH, sums, sums_of, totals
from guardian.services.ledger.views import Group, SpendBucket, Summary, SummaryQuery, Totals

_MOST_CELLS = 20_000  # some 4 MB of JSON; nobody reads more, and a page shows at most 200 points

Values = tuple[str | None, ...]


def summary(session: Session, actor: Actor, query: SummaryQuery) -> Summary:
    """What the actor's organization spent, by the rule of `books`.

    Groups are ordered by cost, the highest first; empty buckets are present. Raises AuthorizationError, and
    ValidationError for a wrong range, zone, bucket, dimension or filter, and for an answer of too many parts.
    """
    actor.require("usage:read")
    tz = zone(query.tz)
    buckets.check_range(query.start, query.end, tz)
    dimensions.check_group_by(query.group_by)
    window = Window(query.start, query.end)
    cut = buckets.windows(query.bucket, query.start, query.end, tz)
    books = read_books(session, actor.organization_id, window)
    table = read_table(session, books, window, query.filters, query.group_by, cut if query.bucket else None)
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
                covered=place in table.buckets or books.covers(span, utcnow(), query.filters),
            )
            for place, span in enumerate(cut if query.bucket else (), start=1)
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
    session: Session,
    books: Books,
    window: Window,
    filters: dimensions.Filters,
    group_by: Sequence[str],
    cut: list[Window] | None,
) -> Table:
    """One scan into cells of bucket × values, and the sums over the cells, so that every sum adds up.

    Raises ValidationError for a wrong filter, and for more than 20,000 sums.
    """
    statement = _statement(books, window, filters, group_by, cut)
    rows: Sequence[Any] = session.connection().execute(statement.limit(_MOST_CELLS + 1)).fetchall()
    if len(rows) > _MOST_CELLS:
        raise dimensions.refuse(
            "groupBy",
            f"The answer has more than {_MOST_CELLS} parts. Choose a shorter range, wider buckets or fewer dimensions.",
        )
    table = Table(totals(rows[0][-WIDTH:]), {}, {}, {})
    for row in rows[1:]:
        no_bucket, no_group, place, *rest = row
        of = totals(rest[-WIDTH:])
        values = tuple(text_of(value) for value in rest[:-WIDTH])
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
    keys: list[Label[Any]] = [dimensions.column(dimensions.UsageRollup, name).label(f"by_{name}") for name in group_by]
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
