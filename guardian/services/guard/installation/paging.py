"""Pages of a list in the order of its ids, newest first: ids sort by their time, so an id is the cursor."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from guardian.errors import ValidationError
from guardian.services.people.views import Page

MAX_PAGE = 200
Row = TypeVar("Row")
View = TypeVar("View")


def checked(cursor: str | None) -> str | None:
    """The cursor, if it is one. Raises ValidationError."""
    if cursor is not None and not re.fullmatch(r"[0-9a-zA-Z_-]{1,64}", cursor):
        raise ValidationError(
            "This cursor is not one that a list gave.", details=[{"field": "cursor", "message": "unknown cursor"}]
        )
    return cursor


def size(limit: int) -> int:
    return max(1, min(limit, MAX_PAGE))


def paged(rows: Sequence[Row], limit: int, id_of: Callable[[Row], str], view_of: Callable[[Row], View]) -> Page[View]:
    """`rows` are one more than `limit` where there is another page."""
    more = len(rows) > limit
    return Page(items=tuple(view_of(row) for row in rows[:limit]), next_cursor=id_of(rows[limit - 1]) if more else None)
