"""What the reports of both vendors share: buckets of time, pages of them, and sums over what was not asked to be told
apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Query = Sequence[tuple[str, str]]
Dimensions = Mapping[str, Any]


class Refused(Exception):
    """A request that is answered with an error: its status, and what is wrong with it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class Span:
    """The buckets that a request asks for, from `start` on, of which a page shows some."""

    buckets: tuple[tuple[datetime, datetime], ...]
    more_from: int | None


def one(query: Query, name: str) -> str | None:
    return next((value for key, value in query if key == name), None)


def groups(query: Query) -> list[str]:
    return [value for key, value in query if key in ("group_by", "group_by[]")]


def span(query: Query, start: datetime, end: datetime, width: timedelta, usual: int, most: int) -> Span:
    """The page of buckets of that width from `start` on; `page` in the query is where it begins.

    Raises Refused for a limit or a page that is no number.
    """
    try:
        limit, first = int(one(query, "limit") or usual), int((one(query, "page") or "page_0").removeprefix("page_"))
    except ValueError:
        raise Refused(400, "limit and page must be what an earlier page said") from None
    if not 1 <= limit <= most or first < 0:
        raise Refused(400, f"limit must be between 1 and {most}")
    every: list[tuple[datetime, datetime]] = []
    at = _floor(start, width)
    while at < end:
        every.append((at, at + width))
        at += width
    last = first + limit
    return Span(tuple(every[first:last]), last if last < len(every) else None)


def page_of(found: Span, buckets: list[dict[str, Any]]) -> dict[str, Any]:
    """A page as both vendors write it."""
    more = found.more_from is not None
    return {"data": buckets, "has_more": more, "next_page": f"page_{found.more_from}" if more else None}


def grouped(
    rows: Iterable[tuple[Dimensions, Mapping[str, Any]]], asked: Sequence[str], known: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of dimensions and metrics, summed over the dimensions that were not asked for, which are null then.

    Raises Refused for a dimension that there is not.
    """
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise Refused(400, f"Invalid value: '{unknown[0]}'. Supported values are: {', '.join(known)}.")
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    for dimensions, metrics in rows:
        row = sums.setdefault(tuple(dimensions.get(name) if name in asked else None for name in known), {})
        for name, value in metrics.items():
            row[name] = row[name] + value if name in row else value
    return [dict(zip(known, values, strict=True)) | metrics for values, metrics in sums.items()]


def _floor(moment: datetime, width: timedelta) -> datetime:
    seconds = int(width.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)
