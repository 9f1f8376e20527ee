"""Lists that people make by hand (budgets, alerts, channels, agreements, …): filtered, sorted and cut into pages.

They are as long as people are patient, some hundreds, and bounded where they cost: an organization has 200 budgets and
500 teams at most, a person 200 views. They are read whole: what they are sorted by is often worked out, and in no
column. What programs make or what grows by itself (tokens, members, usage, activity, …) is cut by the database instead.
"""

import base64
import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar, cast

from pydantic import Field

from guardian.api.answers.envelope import Body, Out
from guardian.errors import ValidationError
from guardian.services.people.paging import MOST, Asked
from guardian.services.people.views import Page

T = TypeVar("T", bound=Out)


class ListQuery(Body):
    """What every list takes. A list adds `sort`, a Literal of the fields that it may be sorted by ("-" before one turns
    it round), and filters: fields of its rows, which have to have that value, or to contain it.
    """

    cursor: str | None = Field(default=None, max_length=1_000, description="`metadata.nextCursor` of the page before.")
    limit: int = Field(default=100, ge=1, le=MOST)

    @property
    def asked(self) -> Asked:
        """For a list that the database cuts."""
        return Asked(cursor=self.cursor, limit=self.limit, sort=getattr(self, "sort", None))


def page_of(rows: Iterable[T], query: ListQuery) -> Page[T]:
    """The page that was asked for. Raises ValidationError for a cursor of another list or order.

    Without `sort` rows stay in the order in which they come. A cursor names the last row by its id, so that rows that
    come or go in between shift nothing; and its place, for when that row itself is gone.
    """
    wanted = {name: value for name, value in query if name not in ("cursor", "limit", "sort") and value is not None}
    found = [row for row in rows if all(_matches(getattr(row, name), value) for name, value in wanted.items())]
    sort: str | None = getattr(query, "sort", None)
    if sort is not None:
        by = re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), sort.removeprefix("-"))
        found.sort(key=lambda row: _key(row, by), reverse=sort.startswith("-"))
    start = _start(found, query.cursor, sort)
    end = start + query.limit
    items = tuple(found[start:end])
    return Page(items=items, next_cursor=_cursor(items[-1], end, sort) if end < len(found) else None)


def _matches(value: object, wanted: object) -> bool:
    return wanted in cast("list[object]", value) if isinstance(value, list) else value == wanted


def _key(row: Any, by: str) -> tuple[Any, ...]:
    """Empty values first; names without regard to case; what is equal by its id."""
    value = getattr(row, by)
    if isinstance(value, str):
        value = value.casefold()
    return (value is not None, 0 if value is None else value, row.id)


def _cursor(row: Any, end: int, sort: str | None) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, row.id, end]).encode()).decode().rstrip("=")


def _start(rows: list[Any], cursor: str | None, sort: str | None) -> int:
    if cursor is None:
        return 0
    try:
        order, row_id, end = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        sound = order == sort and isinstance(row_id, str) and isinstance(end, int) and end > 0
    except (ValueError, TypeError):
        sound, row_id, end = False, "", 1
    if not sound:
        message = "This cursor is not one of this list in this order. Begin without a cursor."
        raise ValidationError(message, details=[{"field": "cursor", "message": message}])
    return next((number + 1 for number, row in enumerate(rows) if row.id == row_id), end - 1)
