"""What an analysis reads of the ledger for one scope: its days, its hours, and what was used of which model.

Read from the sums of days and hours wherever these know the scope; access tokens, and tags but team and feature, are
read from single rows. By default what counts is spend (services/ledger/queries/books.py); `tracked` is the tracked book
alone, which is what budgets count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Label, func, or_
from sqlmodel import Session, col

from guardian.models import UsageLog
from guardian.periods import Window, local_days
from guardian.services.guard.analysis.decomposition import Use
from guardian.services.guard.budgets.scopes import Scope
from guardian.services.guard.explaining.scoping import book, filters_of, outside, tokens_of
from guardian.services.ledger.queries import buckets
from guardian.services.ledger.queries.books import Books, consistently, spend_in
from guardian.services.ledger.queries.cells import read_table, text_of
from guardian.services.ledger.queries.dimensions import Filters, column, hour_of, table_for
from guardian.services.ledger.queries.scans import Question
from guardian.services.ledger.queries.sums import add
from guardian.services.ledger.sql.tables import requests_in
from guardian.services.ledger.views import Totals

ORGANIZATION = Scope("organization")
NO_TOKENS: frozenset[str] = frozenset()

_ZERO = Decimal(0)
_FAILURE = 400  # HTTP


@dataclass(frozen=True, slots=True)
class Hour:
    """Sums of the rows whose UTC hour begins at `start`; `cost` leaves out what is unpriced."""

    start: datetime
    cost: Decimal
    requests: int
    tokens: int


def days_of(
    session: Session,
    organization_id: str,
    scope: Scope,
    first: date,
    last: date,
    tz: ZoneInfo,
    *,
    tracked: bool = False,
    tokens: frozenset[str] = NO_TOKENS,
) -> list[tuple[date, Decimal]]:
    """What each local day from `first` to `last` has cost, from the first day on that has any usage.

    `tokens` are the access tokens that name a budget: their calls count whatever its scope says.
    """
    cut = local_days(first, last, tz)
    window = Window(cut[0].start, cut[-1].end)
    filters = filters_of(session, organization_id, scope, window)
    named = tokens_of(scope, tokens)

    def read(books: Books) -> dict[int, Decimal]:
        found: dict[int, Decimal] = {}
        for each in filters:
            asked = Question(books=books, window=window, filters={**each, **book(tracked=tracked)}, cut=cut)
            for place, of in read_table(session, asked).buckets.items():
                found[place] = found.get(place, _ZERO) + of.cost
        for place, cost in _of_tokens(session, books, cut, named, filters, tracked) if named else ():
            found[place] = found.get(place, _ZERO) + cost
        return found

    by_place = consistently(session, organization_id, window, read)
    if not by_place:
        return []
    days = [(first + (place - 1) * (date.resolution), by_place.get(place, _ZERO)) for place in range(1, len(cut) + 1)]
    return days[min(by_place) - 1 :]


def _of_tokens(
    session: Session, books: Books, cut: list[Window], named: list[str], filters: list[Filters], tracked: bool
) -> list[tuple[int, Decimal]]:
    place: Label[Any] = buckets.number(UsageLog, cut).label("place")
    whole = [Window(cut[0].start, cut[-1].end)]
    query = spend_in(books, whole, book(tracked=tracked), place, func.sum(col(UsageLog.cost)), table=UsageLog)
    query = query.where(col(UsageLog.access_token_id).in_(named), *outside(filters)).group_by("place")
    return [(row[0], row[1] or _ZERO) for row in session.connection().execute(query)]


def hours_of(
    session: Session, organization_id: str, scope: Scope, window: Window, *, tracked: bool = False
) -> list[Hour]:
    """The UTC hours of the window that have any usage, in order."""
    filters = filters_of(session, organization_id, scope, window)
    named = tokens_of(scope, NO_TOKENS)

    def read(books: Books) -> list[Any]:
        rows: list[Any] = []
        for each in filters:
            rows += session.connection().execute(_hours(books, window, {**each, **book(tracked=tracked)}))
        if named:
            query = _hours(books, window, book(tracked=tracked), rows_only=True)
            rows += session.connection().execute(query.where(col(UsageLog.access_token_id).in_(named)))
        return rows

    found: dict[datetime, Hour] = {}
    for start, cost, requests, tokens in consistently(session, organization_id, window, read):
        had = found.get(start, Hour(start, _ZERO, 0, 0))
        found[start] = Hour(
            start, had.cost + (cost or _ZERO), had.requests + int(requests or 0), had.tokens + int(tokens or 0)
        )
    return sorted(found.values(), key=lambda hour: hour.start)


def _hours(books: Books, window: Window, filters: Filters, *, rows_only: bool = False) -> Any:
    table = UsageLog if rows_only else table_for((), filters)
    hour: Label[Any] = hour_of(table).label("hour_of")
    sums = (func.sum(col(table.cost)), func.sum(requests_in(table)), func.sum(col(table.total_tokens)))
    return spend_in(books, [window], filters, hour, *sums, table=table).group_by("hour_of")


def groups_of(
    session: Session, organization_id: str, scope: Scope, window: Window, dimension: str, *, tracked: bool = False
) -> dict[str | None, Decimal]:
    """What each value of one of the ledger's dimensions has cost; None is what has none."""
    filters = _filters(session, organization_id, scope, window, tracked)

    def read(books: Books) -> list[tuple[str | None, Decimal]]:
        asked = [Question(books=books, window=window, filters=each, group_by=(dimension,)) for each in filters]
        return [(values[0], of.cost) for each in asked for values, of in read_table(session, each).groups.items()]

    found: dict[str | None, Decimal] = {}
    for value, cost in consistently(session, organization_id, window, read):
        found[value] = found.get(value, _ZERO) + cost
    return found


def totals_of(session: Session, organization_id: str, scope: Scope, window: Window, *, tracked: bool = False) -> Totals:
    """Everything that is summed up of the window; of access tokens nothing."""
    filters = _filters(session, organization_id, scope, window, tracked)

    def read(books: Books) -> Totals:
        asked = [Question(books=books, window=window, filters=each) for each in filters]
        return reduce(add, (read_table(session, each).total for each in asked), Totals())

    return consistently(session, organization_id, window, read)


def _filters(session: Session, organization_id: str, scope: Scope, window: Window, tracked: bool) -> list[Filters]:
    return [{**each, **book(tracked=tracked)} for each in filters_of(session, organization_id, scope, window)]


def mix_of(
    session: Session, organization_id: str, scope: Scope, window: Window, *, tracked: bool = False
) -> dict[str, Use]:
    """What was used of each model, by "PROVIDER/model", with what failed of it and was paid for nonetheless.

    Of access tokens nothing is told.
    """
    return mixes_of(session, organization_id, scope, window, tracked=tracked).get((), {})


def mixes_of(
    session: Session,
    organization_id: str,
    scope: Scope,
    window: Window,
    *,
    dimension: str | None = None,
    values: Sequence[str] = (),
    tracked: bool = False,
) -> dict[tuple[str | None, ...], dict[str, Use]]:
    """The same for each of these values of a dimension of the ledger ("" is none), by (value,); or of all, by ()."""
    extra: Filters = {} if dimension is None else {dimension: tuple(values)}
    by = () if dimension is None else (dimension,)
    filters = [{**each, **extra} for each in _filters(session, organization_id, scope, window, tracked)]

    def read(books: Books) -> list[tuple[tuple[str | None, ...], Use]]:
        found: list[tuple[tuple[str | None, ...], Use]] = []
        for each in filters:
            asked = Question(books=books, window=window, filters=each, group_by=(*by, "provider", "model"))
            failed = _failed(session, books, asked)
            for place, of in read_table(session, asked).groups.items():
                calls, cost = failed.get(place, (0, _ZERO))
                use = Use(
                    calls=of.requests,
                    input_tokens=of.input_tokens,
                    output_tokens=of.output_tokens,
                    cached_tokens=of.cache_read_tokens,
                    cost=of.cost,
                    failed_calls=min(calls, of.requests),
                    failed=cost,
                )
                found.append((place, use))
        return found

    mixes: dict[tuple[str | None, ...], dict[str, Use]] = {}
    for place, use in consistently(session, organization_id, window, read):
        mixes.setdefault(place[:-2], {})[f"{place[-2]}/{place[-1]}"] = use
    return mixes


def _failed(session: Session, books: Books, asked: Question) -> dict[tuple[str | None, ...], tuple[int, Decimal]]:
    """Calls and cost of what failed, by group. No sum knows it: single rows, of which the tracked ones tell."""
    table = UsageLog
    by: list[Label[Any]] = [column(table, name).label(f"by_{n}") for n, name in enumerate(asked.group_by)]
    sums = (func.count(), func.sum(col(table.cost)))
    wrong = or_(col(table.status_code) >= _FAILURE, col(table.error).is_not(None))
    query = spend_in(books, [asked.window], asked.filters, *by, *sums, table=table).where(wrong)
    rows: Any = session.connection().execute(query.group_by(*(each.name for each in by)))
    return {tuple(text_of(value) for value in row[:-2]): (row[-2], row[-1] or _ZERO) for row in rows}
