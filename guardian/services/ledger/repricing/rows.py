"""A stored usage row as a record again, and the same row at the prices of today: pure functions."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, cast

from guardian.models.enums import CostSource
from guardian.models.usage import Counts
from guardian.pricing.calculator import price
from guardian.pricing.catalog import PRICE_SOURCE
from guardian.pricing.overrides import KEY_SOURCE, OVERRIDE_SOURCE, Override
from guardian.records import UsageCounts, UsageRecord
from guardian.services.ledger.sql.bulk import Row
from guardian.services.ledger.writing.rows import (
    BIGGEST_COST,
    DIMENSIONS_KEY,
    DOUBTS_KEY,
    PRICE_COLUMNS,
    UNCOLUMNED,
    USAGE_FACTS,
    cost_columns,
)

# Whose prices we work out ourselves; what a provider or a sender states is a fact, and never priced again.
_OURS = (None, PRICE_SOURCE, OVERRIDE_SOURCE, KEY_SOURCE)
_COLUMNS = tuple(f.name for f in fields(UsageCounts) if f.name in Counts.model_fields)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row at other prices: as it is stored, and the price columns that it gets."""

    row: Row
    columns: Row

    @property
    def before(self) -> dict[str, Any]:
        """As JSON, digit for digit."""
        return kept(self.row)

    @property
    def after(self) -> dict[str, Any]:
        return kept({**self.row, **self.columns})


def stored_record(row: Mapping[str, Any]) -> UsageRecord:
    """The record that a row of usage_logs (by column name) was priced from.

    The record at the prices of the row's own time gives the row's own bill, digit for digit. A cost that the provider
    stated is there as `provider_cost`.
    """
    stored: Mapping[str, Any] = row["units"] or {}
    metadata: Mapping[str, Any] = row["metadata"] or {}
    units = {name: Decimal(str(number)) for name, number in stored.items()}
    shares = {name: int(units.pop(name)) for name in UNCOLUMNED if name in units}
    return UsageRecord(
        provider=row["provider"],
        operation=row["operation"],
        model=row["model"],
        start=row["timestamp"],
        end=row["bucket_end"] or row["timestamp"],
        counts=UsageCounts(**{name: row[name] for name in _COLUMNS}, **shares, units=units),
        requests=row["requests"],
        project_id=row["project_id"],
        external_key_id=row["external_key_id"],
        external_user_id=row["external_user_id"],
        service_tier=row["service_tier"],
        dimensions=_dimensions(metadata),
        provider_cost=_stated_cost(row),
        doubts=_doubts(metadata),
    )


def can_be_repriced(row: Mapping[str, Any]) -> bool:
    """Whether its cost is ours to work out: not one that a provider or a sender stated."""
    return row["cost_source"] != CostSource.PROVIDER and row["price_source"] in _OURS


def priced_again(row: Row, overrides: Sequence[Override]) -> Difference | None:
    """What the prices of today make of a stored row; None where they cost the same to the last digit.

    Another version of the catalog, or other words for the same doubt, are no difference: the row keeps what it was
    priced with.
    """
    record = stored_record(row)
    if row["cost"] is None and row.get("error") and record.counts == UsageCounts():
        return None  # nobody has the answer that told what it used: no price makes that known, least of all as zero
    breakdown = price(record, overrides, key_id=row.get("api_key_id"))
    if breakdown.amount is not None and abs(breakdown.amount) >= BIGGEST_COST:
        return None  # such a price was refused when the row came in, too
    columns = cost_columns(breakdown)
    if columns["cost"] == row["cost"] and _lines(columns["bill"]) == _lines(row["bill"]):
        return None
    return Difference(row, columns)


def kept(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row's price columns as JSON keeps them, and a digest of the facts that they were worked out from."""
    found = {name: row[name] for name in PRICE_COLUMNS}
    found["cost"] = None if found["cost"] is None else format(found["cost"], "f")
    found["cost_source"] = CostSource(found["cost_source"]).value
    found["facts"] = facts_digest(row)
    return found


def unkept(stored: Mapping[str, Any]) -> Row:
    """The price columns out of what `kept` made of them."""
    found = {name: stored[name] for name in PRICE_COLUMNS}
    found["cost"] = None if found["cost"] is None else Decimal(found["cost"])
    found["cost_source"] = CostSource(found["cost_source"])
    return found


def facts_digest(row: Mapping[str, Any]) -> str:
    """The same for rows of the same counts: a restated row has another one, also where its price did not change."""
    facts = [row[name] for name in USAGE_FACTS]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _lines(bill: Sequence[Mapping[str, Any]] | None) -> list[tuple[tuple[str, Any], ...]]:
    """A bill to compare: the order of its lines says nothing."""
    return sorted(tuple(sorted(line.items())) for line in bill or ())


def _dimensions(metadata: Mapping[str, Any]) -> dict[str, str]:
    named: object = metadata.get(DIMENSIONS_KEY)
    if isinstance(named, list):
        return {name: metadata[name] for name in cast("list[str]", named) if isinstance(metadata.get(name), str)}
    return {name: value for name, value in metadata.items() if isinstance(value, str)}


def _doubts(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    said: object = metadata.get(DOUBTS_KEY)
    return tuple(str(doubt) for doubt in cast("list[object]", said)) if isinstance(said, list) else ()


def _stated_cost(row: Mapping[str, Any]) -> Decimal | None:
    """The bill has all digits, the column ten places."""
    if row["cost_source"] != CostSource.PROVIDER:
        return None
    lines: list[Mapping[str, Any]] = row["bill"] or []
    return Decimal(lines[0]["amount"]) if len(lines) == 1 else row["cost"]
