"""Single usage rows: newest first by keyset pages, and one row with its bill."""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, select, tuple_
from sqlmodel import Session, col

from guardian import db
from guardian.errors import NotFoundError
from guardian.models.usage import UsageLog
from guardian.periods import Window
from guardian.records import BillLine
from guardian.services.actor import Actor
from guardian.services.ledger.bills.rows import whole_row
from guardian.services.ledger.queries.dimensions import FIELDS, Expression, Query, conditions, refuse
from guardian.services.ledger.queries.names import ACCESS_TOKEN, NAMED, Names, names_of, read_names
from guardian.services.ledger.queries.stretches import stretches
from guardian.services.ledger.sql.bulk import Row
from guardian.services.ledger.sql.shared import read_shared
from guardian.services.ledger.views import UsageFilter, UsageView
from guardian.services.people.views import Page

_MOST_ROWS = 200
_ID = re.compile(r"c[0-9a-z]{24}")
_MILLISECOND = timedelta(milliseconds=1)
_INSTANT = timedelta(microseconds=1)
# Around everything; neither year is at an end of the calendar, where moments cannot be told in every zone.
_FIRST, _LAST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_SAME = (  # columns that a view shows under their own name
    *("id", "provider", "model", "operation", "origin", "series", "requests", "input_tokens", "output_tokens"),
    *("total_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_30m_tokens"),
    *("cache_write_1h_tokens", "cache_write_12h_tokens", "reasoning_tokens", "audio_input_tokens"),
    *(
        "audio_output_tokens",
        "image_input_tokens",
        "image_output_tokens",
        "video_input_tokens",
        "video_output_tokens",
        "cost",
        "cost_source",
        "cost_reason",
    ),
    *("response_time", "status_code", "error", "timestamp"),
    *("bucket_end", "user_id", "organization_id", "api_key_id", "account_id", "project_id", "external_key_id"),
    *("external_user_id", "service_tier", "session", "access_token_id"),
)
_NAMED_BY = {**{name: FIELDS[name] for name in NAMED}, ACCESS_TOKEN: "access_token_id"}
COLUMNS = [col(getattr(UsageLog, name)) for name in (*_SAME, "units", "tags", "meta", "price_id")]
_SHOWN = (*_SAME, "price_source", "price_version", "price_ref", "units", "tags", "metadata")


def list_usage(
    session: Session,
    actor: Actor,
    usage: UsageFilter,
    cursor: str | None = None,
    limit: int = 50,
    *,
    oldest_first: bool = False,
) -> Page[UsageView]:
    """Rows of every book, newest first unless told otherwise; `limit` from 1 to 200.

    Rows that arrive while pages are read neither repeat nor hide a row of a later page. Raises AuthorizationError, and
    ValidationError for a wrong filter, limit or cursor.
    """
    actor.require("usage:read")
    if not 1 <= limit <= _MOST_ROWS:
        raise refuse("limit", f"The limit is {limit}. Give a number from 1 to {_MOST_ROWS}.")
    session = db.reading(session)
    time = col(UsageLog.timestamp)
    window = _range(usage)
    query = _mine(actor, *COLUMNS).where(*conditions(UsageLog, usage.filters))
    place = (time, col(UsageLog.id))
    query = query.order_by(*(each.asc() if oldest_first else each.desc() for each in place))
    if cursor is not None:
        moment, id = _read_cursor(cursor)
        # The window says what the condition implies, in a form that leaves out other partitions.
        if oldest_first:
            window = Window(max(window.start, moment), window.end)
            query = query.where(tuple_(*place) > tuple_(moment, id))
        else:
            window = Window(window.start, min(window.end, moment + _INSTANT))
            query = query.where(tuple_(*place) < tuple_(moment, id))
    found: list[Any] = []
    parts = stretches(session, actor.organization_id, usage.filters, window)
    for part in reversed(parts) if oldest_first else parts:
        some = query.where(time >= part.start, time < part.end).limit(limit + 1 - len(found))
        found += session.connection().execute(some).fetchall()
        if len(found) > limit:
            break
    shown = found[:limit]
    return Page(
        items=tuple(views_of(session, actor, shown)),
        next_cursor=_cursor(shown[-1].timestamp, shown[-1].id) if len(found) > limit else None,
    )


def get_usage(session: Session, actor: Actor, id: str) -> UsageView:
    """One row with its bill. Raises AuthorizationError; NotFoundError also for a row of another organization."""
    actor.require("usage:read")
    if not _ID.fullmatch(id):
        raise NotFoundError("Usage row")
    query = _mine(actor, *COLUMNS, col(UsageLog.bill)).where(col(UsageLog.id) == id)
    # The id tells the time to the millisecond, which leaves one partition; where it tells another, all are looked at.
    found: Any = session.connection().execute(query.where(*_near(id))).first()
    found = found or session.connection().execute(query).first()
    if found is None:
        raise NotFoundError("Usage row")
    return views_of(session, actor, [found])[0]


def _mine(actor: Actor, *columns: Expression) -> Query:
    return select(*columns).where(col(UsageLog.organization_id) == actor.organization_id)


def _range(usage: UsageFilter) -> Window:
    for name, moment in (("from", usage.start), ("to", usage.end)):
        if moment is not None and moment.tzinfo is None:
            raise refuse(name, f"The time {name!r} has no offset to UTC. Write it like 2026-11-01T00:00:00Z.")
    if usage.start and usage.end and usage.start >= usage.end:
        raise refuse("from", "The range is empty: 'from' must be before 'to'.")
    return Window(usage.start or _FIRST, usage.end or _LAST)


def _near(id: str) -> list[ColumnElement[bool]]:
    """The timestamps that the id's first eight digits can stand for; eight digits end in the year 2059."""
    moment = datetime.fromtimestamp(0, UTC) + int(id[1:9], 36) * _MILLISECOND
    return [col(UsageLog.timestamp) >= moment - _MILLISECOND, col(UsageLog.timestamp) < moment + 2 * _MILLISECOND]


def views_of(session: Session, actor: Actor, found: Sequence[Any]) -> list[UsageView]:
    """Rows of COLUMNS, and of the bill where it was asked for, with the names that people know things by."""
    texts = read_shared(session, {id for row in found for id in (row.price_id, row.access_token_id)})
    rows = [_whole(row, texts) for row in found]
    wanted = {name: [row[field] for row in rows] for name, field in _NAMED_BY.items()}
    names = read_names(session, actor.organization_id, wanted)
    return [_view(row, names) for row in rows]


def _whole(found: Any, texts: Mapping[int, str]) -> Row:
    row = whole_row({"bill": (), **found._mapping}, texts)
    token: int | None = row["access_token_id"]
    return {**row, "access_token_id": None if token is None else texts[token]}


def _view(row: Row, names: Names) -> UsageView:
    return UsageView(
        **{name: row[name] for name in _SHOWN},
        names=names_of(names, {name: row[field] for name, field in _NAMED_BY.items()}),
        bill=tuple(_line(line) for line in row["bill"]),
    )


def _line(line: dict[str, Any]) -> BillLine:
    quantity, price, multiplier, amount = (
        Decimal(str(line[name])) for name in ("quantity", "unit_price", "multiplier", "amount")
    )
    return BillLine(unit=line["unit"], quantity=quantity, unit_price=price, multiplier=multiplier, amount=amount)


def _cursor(moment: datetime, id: str) -> str:
    return base64.urlsafe_b64encode(f"{moment.astimezone(UTC).isoformat()} {id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        moment, id = text.split(" ")
        parsed = datetime.fromisoformat(moment)
        if parsed.tzinfo is None or not _ID.fullmatch(id):
            raise ValueError(cursor)
    except ValueError:  # also what base64 and the decoding raise
        raise refuse("cursor", "The cursor is not one of ours. Start again without a cursor.") from None
    return parsed, id
