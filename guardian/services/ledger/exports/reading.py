"""Usage rows out of the database as a stream: a server-side cursor, so that ten million need no more than a page."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlmodel import Session, col

from guardian import db
from guardian.models.usage import UsageLog
from guardian.periods import DAY, HOUR, Window, floor_hour, local_date, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger.bills.rows import whole_row
from guardian.services.ledger.exports.columns import COLUMNS
from guardian.services.ledger.queries.books import read_books, spend
from guardian.services.ledger.queries.dimensions import Query, conditions, refuse
from guardian.services.ledger.sql.shared import read_shared
from guardian.services.ledger.views import UsageFilter
from guardian.services.people import organizations

_PAGE = 2_000  # rows fetched at once: some 4 MB
_NOT_STORED = ("local_date", "price_source", "price_version", "price_ref")
_STORED = [*(name for name in COLUMNS if name not in _NOT_STORED), "price_id"]
_DOCUMENTS = ("units", "tags", "metadata")
_FIRST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def usage_rows(session: Session, actor: Actor, usage: UsageFilter) -> Iterator[Mapping[str, Any]]:
    """Rows of every book by database column, oldest first, with their `local_date`; documents are JSON text.

    The query has begun when this returns: what is wrong with it is raised here, and not in the middle of a file. Raises
    AuthorizationError, ValidationError.
    """
    actor.require("usage:read")
    _check(usage)
    session = db.reading(session)
    log = UsageLog
    columns = [
        func.coalesce(cast(column, Text), "{}").label(name) if name in _DOCUMENTS else column
        for name, column in _columns().items()
    ]
    query = select(*columns).where(
        col(log.organization_id) == actor.organization_id, *_range(usage), *conditions(log, usage.filters)
    )
    tz = zone(organizations.get_organization(session, actor).time_zone)
    rows = _stream(session, query)
    return ({**row, "bill": _document(row["bill"]), "local_date": local_date(row["timestamp"], tz)} for row in rows)


def spend_rows(session: Session, actor: Actor, usage: UsageFilter) -> Iterator[Mapping[str, Any]]:
    """The rows that count as spend, which add up to the summaries; documents are parsed. Raises as usage_rows."""
    actor.require("usage:read")
    _check(usage)
    session = db.reading(session)
    # Whole hours, in which books are kept; the range itself then cuts what is beyond it.
    window = Window(floor_hour(usage.start or _FIRST), floor_hour(usage.end or utcnow() + DAY) + HOUR)
    books = read_books(session, actor.organization_id, window)
    query = spend(books, window, usage.filters, *_columns().values(), table=UsageLog).where(*_range(usage))
    return _stream(session, query)


def _document(bill: Sequence[Mapping[str, str]] | None) -> str | None:
    return None if bill is None else json.dumps(bill, ensure_ascii=False)


def _columns() -> dict[str, Any]:
    return {name: col(getattr(UsageLog, "meta" if name == "metadata" else name)) for name in _STORED}


def _stream(session: Session, query: Query) -> Iterator[Mapping[str, Any]]:
    # By the index of organization and time: a sort of ten million rows would fill the disk before the first one comes.
    ordered = query.order_by(col(UsageLog.timestamp)).execution_options(stream_results=True, yield_per=_PAGE)
    rows = _rows_of(session, session.connection().execute(ordered))
    next(rows)
    return rows


def _rows_of(session: Session, found: Any) -> Generator[dict[str, Any]]:
    """An empty row, then those that were found. Begun by its first one, it closes the cursor however it ends."""
    texts: dict[int, str] = {}
    try:
        yield {}
        for values in found:
            row = dict(zip(_STORED, values, strict=True))
            if row["price_id"] is not None and row["price_id"] not in texts:
                texts |= read_shared(session, [row["price_id"]])
            whole = whole_row(row, texts)
            del whole["price_id"]
            yield whole
    finally:
        found.close()


def _check(usage: UsageFilter) -> None:
    if usage.start and usage.end and usage.start >= usage.end:
        raise refuse("from", "The range is empty: 'from' must be before 'to'.")


def _range(usage: UsageFilter) -> list[Any]:
    moment = col(UsageLog.timestamp)
    since = [moment >= usage.start] if usage.start else []
    return since + ([moment < usage.end] if usage.end else [])
