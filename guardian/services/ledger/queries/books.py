"""The spend rule: which rows of the books count, so that no dollar is counted in two of them.

Per provider account and hour, the reported rows (origin sync) count where a sync has covered that hour, else the
tracked rows. A ProviderAccount covers the hours that start in [covered_from, covered_to); a tracked row that does not
name its account is covered when any account of its provider is. An hour that no account covers can still have reported
rows: before the covered span, where a pull on demand has read whole days, they count instead of the tracked ones; after
it, where a pull has read an hour that was still running, they only count when nothing was tracked. Hours are UTC hours,
as the rollups keep them. A filter on `origin` that names one book shows that book alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Boolean, ColumnElement, String, and_, cast, func, not_, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col

from guardian.models.base import TIMESTAMP
from guardian.models.enums import Provider, UsageOrigin
from guardian.models.keys import ProviderAccount
from guardian.models.usage import UsageRollup
from guardian.periods import Window, ceil_hour
from guardian.services.ledger.queries.dimensions import (
    Expression,
    Filters,
    Ledger,
    Query,
    conditions,
    hour_of,
    moment_of,
)


def _tracked(table: Ledger) -> ColumnElement[bool]:
    return col(table.origin) != UsageOrigin.SYNC


@dataclass(frozen=True, slots=True)
class Span:
    """The reported book of one provider account has every hour that starts in [start, end); None before any pull."""

    provider: Provider
    account_id: str
    start: datetime | None
    end: datetime | None

    def overlaps(self, window: Window) -> bool:
        return bool(self.start and self.end and self.start < window.end and window.start < self.end)


class Place(NamedTuple):
    """Where rows of one book stand: one account and hour."""

    provider: Provider
    account_id: str | None
    hour: datetime

    @property
    def of_any_account(self) -> "Place":
        """Where rows of the same provider and hour stand that do not name their account."""
        return self._replace(account_id=None)


@dataclass(frozen=True, slots=True)
class Books:
    """What an organization's books hold in one range.

    `tracked_from` is the hour of its first tracked row ever. `hidden_reported` and `hidden_tracked` are places outside
    the spans whose rows do not count, since the other book's do.
    """

    organization_id: str
    spans: tuple[Span, ...]
    tracked_from: datetime | None
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


def read_books(session: Session, organization_id: str, window: Window) -> Books:
    """What the organization's books hold, for queries in `window`."""
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
    spans = tuple(Span(*row[1:]) for row in rows if row[1] is not None)
    reported: set[Place] = set()
    tracked: set[Place] = set()
    tracked_from: datetime | None = rows[0][0]
    outside = _outside(spans, Window(max(window.start, tracked_from), window.end)) if tracked_from else []
    for provider, account_id, hour, is_reported in _places(session, organization_id, spans, outside) if outside else ():
        (reported if is_reported else tracked).add(Place(provider, account_id, hour))
    hidden_reported, hidden_tracked = _hidden(spans, reported, tracked)
    return Books(organization_id, spans, tracked_from, frozenset(hidden_reported), frozenset(hidden_tracked))


def spend(books: Books, window: Window, filters: Filters, *columns: Expression, table: Ledger = UsageRollup) -> Query:
    """A query of `columns` (of `table`) over the rows that are spend in `window`, by the hour in which they lie.

    `books` must have been read for a range that contains it. Raises ValidationError for a wrong filter.
    """
    query = select(*columns).where(_mine(table, books.organization_id, [window]), *conditions(table, filters))
    asked = {origin == UsageOrigin.SYNC for origin in filters.get("origin", ())}
    if len(asked) == 1 or books.tracked_from is None:
        return query
    counted = or_(not_(_tracked(table)), not_(_in_a_span(table, books.spans)))
    return query.where(counted, _not_hidden(table, books))


def _outside(spans: Sequence[Span], window: Window) -> list[Window]:
    """The parts of the window that the accounts do not all cover: only there can both books count.

    Every account that a pull has written for is among the spans, covered or not (leases.py sees to it).
    """
    starts = [span.start for span in spans if span.start and span.end]
    ends = [span.end for span in spans if span.start and span.end]
    if not starts or len(starts) < len(spans) or max(starts) >= min(ends):
        return [window]
    parts = Window(window.start, min(window.end, max(starts))), Window(max(window.start, min(ends)), window.end)
    return [part for part in parts if part.start < part.end]


def _places(session: Session, organization_id: str, spans: Sequence[Span], windows: Sequence[Window]) -> Iterable[Any]:
    """Where rows stand in the windows but outside the spans: (provider, account, hour, whether they are reported)."""
    is_reported = not_(_tracked(UsageRollup))
    query = (
        select(col(UsageRollup.provider), col(UsageRollup.account_id), col(UsageRollup.hour), is_reported)
        .where(_mine(UsageRollup, organization_id, windows), not_(_in_a_span(UsageRollup, spans)))
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


def _mine(table: Ledger, organization_id: str, windows: Iterable[Window]) -> ColumnElement[bool]:
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


def _not_hidden(table: Ledger, books: Books) -> ColumnElement[bool]:
    hidden = [(p, True) for p in books.hidden_reported] + [(p, False) for p in books.hidden_tracked]
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
