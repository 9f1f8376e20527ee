"""The spend rule: which rows of the books count, so that no dollar is counted in two of them.

Per provider account and hour, the reported rows (origin sync) count where a sync has covered that hour, else the
tracked rows. A sync has covered an hour that starts in [covered_from, covered_to) of the ProviderAccount, and also an
hour for which it wrote a row: a pull on demand may reach outside that span. A tracked row that does not name its
account is covered when any account of its provider is. Hours are UTC hours, as the rollups keep them. A filter on
`origin` that names one book only shows that book alone, and the rule does not apply.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from guardian.models.enums import Provider, UsageOrigin
from guardian.models.keys import ProviderAccount
from guardian.models.usage import UsageRollup
from guardian.periods import Window
from guardian.services.ledger.queries.dimensions import Expression, Filters, Query, conditions

_HOUR = col(UsageRollup.hour)
_TRACKED = col(UsageRollup.origin) != UsageOrigin.SYNC


@dataclass(frozen=True, slots=True)
class Span:
    """The reported book of one provider account has every hour that starts in [start, end)."""

    provider: Provider
    account_id: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Books:
    """What an organization's books hold. `tracked_from` is the hour of the first tracked row, None without one.

    `tracked_in_range` says whether a tracked row lies in the range that was asked about.
    """

    organization_id: str
    spans: tuple[Span, ...]
    tracked_from: datetime | None
    tracked_in_range: bool

    def covers(self, window: Window, now: datetime, filters: Filters) -> bool:
        """True when a book covers a part of the window, so that nothing found in it means zero and not "unknown"."""
        origins, providers, accounts = (filters.get(name, ()) for name in ("origin", "provider", "account"))
        since = self.tracked_from
        if since is not None and since < window.end and window.start <= now and set(origins) != {UsageOrigin.SYNC}:
            return True
        return (not origins or UsageOrigin.SYNC in origins) and any(
            span.start < window.end
            and window.start < span.end
            and (not providers or span.provider in providers)
            and (not accounts or span.account_id in accounts)
            for span in self.spans
        )


def read_books(session: Session, organization_id: str, window: Window) -> Books:
    """What the organization's books hold, with `tracked_in_range` for `window`, in one round trip."""
    mine = col(UsageRollup.organization_id) == organization_id
    first = select(func.min(_HOUR)).where(mine, _TRACKED).scalar_subquery()
    in_range = exists().where(mine, _TRACKED, *_within(window))
    account = ProviderAccount
    one = select(true().label("row")).subquery()
    columns = (col(account.provider), col(account.account_id), col(account.covered_from), col(account.covered_to))
    rows: list[Any] = list(
        session.connection().execute(
            select(first, in_range, *columns)
            .select_from(one)
            .outerjoin(account, and_(col(account.organization_id) == organization_id, columns[3].is_not(None)))
        )
    )
    spans = tuple(Span(*row[2:6]) for row in rows if row[4] is not None)
    return Books(organization_id, spans, rows[0][0], rows[0][1])


def spend(books: Books, window: Window, filters: Filters, *columns: Expression) -> Query:
    """A query of `columns` (of UsageRollup) over the rows that are spend in `window`.

    `books` must have been read for a range that contains it. Raises ValidationError for a wrong filter.
    """
    mine = (col(UsageRollup.organization_id) == books.organization_id, *_within(window))
    query = select(*columns).where(*mine, *conditions(UsageRollup, filters))
    asked = {origin is UsageOrigin.SYNC for origin in map(UsageOrigin, filters.get("origin", ()))}
    if not books.tracked_in_range or len(asked) == 1:
        return query
    reported = _reported_outside_spans(books, window)
    same_hour = and_(
        _TRACKED,
        reported.c.hour == _HOUR,
        reported.c.provider == col(UsageRollup.provider),
        or_(col(UsageRollup.account_id).is_(None), reported.c.account_id == col(UsageRollup.account_id)),
    )
    uncovered = and_(not_(_in_a_span(UsageRollup, books.spans)), reported.c.hour.is_(None))
    return query.select_from(UsageRollup).outerjoin(reported, same_hour).where(or_(not_(_TRACKED), uncovered))


def _within(window: Window) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(UsageRollup.hour) >= window.start, col(UsageRollup.hour) < window.end


def _reported_outside_spans(books: Books, window: Window) -> Any:
    """Hours with reported rows that no span has; joined rather than tested per row, which a planner cannot hash."""
    row = aliased(UsageRollup)
    return (
        select(col(row.provider), col(row.account_id), col(row.hour))
        .where(
            col(row.organization_id) == books.organization_id,
            col(row.origin) == UsageOrigin.SYNC,
            col(row.hour) >= window.start,
            col(row.hour) < window.end,
            not_(_in_a_span(row, books.spans)),
        )
        .distinct()
        .subquery("reported")
    )


def _in_a_span(row: type[UsageRollup], spans: tuple[Span, ...]) -> ColumnElement[bool]:
    account = col(row.account_id)
    return or_(
        not_(true()),
        *(
            and_(
                col(row.provider) == span.provider,
                or_(account.is_(None), account == span.account_id),
                col(row.hour) >= span.start,
                col(row.hour) < span.end,
            )
            for span in spans
        ),
    )
