"""What a provider states, as rows of the ledger: their identity, their columns, their price."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from guardian.errors import ProviderContractBroken
from guardian.models.base import derived_id
from guardian.models.bills import digits, line_of
from guardian.models.enums import Provider, UsageOrigin
from guardian.models.usage import Counts
from guardian.pricing.calculator import price, to_money
from guardian.pricing.overrides import Override
from guardian.records import CostBreakdown, CostRecord, UsageCounts, UsageRecord
from guardian.services.ledger.sql.bulk import Row

# What the provider states of a row, beyond its identity and whose it is. The owner of the key that first pulled it
# stays, so that two keys of one account do not take it from each other.
USAGE_FACTS = (*Counts.model_fields, "requests", "units")
COST_FACTS = ("billed_cost", "quantity")
# What a price makes of a row. It stands as long as the facts do: another price is the re-pricing's to apply.
PRICE_COLUMNS = ("cost", "cost_source", "cost_reason", "price_source", "price_version", "price_ref", "bill")
BIGGEST_COST = Decimal(10**10)  # where NUMERIC(20,10) ends
# What the accounts of imported console exports are called: this, and the account that the file is of, if it was told.
FILE_ACCOUNT = "file:"
_QUANTITY = Decimal("1e-10")  # the places of provider_costs.quantity
# Token shares that a price may need and that have no column of their own: kept among the units, so that a row can be
# priced again from what is stored.
UNCOLUMNED = tuple(f.name for f in fields(UsageCounts) if f.name != "units" and f.name not in Counts.model_fields)
# Among a row's metadata: which of it are dimensions of the price, where a caller added metadata of their own; and how
# the counts were repaired. Without them the row could not be priced again as it was.
DIMENSIONS_KEY, DOUBTS_KEY = "_dimensions", "_doubts"
_NO_METADATA: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerAccount:
    """Whose books are written: a provider's billing account as one organization sees it.

    `user_id` is the owner of the key that pulls. `overrides` are the prices that the organization agreed.
    """

    organization_id: str
    provider: Provider
    account_id: str
    user_id: str
    overrides: tuple[Override, ...] = ()


def usage_row(account: LedgerAccount, series: str, record: UsageRecord) -> Row:
    """A reported row, as yet without its PRICE_COLUMNS. Raises ProviderContractBroken for another provider's record."""
    if record.provider is not account.provider:
        raise ProviderContractBroken(f"A {record.provider} record does not belong into a {account.provider} account.")
    start, end = record.start.astimezone(UTC), record.end.astimezone(UTC)
    return {
        "id": derived_id(
            start,
            account.organization_id,
            account.provider,
            account.account_id,
            series,
            end.isoformat(),
            record.operation,
            record.model,
            record.project_id,
            record.external_key_id,
            record.external_user_id,
            record.service_tier,
            *_flat(record.dimensions),
        ),
        "timestamp": start,
        "bucket_end": end,
        "provider": account.provider,
        "model": record.model,
        "operation": record.operation,
        "origin": UsageOrigin.SYNC,
        "series": series,
        **count_columns(record.counts),
        "requests": record.requests,
        "account_id": account.account_id,
        "project_id": record.project_id,
        "external_key_id": record.external_key_id,
        "external_user_id": record.external_user_id,
        "service_tier": record.service_tier,
        "metadata": metadata_of(record),
        "tags": {},
        "user_id": account.user_id,
        "organization_id": account.organization_id,
        # The key that pulled the report is not the key that spent; that one is external_key_id.
        "api_key_id": None,
    }


def count_columns(counts: UsageCounts) -> Row:
    """The Counts columns, and `units`, which also hold the shares of UNCOLUMNED that are not zero."""
    shares = {name: Decimal(number) for name in UNCOLUMNED if (number := getattr(counts, name))}
    return {
        **{name: getattr(counts, name) for name in Counts.model_fields},
        # As text: JSON numbers come back as floats, which would not equal what was stated.
        "units": {name: digits(number) for name, number in {**counts.units, **shares}.items()},
    }


def metadata_of(record: UsageRecord, given: Mapping[str, Any] = _NO_METADATA) -> dict[str, Any]:
    """A row's metadata: what its caller gave along and the record's dimensions, which win where both have a name."""
    found: dict[str, Any] = {**given, **record.dimensions}
    if given:
        found[DIMENSIONS_KEY] = sorted(record.dimensions)
    if record.doubts:
        found[DOUBTS_KEY] = list(record.doubts)
    return found


def price_columns(record: UsageRecord, overrides: tuple[Override, ...]) -> Row:
    """The PRICE_COLUMNS of a reported record: its cost as the database keeps it, and the bill that says why.

    No key's own prices hold: a report's row names no key of the vault (see usage_row), and re-pricing reads the row.
    """
    breakdown = price(record, overrides)
    if breakdown.amount is not None and abs(breakdown.amount) >= BIGGEST_COST:
        raise ProviderContractBroken(
            f"{record.provider} reports so much use of {record.model} in one row that its price cannot be believed."
        )
    return cost_columns(breakdown)


def cost_columns(breakdown: CostBreakdown) -> Row:
    """The PRICE_COLUMNS of a cost that somebody worked out already."""
    return {
        "cost": None if breakdown.amount is None else to_money(breakdown.amount),
        "cost_source": breakdown.source,
        "cost_reason": breakdown.reason,
        "price_source": breakdown.price_source,
        "price_version": breakdown.price_version,
        "price_ref": breakdown.price_ref,
        "bill": [line_of(line) for line in breakdown.lines],
    }


def cost_row(account: LedgerAccount, record: CostRecord, now: datetime) -> Row:
    """A billed row. Raises ProviderContractBroken for another provider's record."""
    if record.provider is not account.provider:
        raise ProviderContractBroken(f"A {record.provider} record does not belong into a {account.provider} account.")
    start, end = record.start.astimezone(UTC), record.end.astimezone(UTC)
    return {
        "id": derived_id(
            start,
            account.organization_id,
            account.provider,
            account.account_id,
            "costs",
            end.isoformat(),
            record.line_item,
            record.project_id,
            record.external_key_id,
            record.external_user_id,
            record.model,
            record.cost_type,
            record.token_type,
            record.service_tier,
            record.quantity_unit,
            *_flat(record.dimensions),
        ),
        "organization_id": account.organization_id,
        "provider": account.provider,
        "account_id": account.account_id,
        "period_start": start,
        "period_end": end,
        "line_item": record.line_item,
        "billed_cost": to_money(record.amount),
        "currency": "USD",
        "quantity": None if record.quantity is None else record.quantity.quantize(_QUANTITY),
        "quantity_unit": record.quantity_unit,
        "model": record.model,
        "cost_type": record.cost_type,
        "token_type": record.token_type,
        "service_tier": record.service_tier,
        "project_id": record.project_id,
        "external_key_id": record.external_key_id,
        "external_user_id": record.external_user_id,
        "metadata": dict(record.dimensions),
        "updated_at": now,
    }


def _flat(dimensions: Mapping[str, str]) -> list[str]:
    return [part for pair in sorted(dimensions.items()) for part in pair]
