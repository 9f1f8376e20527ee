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


def totals(values: Sequence[Any]) -> Totals:
    """`values` in the order of `sums`; a sum over no row is None in SQL and nothing here."""
    cost, estimated, *counts = values
    requests, inputs, outputs, cached, unpriced_rows, unpriced_tokens = (int(count or 0) for count in counts)
    return Totals(
        cost=cost or Decimal(0),
        estimated_cost=estimated or Decimal(0),
        requests=requests,
        input_tokens=inputs,
        output_tokens=outputs,
        cache_read_tokens=cached,
        unpriced_rows=unpriced_rows,
        unpriced_tokens=unpriced_tokens,
    )


def add(one: Totals, other: Totals) -> Totals:
    return Totals(**{name: getattr(one, name) + getattr(other, name) for name in _NAMES})
