"""Pages that the database cuts: in the order of a column, each from behind the row that the one before ended with."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import String, literal, tuple_
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session as OrmSession
from sqlmodel import Session

from guardian.errors import ValidationError

MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`sort` names one of a list's orders, with "-" before it for the other way round; None is the list's own."""

    cursor: str | None = None
    limit: int = 100
    sort: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a list may be sorted by: columns, or what is worked out of them. None is ever null; equals go by `id`."""

    by: Mapping[str, Any]
    id: Any
    usual: str


def read_page(session: Session, query: Any, orders: Orders, asked: Asked) -> tuple[list[Any], str | None]:
    """The rows of a `select` on that page, and the cursor of the next one; None on the last.

    Rows that come or go meanwhile shift nothing. Raises ValidationError for a cursor of another list or order.
    """
    sort = asked.sort or orders.usual
    by, down = orders.by[sort.removeprefix("-")], sort.startswith("-")
    if asked.cursor is not None:
        value, last = _read(asked.cursor, sort)
        here, before = tuple_(by, orders.id), tuple_(sql_cast(literal(value), by.type), literal(last))
        query = query.where(here < before if down else here > before)
    limit = max(1, min(asked.limit, MOST))
    ordered = [each.desc() if down else each.asc() for each in (by, orders.id)]
    # As text, a value comes back as it was, to the microsecond.
    query = (
        query.add_columns(sql_cast(by, String).label("_place"), orders.id.label("_last"))
        .order_by(*ordered)
        .limit(limit + 1)
    )
    # SQLModel's own would leave only the first column of a select that began with one.
    rows = cast("list[Any]", OrmSession.execute(session, query).all())
    shown = rows[:limit]
    following = _cursor(sort, shown[-1][-2], shown[-1][-1]) if len(rows) > limit else None
    return [row[:-2] for row in shown], following


def _cursor(sort: str, value: str, last: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, value, last]).encode()).decode().rstrip("=")


def _read(cursor: str, sort: str) -> tuple[str, str]:
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if isinstance(found, list):
        order, *place = cast("list[object]", found) or [None]
        if order == sort and len(place) == 2 and all(isinstance(each, str) and "\x00" not in each for each in place):
            value, last = cast("list[str]", place)
            return value, last
    message = "This cursor is not one of this list in this order. Begin without a cursor."
    raise ValidationError(message, details=[{"field": "cursor", "message": message}])
