"""Totals out of SQL: one list of aggregates, in one order, for every query over the rollups."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, FromClause, cast, func
from sqlmodel import col

from guardian.models.cells import CELLS
from guardian.models.enums import CostSource
from guardian.models.usage import UsageLog, UsageRollup
from guardian.services.ledger.queries.dimensions import Expression, Ledger
from guardian.services.ledger.sql.tables import requests_in
from guardian.services.ledger.views import Totals

_NAMES = (
    "cost",
    "estimated_cost",
    "requests",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "unpriced_rows",
    "unpriced_tokens",
)
WIDTH = len(_NAMES)


def sums(table: Ledger = UsageRollup) -> list[Expression]:
    """The aggregates over the table, labelled with the names of Totals."""
    unpriced = col(table.cost_source) == CostSource.UNPRICED
    special: dict[str, Expression] = {
        "estimated_cost": func.sum(col(table.cost)).filter(col(table.cost_source) == CostSource.ESTIMATED),
        "requests": func.sum(requests_in(table)),
    }
    if table is UsageLog:
        special["unpriced_rows"] = func.count().filter(unpriced)
        special["unpriced_tokens"] = func.sum(col(UsageLog.total_tokens)).filter(unpriced)
    return [(special[name] if name in special else func.sum(getattr(table, name))).label(name) for name in _NAMES]


def day_sums() -> list[Expression]:
    """The same aggregates over the cells of days."""
    return [func.sum(CELLS.c[name]).label(name) for name in _NAMES]


def sums_of(cells: FromClause) -> list[Expression]:
    """The sums of sums that an inner query made with `sums`."""
    money = _NAMES[:2]
    # Counts as bigint: the driver makes a Decimal of every numeric.
    return [
        func.sum(cells.c[name]).label(name) if name in money else cast(func.sum(cells.c[name]), BigInteger).label(name)
        for name in _NAMES
    ]


def plain(values: Sequence[Any]) -> list[Any]:
    """What SQL gives for `sums`, as two Decimals and whole numbers; the sum of no row is None in SQL, and here zero."""
    cost, estimated, *counts = values
    return [cost or Decimal(0), estimated or Decimal(0), *(count or 0 for count in counts)]


def totals(values: Sequence[Any]) -> Totals:
    """The Totals of a plain row of sums."""
    return Totals(**dict(zip(_NAMES, values, strict=True)))


def add(one: Totals, other: Totals) -> Totals:
    return Totals(**{name: getattr(one, name) + getattr(other, name) for name in _NAMES})


def rest(whole: Totals, parts: Collection[Totals]) -> Totals:
    """What the parts leave of the whole."""
    return Totals(**{name: getattr(whole, name) - sum(getattr(part, name) for part in parts) for name in _NAMES})
