"""The dashboard's own sums over the rollups: its tables, and what this month is compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Label, func, select, tuple_
from sqlmodel import Session, col

from guardian.models.usage import UsageRollup
from guardian.periods import (
    DAY,
    Window,
    local_date,
    local_midnight,
    month_start,
    same_day_of_previous_month,
    week_start,
)
from guardian.services.ledger.queries.books import Books, spend
from guardian.services.ledger.queries.cells import Values, text_of
from guardian.services.ledger.queries.dimensions import column
from guardian.services.ledger.queries.sums import WIDTH, plain, sums, sums_of, totals
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
    keys: list[Label[Any]] = [column(UsageRollup, name).label(f"by_{name}") for name in _COLUMNS]
    inner = spend(books, window, {}, *keys, *sums())
    # Grouped to the finest first: to sort all rows into four groupings at once takes twice as long.
    cells = inner.group_by(*(key.name for key in keys)).subquery("cells")
    by = {name: cells.c[f"by_{name}"] for name in _COLUMNS}
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
        values = tuple(text_of(row._mapping[f"by_{column}"]) for column in PARTS[name])
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
    hour, cost = col(UsageRollup.hour), col(UsageRollup.cost)
    before = hour < at.previous.end
    query = spend(
        books,
        at.whole,
        {},
        func.sum(cost).filter(hour >= at.today.start),
        func.sum(cost).filter(hour >= at.month.start),
        func.sum(cost).filter(before),
        func.count().filter(before),
    )
    row: Any = session.connection().execute(query).one()
    today, current, previous, rows = row[0] or Decimal(0), row[1] or Decimal(0), row[2] or Decimal(0), row[3]
    if not rows and not books.covers(at.previous, now, {}):
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
