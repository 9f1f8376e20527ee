"""The spend rule: which rows of the books count, so that no dollar is counted in two of them.

Per provider account and hour, the reported rows (origin sync) count where a sync has covered that hour, else the
tracked rows. A ProviderAccount covers the hours that start in [covered_from, covered_to); a tracked row that does not
name its account is covered when any account of its provider is. An hour that no account covers can still have reported
rows: before the covered span, where a pull on demand has read whole days, they count instead of the tracked ones; after
it, where a pull has read an hour that was still running, they only count when nothing was tracked. Hours are UTC hours,
as the rollups keep them. A filter on `origin` that names one book shows that book alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Boolean, ColumnElement, String, and_, cast, func, not_, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col

from guardian.models.base import TIMESTAMP
from guardian.models.enums import Provider, UsageOrigin
from guardian.models.keys import ProviderAccount
from guardian.models.usage import UsageRollup
from guardian.periods import Window, ceil_hour
from guardian.services.ledger.queries.days import Day, left_of, read_days, still_stand
from guardian.services.ledger.queries.dimensions import (
    Expression,
    Filters,
    Ledger,
    Query,
    conditions,
    hour_of,
    moment_of,
)
from guardian.services.ledger.queries.spans import Place, Span

T = TypeVar("T")
_TRIES = 3


def _tracked(table: Ledger) -> ColumnElement[bool]:
    return col(table.origin) != UsageOrigin.SYNC


@dataclass(frozen=True, slots=True)
class Books:
    """What an organization's books hold in one range.

    `tracked_from` is the hour of its first tracked row ever. `days` are those that are summed up already. Besides them,
    `hidden_reported` and `hidden_tracked` are places outside the spans whose rows do not count, since the other book's
    do.
    """

    organization_id: str
    spans: tuple[Span, ...]
    tracked_from: datetime | None
    days: tuple[Day, ...]
    hidden_reported: frozenset[Place]
    hidden_tracked: frozenset[Place]

    def covers(self, window: Window, now: datetime, filters: Filters) -> bool:
        """True when a book covers a part of the window, so that nothing found in it means zero and not "unknown"."""
        origins, providers, accounts = (filters.get(name, ()) for name in ("origin", "provider", "account"))
        since = self.tracked_from
        if since is not None and since < window.end and window.start <= now and set(origins) != {UsageOrigin.SYNC}:
            return True
        return (not origins or UsageOrigin.SYNC in origins) and any(
            span.overlaps(window)
            and (not providers or span.provider in providers)
            and (not accounts or span.account_id in accounts)
            for span in self.spans
        )

    def hidden(self, windows: Iterable[Window]) -> list[tuple[Place, bool]]:
        """The places in the windows whose rows do not count, and whether they are reported."""
        parts = list(windows)
        found = [(place, True) for place in self.hidden_reported] + [(place, False) for place in self.hidden_tracked]
        for day in self.days:
            if day.hidden != "[]" and any(part.start < day.end and day.start < part.end for part in parts):
                found += day.places()
        return found


def read_spans(session: Session, organization_id: str) -> tuple[datetime | None, tuple[Span, ...]]:
    """The hour of the organization's first tracked row, and what is covered of its accounts."""
    account = ProviderAccount
    first = (
        select(func.min(col(UsageRollup.hour)))
        .where(col(UsageRollup.organization_id) == organization_id, _tracked(UsageRollup))
        .scalar_subquery()
    )
    columns = (col(account.provider), col(account.account_id), col(account.covered_from), col(account.covered_to))
    rows: list[Any] = list(
        session.connection().execute(
            select(first, *columns)
            .select_from(select(true().label("row")).subquery())
            .outerjoin(account, col(account.organization_id) == organization_id)
        )
    )
    return rows[0][0], tuple(Span(*row[1:]) for row in rows if row[1] is not None)


def consistently(session: Session, organization_id: str, window: Window, ask: Callable[[Books], T]) -> T:
    """The answer of `ask` to the books of the window, asked again where days were made anew meanwhile."""
    for _ in range(_TRIES):
        books = read_books(session, organization_id, window)
        answer = ask(books)
        if still_stand(session, organization_id, books.days):
            return answer
    return ask(read_books(session, organization_id, window, by_day=False))


def read_books(session: Session, organization_id: str, window: Window, *, by_day: bool = True) -> Books:
    """What the organization's books hold, for queries in `window`; `by_day` False leaves out what is summed up."""
    tracked_from, spans = read_spans(session, organization_id)
    days = read_days(session, organization_id, spans, window) if by_day else ()
    reported: set[Place] = set()
    tracked: set[Place] = set()
    parts = left_of(window, days)
    outside = [part for each in parts for part in _outside(spans, each, tracked_from)] if tracked_from else []
    for provider, account_id, hour, is_reported in _places(session, organization_id, spans, outside) if outside else ():
        (reported if is_reported else tracked).add(Place(provider, account_id, hour))
    hidden_reported, hidden_tracked = _hidden(spans, reported, tracked)
    return Books(organization_id, spans, tracked_from, days, frozenset(hidden_reported), frozenset(hidden_tracked))


def spend(books: Books, window: Window, filters: Filters, *columns: Expression, table: Ledger = UsageRollup) -> Query:
    """A query of `columns` (of `table`) over the rows that are spend in `window`, by the hour in which they lie.

    `books` must have been read for a range that contains it. Raises ValidationError for a wrong filter.
    """
    return spend_in(books, [window], filters, *columns, table=table)


def spend_in(
    books: Books, windows: Sequence[Window], filters: Filters, *columns: Expression, table: Ledger = UsageRollup
) -> Query:
    """`spend` in several windows."""
    query = select(*columns).where(in_windows(table, books.organization_id, windows), *conditions(table, filters))
    return query if shows_one_book(filters) else query.where(counts(table, books, windows))


def shows_one_book(filters: Filters) -> bool:
    """Whether a filter names tracked rows only or reported ones only, which then count all."""
    return len({origin == UsageOrigin.SYNC for origin in filters.get("origin", ())}) == 1


def counts(table: Ledger, books: Books, windows: Sequence[Window]) -> ColumnElement[bool]:
    """The rule, for rows in these windows."""
    if books.tracked_from is None:
        return true()
    return and_(or_(not_(_tracked(table)), not_(_in_a_span(table, books.spans))), _not_hidden(table, books, windows))


def _outside(spans: Sequence[Span], window: Window, since: datetime) -> list[Window]:
    """The parts of the window since then that the accounts do not all cover: only there can both books count.

    Every account that a pull or an import has written for is among the spans, covered or not (sync/leases.py and
    imports/own_books.py see to it).
    """
    starts = [span.start for span in spans if span.start and span.end]
    ends = [span.end for span in spans if span.start and span.end]
    if not starts or len(starts) < len(spans) or max(starts) >= min(ends):
        parts = [Window(max(window.start, since), window.end)]
    else:
        begin = max(window.start, since)
        parts = [Window(begin, min(window.end, max(starts))), Window(max(begin, min(ends)), window.end)]
    return [part for part in parts if part.start < part.end]


def _places(session: Session, organization_id: str, spans: Sequence[Span], windows: Sequence[Window]) -> Iterable[Any]:
    """Where rows stand in the windows but outside the spans: (provider, account, hour, whether they are reported)."""
    is_reported = not_(_tracked(UsageRollup))
    query = (
        select(col(UsageRollup.provider), col(UsageRollup.account_id), col(UsageRollup.hour), is_reported)
        .where(in_windows(UsageRollup, organization_id, windows), not_(_in_a_span(UsageRollup, spans)))
        .distinct()
    )
    return session.connection().execute(query).fetchall()


def _hidden(spans: Iterable[Span], reported: set[Place], tracked: set[Place]) -> tuple[set[Place], set[Place]]:
    """Of the places outside the spans, those whose reported rows and those whose tracked rows do not count."""
    begins: dict[tuple[Provider, str | None], datetime | None] = {(s.provider, s.account_id): s.start for s in spans}
    before = {place for place in reported if (start := begins.get(place[:2])) and place.hour < start}
    hidden_tracked = tracked & (before | {place.of_any_account for place in before})
    counted = tracked - hidden_tracked
    return {p for p in reported - before if p in counted or p.of_any_account in counted}, hidden_tracked


def in_windows(table: Ledger, organization_id: str, windows: Iterable[Window]) -> ColumnElement[bool]:
    """The organization's rows whose hour starts in one of the windows."""
    moment = moment_of(table)
    spans = [and_(moment >= ceil_hour(window.start), moment < ceil_hour(window.end)) for window in windows]
    return and_(col(table.organization_id) == organization_id, or_(*spans))


def _in_a_span(table: Ledger, spans: Iterable[Span]) -> ColumnElement[bool]:
    moment, account = moment_of(table), col(table.account_id)
    return or_(
        not_(true()),
        *(
            and_(
                col(table.provider) == span.provider,
                or_(account.is_(None), account == span.account_id),
                moment >= ceil_hour(span.start),
                moment < ceil_hour(span.end),
            )
            for span in spans
            if span.start and span.end
        ),
    )


def _not_hidden(table: Ledger, books: Books, windows: Sequence[Window]) -> ColumnElement[bool]:
    hidden = books.hidden(windows)
    if not hidden:
        return true()
    hours = [place.hour for place, _ in hidden]
    lists = func.unnest(
        cast([place.provider.value for place, _ in hidden], ARRAY(String)),
        cast([place.account_id or "" for place, _ in hidden], ARRAY(String)),
        cast(hours, ARRAY(TIMESTAMP)),
        cast([reported for _, reported in hidden], ARRAY(Boolean)),
    )
    hidden_rows = lists.table_valued("provider", "account", "hour", "reported").render_derived()
    hour = hour_of(table)
    here = tuple_(
        cast(col(table.provider), String),
        func.coalesce(col(table.account_id), ""),
        hour,
        not_(_tracked(table)),
    )
    # Mostly the hidden hours are the last few: the comparison with them spares all other rows the look-up.
    return or_(hour < min(hours), hour > max(hours), here.not_in(select(*hidden_rows.c)))
