"""Totals out of SQL: one list of aggregates, in one order, for every query over the rollups."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import FromClause, func
from sqlmodel import col

from guardian.models.enums import CostSource
from guardian.models.usage import UsageRollup
from guardian.services.ledger.queries.dimensions import Expression
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


def sums() -> list[Expression]:
    """The aggregates over UsageRollup, labelled with the names of Totals."""
    estimated = func.sum(col(UsageRollup.cost)).filter(col(UsageRollup.cost_source) == CostSource.ESTIMATED)
    return [
        (estimated if name == "estimated_cost" else func.sum(getattr(UsageRollup, name))).label(name) for name in _NAMES
    ]


def sums_of(cells: FromClause) -> list[Expression]:
    """The sums of sums that an inner query made with `sums`."""
    return [func.sum(cells.c[name]).label(name) for name in _NAMES]


def plain(values: Sequence[Any]) -> list[Any]:
    """What SQL gives for `sums`, as two Decimals and whole numbers; the sum of no row is None in SQL, and here zero."""
    cost, estimated, *counts = values
    return [cost or Decimal(0), estimated or Decimal(0), *(int(count or 0) for count in counts)]


def totals(values: Sequence[Any]) -> Totals:
    """The Totals of a plain row of sums."""
    return Totals(**dict(zip(_NAMES, values, strict=True)))


def add(one: Totals, other: Totals) -> Totals:
    return Totals(**{name: getattr(one, name) + getattr(other, name) for name in _NAMES})
