"""Spend in a range: totals, groups by any dimensions, and calendar buckets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict
from zoneinfo import ZoneInfo

from sqlmodel import Session

from guardian import db
from guardian.periods import Window, floor_hour, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger.queries import buckets, cells, dimensions
from guardian.services.ledger.queries.books import Books, consistently
from guardian.services.ledger.queries.caching import cached
from guardian.services.ledger.queries.cells import Row
from guardian.services.ledger.queries.names import Names, names_of, read_names
from guardian.services.ledger.queries.scans import Question, Values
from guardian.services.ledger.views import Group, SpendBucket, Summary, SummaryQuery, Totals

# Summaries are asked for with any range and filter: what is kept of them must stay small.
_TTL = 60
_MOST_CACHED_BYTES = 64_000
_MOST_TOP = 100


class _Stored(TypedDict):
    """What is cached of a summary: its rows, how many groups they leave out, and for each bucket whether it is covered
    by a book."""

    rows: list[Row]
    others: int
    covered: list[bool]


def summary(session: Session, actor: Actor, query: SummaryQuery) -> Summary:
    """What the actor's organization spent, by the rule of `books`; maybe up to a minute old where no pull changed it.

    Groups are ordered by cost, the highest first; empty buckets are present. Questions about sessions, and about tags
    other than team and feature, are answered from the single rows, by the same rule. Raises AuthorizationError, and
    ValidationError for a wrong range, zone, bucket, dimension or filter, and for an answer of too many parts.
    """
    actor.require("usage:read")
    session = db.reading(session)
    tz = _checked(query)
    window = Window(query.start, query.end)
    cut = buckets.windows(query.bucket, query.start, query.end, tz) if query.bucket else None
    now = utcnow()

    def fetch() -> _Stored:
        return consistently(session, actor.organization_id, window, answer)

    def answer(books: Books) -> _Stored:
        asked = Question(
            books=books, window=window, filters=query.filters, group_by=query.group_by, cut=cut, top=query.top
        )
        rows, others = cells.read(session, asked)
        covered = [books.covers(span, now, query.filters) for span in cut or ()]
        return {"rows": rows, "others": others, "covered": covered}

    filters = sorted((name, sorted(values)) for name, values in query.filters.items())
    how = (query.tz, query.bucket, query.group_by, filters, query.top)
    question = ("summary", window.start, window.end, how, floor_hour(now))
    stored = cached(
        session,
        actor.organization_id,
        question,
        fetch,
        user_id=_one_person(query),
        ttl=_TTL,
        most_bytes=_MOST_CACHED_BYTES,
    )
    table = cells.table(stored["rows"])
    names = read_names(session, actor.organization_id, _by_dimension(query.group_by, table.groups))

    def grouped(place: int | None = None) -> tuple[Group, ...]:
        found = groups(query.group_by, table.groups if place is None else table.cells.get(place, {}), names)
        return (*found, *_others(query.group_by, table, stored["others"], place))

    return Summary(
        totals=table.total,
        groups=grouped(),
        buckets=tuple(
            SpendBucket(
                start=span.start,
                end=span.end,
                totals=table.buckets.get(place, Totals()),
                groups=grouped(place),
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


def _one_person(query: SummaryQuery) -> str | None:
    """Whose usage alone is asked for."""
    people = query.filters.get("user", ())
    return people[0] or None if len(people) == 1 else None


def _checked(query: SummaryQuery) -> ZoneInfo:
    """The question's zone. Raises ValidationError for whatever in it cannot be answered."""
    tz = zone(query.tz)
    buckets.check_range(query.start, query.end, tz)
    dimensions.check_group_by(query.group_by)
    dimensions.conditions(dimensions.table_for(query.group_by, query.filters), query.filters)
    if query.top is not None and not 1 <= query.top <= _MOST_TOP:
        raise dimensions.refuse("top", f"The top is {query.top}. Give a number from 1 to {_MOST_TOP}.")
    return tz


def _others(group_by: Sequence[str], table: cells.Table, others: int, place: int | None) -> tuple[Group, ...]:
    """The group of those beyond the top, of a bucket or of the whole; none where nothing is left out."""
    rest = table.rest(place) if others else Totals()
    if not others or (place is not None and rest == Totals()):
        return ()
    return (Group(values=dict.fromkeys(group_by), names={}, totals=rest, others=others),)


def _by_dimension(group_by: Sequence[str], found: Iterable[Values]) -> dict[str, list[str | None]]:
    return {name: [values[place] for values in found] for place, name in enumerate(group_by)}


def _group(values: dict[str, str | None], of: Totals, names: Names) -> Group:
    return Group(values=values, names=names_of(names, values), totals=of)
