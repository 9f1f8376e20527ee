"""The dashboard's own sums over the rollups: its tables, and what this month is compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, tuple_
from sqlmodel import Session

from guardian.periods import (
    DAY,
    Window,
    local_date,
    local_midnight,
    month_start,
    same_day_of_previous_month,
    week_start,
)
from guardian.services.ledger.queries.books import Books
from guardian.services.ledger.queries.cells import read_table, text_of
from guardian.services.ledger.queries.scans import Question, Values, scan
from guardian.services.ledger.queries.sums import WIDTH, plain, sums_of, totals
from guardian.services.ledger.views import Comparison, Totals

_MOST_GROUPS = 50
_COLUMNS = ("provider", "model", "operation", "project", "providerKey", "tier")
# The tables of the page by what they are grouped by.
PARTS: Mapping[str, tuple[str, ...]] = {
    "models": ("provider", "model"),
    "projects": ("provider", "project"),
    "keys": ("provider", "providerKey"),
    "lines": _COLUMNS,
}

Part = dict[Values, Totals]


def read_parts(session: Session, books: Books, window: Window) -> dict[str, Part]:
    """Every part of PARTS, from one scan: the 50 most expensive, most expensive first."""
    cells = scan(Question(books=books, window=window), _COLUMNS)
    by = {name: cells.c[f"by_{n}"] for n, name in enumerate(_COLUMNS)}
    part = func.grouping(*by.values())
    order = (func.sum(cells.c.cost).desc(), func.sum(cells.c.unpriced_tokens).desc(), *by.values())
    rank = func.row_number().over(partition_by=part, order_by=order)
    ranked = (
        select(part.label("part"), rank.label("rank"), *by.values(), *sums_of(cells))
        .group_by(func.grouping_sets(*(tuple_(*(by[name] for name in names)) for names in PARTS.values())))
        .subquery("ranked")
    )
    rows: Any = session.connection().execute(
        select(ranked).where(ranked.c.rank <= _MOST_GROUPS).order_by(ranked.c.rank)
    )
    found: dict[str, Part] = {name: {} for name in PARTS}
    names = {_mask(columns): name for name, columns in PARTS.items()}
    for row in rows:
        name = names[row.part]
        values = tuple(text_of(row._mapping[f"by_{_COLUMNS.index(column)}"]) for column in PARTS[name])
        found[name][values] = totals(plain(row[-WIDTH:]))
    return found


def _mask(names: Sequence[str]) -> int:
    """What SQL's GROUPING says of the set of these columns: a bit for each column that is not in it."""
    return int("".join("0" if name in names else "1" for name in _COLUMNS), 2)


@dataclass(frozen=True, slots=True)
class Spans:
    """The windows that the tiles compare: today, this month so far, and the same days of the previous month."""

    today: Window
    month: Window
    previous: Window

    @property
    def whole(self) -> Window:
        return Window(self.previous.start, self.today.end)


def spans(now: datetime, tz: ZoneInfo) -> Spans:
    """`previous` ends on the same day of the previous month at the same local time.

    Where that month has no such day (29 to 31 March), it is the whole month: all of its days are among "the same days".
    """
    today = local_date(now, tz)
    first = month_start(today)
    tomorrow = local_midnight(today + DAY, tz)
    before = same_day_of_previous_month(today)
    start, end = local_midnight(month_start(before), tz), local_midnight(first, tz)
    if before.day == today.day:
        end = datetime.combine(before, now.astimezone(tz).time(), tz).astimezone(now.tzinfo)
    return Spans(
        today=Window(local_midnight(today, tz), tomorrow),
        month=Window(local_midnight(first, tz), tomorrow),
        previous=Window(start, max(start, end)),
    )


def read_comparison(session: Session, books: Books, at: Spans, now: datetime) -> tuple[Decimal, Comparison]:
    """Spend of today, and of this month so far against the same days of the previous month."""
    edges = sorted({edge for span in (at.today, at.month, at.previous) for edge in (span.start, span.end)})
    pieces = [Window(start, end) for start, end in pairwise(edges)]
    found = read_table(session, Question(books=books, window=at.whole, cut=pieces)).buckets

    def spent(span: Window) -> Decimal:
        inside = (n for n, piece in enumerate(pieces, start=1) if span.start <= piece.start and piece.end <= span.end)
        return sum((found[n].cost for n in inside if n in found), Decimal(0))

    today, current, previous = spent(at.today), spent(at.month), spent(at.previous)
    known = any(n in found and piece.end <= at.previous.end for n, piece in enumerate(pieces, start=1))
    if not known and not books.covers(at.previous, now, {}):
        return today, Comparison(current=current, previous=None, change=None, percent=None)
    change = current - previous
    percent = change / previous * 100 if previous else None
    return today, Comparison(current=current, previous=previous, change=change, percent=percent)


def coarser(days: list[Window], tz: ZoneInfo, by: str) -> list[list[int]]:
    """The numbers of the days (from 1 on) that make up each calendar week or month, in order."""
    found: dict[Any, list[int]] = {}
    for place, day in enumerate(days, start=1):
        of = local_date(day.start, tz)
        found.setdefault(week_start(of) if by == "week" else month_start(of), []).append(place)
    return list(found.values())
