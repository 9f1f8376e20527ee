"""FOCUS 1.2 (FinOps Open Cost and Usage Specification): what was spent, one row for each kind of token of a usage row.

https://focus.finops.org/focus-specification/v1-2. Rows are those that count as spend. PricingUnit is tokens, so that
PricingQuantity × ContractedUnitPrice = ContractedCost for each; fees have a unit of their own. An unpriced row has no
SkuPriceId, and null in every pricing column and in ConsumedQuantity; its costs cannot be null by the specification and
are 0, which `x_CostSource` = unpriced tells apart from a price of zero, and its tokens are in `x_ConsumedTokens`. What
a provider took off (negative lines of its cost report) is a row of ChargeCategory Credit and never within Usage. A list
price is known where the price is the list's; under an agreed price ListUnitPrice is that one. BilledCost adds up to the
ledger's cost, which has ten decimal places.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any, cast

import pyarrow as pa
from sqlmodel import Session, col, select

from guardian.models import ProviderCost
from guardian.models.enums import CostSource, Provider
from guardian.periods import HOUR, floor_hour, floor_month, next_month, rfc3339
from guardian.services.actor import Actor
from guardian.services.ledger.exports.columns import escaped, money
from guardian.services.ledger.exports.files import csv_file, parquet_file
from guardian.services.ledger.exports.focus_columns import COLUMNS, Kind
from guardian.services.ledger.exports.reading import spend_rows
from guardian.services.ledger.views import UsageFilter
from guardian.services.people import organizations

Row = dict[str, Any]

_VENDORS: Mapping[Provider, str] = {
    Provider.OPENAI: "OpenAI",
    Provider.ANTHROPIC: "Anthropic",
    Provider.GOOGLE: "Google",
    Provider.XAI: "xAI",
    Provider.PERPLEXITY: "Perplexity",
    Provider.CUSTOM: "Custom",
}
_PLACES, _PRICE_PLACES = Decimal("1e-12"), Decimal("1e-18")
_ZERO = Decimal(0)
_TEXT: Mapping[Kind, Callable[[Any], str]] = {
    "text": escaped,
    "cost": money,
    "price": lambda value: format(value.normalize(), "f"),
    "quantity": lambda value: format(Decimal(value).normalize(), "f"),
    "time": rfc3339,
}
_ARROW: Mapping[Kind, Any] = {
    "text": pa.string(),
    "cost": pa.decimal128(28, 12),
    "price": pa.decimal128(28, 18),
    "quantity": pa.decimal128(30, 10),
    "time": pa.timestamp("us", tz="UTC"),
}
# Shares of an unpriced row, as its columns tell them: (meter, count).
_INPUT_SHARES = (
    *("cache_read_tokens", "cache_write_5m_tokens", "cache_write_30m_tokens", "cache_write_1h_tokens"),
    *("cache_write_12h_tokens", "audio_input_tokens", "image_input_tokens", "video_input_tokens"),
)
_OUTPUT_SHARES = ("audio_output_tokens", "image_output_tokens", "video_output_tokens")


def focus_csv(session: Session, actor: Actor, usage: UsageFilter) -> Iterator[bytes]:
    """The file in pieces. Errors are raised before the first one. Raises AuthorizationError, ValidationError."""
    rows = _rows(session, actor, usage)
    columns = [(name, _TEXT[kind]) for name, kind in COLUMNS.items()]
    cells = (["" if (value := row.get(name)) is None else text(value) for name, text in columns] for row in rows)
    return csv_file(tuple(COLUMNS), cells)


def focus_parquet(session: Session, actor: Actor, usage: UsageFilter) -> Iterator[bytes]:
    """The same as Parquet. Raises as focus_csv."""
    schema = cast("Any", pa).schema([(name, _ARROW[kind]) for name, kind in COLUMNS.items()])
    return parquet_file(schema, (_fitting(row) for row in _rows(session, actor, usage)))


def _fitting(row: Row) -> Row:
    """Decimals with no more places than their column has; Arrow refuses to round."""
    places = {"cost": _PLACES, "price": _PRICE_PLACES}
    return {
        name: value.quantize(places[kind]) if (kind := COLUMNS[name]) in places and value is not None else value
        for name, value in row.items()
    }


def _rows(session: Session, actor: Actor, usage: UsageFilter) -> Iterator[Row]:
    actor.require("usage:read")
    company = organizations.get_organization(session, actor).name
    credits = list(_credits(session, actor, usage, company))
    # Last: nothing may fail between the opening of its cursor and the first row.
    stored = spend_rows(session, actor, usage)
    return chain((charge for row in stored for charge in charges(row, company)), credits)


def charges(row: Mapping[str, Any], company: str) -> list[Row]:
    """The charges of one usage row (by database column, documents parsed): a line of its bill each."""
    common = _common(row, company)
    if row["cost_source"] == CostSource.UNPRICED:
        return [{**common, **_unpriced(meter, count)} for meter, count in _shares(row)]
    lines: list[Mapping[str, str]] = row["bill"] or []
    found = [{**common, **_priced(row, line)} for line in lines]
    if not found:
        # It used nothing, or nobody kept the lines: one charge for the whole.
        cost: Decimal = row["cost"] or _ZERO
        whole = {"unit": "requests", "quantity": "1", "unit_price": str(cost), "multiplier": "1", "amount": str(cost)}
        found = [{**common, **_priced(row, whole)}]
    # The ledger has rounded the sum of the lines to ten places: what that made of it is on the last one.
    rest = row["cost"] - sum((charge["BilledCost"] for charge in found), _ZERO)
    for name in ("BilledCost", "EffectiveCost", "PricingCurrencyEffectiveCost"):
        found[-1][name] += rest
    return found


def _common(row: Mapping[str, Any], company: str) -> Row:
    provider: Provider = row["provider"]
    start: datetime = row["timestamp"] if row["bucket_end"] else floor_hour(row["timestamp"])
    tags: Mapping[str, Any] = row["tags"] or {}
    dimensions: Mapping[str, Any] = row["metadata"] or {}
    team, project, region = tags.get("team"), row["project_id"], dimensions.get("inference_geo")
    key = row["external_key_id"] or row["api_key_id"]
    return {
        **_account(provider, row["account_id"], company, start),
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": row["bucket_end"] or start + HOUR,
        "ChargePeriodStart": start,
        "RegionId": _text(region),
        "RegionName": _text(region),
        "ResourceId": key,
        "ResourceName": key,
        "ResourceType": "API Key" if key else None,
        "SkuId": row["model"],
        "SubAccountId": _text(team) or project,
        "SubAccountName": _text(team) or project,
        "SubAccountType": "Team" if team else "Project" if project else None,
        "Tags": json.dumps(tags, ensure_ascii=False, sort_keys=True),
        "x_CostBasis": _text(tags.get("cost_basis")) or "metered",
        "x_CostSource": row["cost_source"].value,
        "x_Model": row["model"],
        "x_Operation": row["operation"],
        "x_Origin": row["origin"].value,
        "x_ServiceTier": row["service_tier"],
        "x_Session": row["session"],
        "x_UsageId": row["id"],
    }


def _account(provider: Provider, account: str | None, company: str, start: datetime) -> Row:
    vendor, month = _VENDORS[provider], floor_month(start)
    return {
        "BillingAccountId": account or f"{vendor} (account not told)",
        "BillingAccountName": company,
        "BillingAccountType": "Organization",
        "BillingCurrency": "USD",
        "BillingPeriodStart": month,
        "BillingPeriodEnd": next_month(month),
        "InvoiceIssuerName": vendor,
        "ProviderName": vendor,
        "PublisherName": vendor,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": f"{vendor} API",
        "ServiceSubcategory": "Generative AI",
    }


def _priced(row: Mapping[str, Any], line: Mapping[str, str]) -> Row:
    unit, quantity = line["unit"], Decimal(line["quantity"])
    price = Decimal(line["unit_price"]) * Decimal(line["multiplier"])
    cost = Decimal(line["amount"]).quantize(_PLACES)
    tokens = unit.endswith("_tokens")
    meter = "tokens" if tokens else unit
    parts = (row["price_source"], row["price_version"], row["price_ref"] or row["model"], unit, row["service_tier"])
    return {
        "BilledCost": cost,
        "ChargeDescription": f"{row['model']}, {unit.replace('_', ' ')}",
        "ConsumedQuantity": quantity,
        "ConsumedUnit": meter,
        "ContractedCost": cost,
        "ContractedUnitPrice": price,
        "EffectiveCost": cost,
        "ListCost": cost,
        "ListUnitPrice": price,
        "PricingCategory": "Standard",
        "PricingCurrency": "USD",
        "PricingCurrencyContractedUnitPrice": price,
        "PricingCurrencyEffectiveCost": cost,
        "PricingCurrencyListUnitPrice": price,
        "PricingQuantity": quantity,
        "PricingUnit": meter,
        "SkuMeter": unit,
        "SkuPriceDetails": json.dumps({"x_UnitPrice": line["unit_price"], "x_Multiplier": line["multiplier"]}),
        "SkuPriceId": ":".join(part for part in parts if part),
        "x_ConsumedTokens": quantity if tokens else None,
    }


def _unpriced(meter: str, count: Decimal) -> Row:
    return {
        "BilledCost": _ZERO,
        "ChargeDescription": f"No price is known: {meter.replace('_', ' ')}",
        "ContractedCost": _ZERO,
        "EffectiveCost": _ZERO,
        "ListCost": _ZERO,
        "SkuMeter": meter,
        "x_ConsumedTokens": count if meter.endswith("_tokens") else None,
    }


def _shares(row: Mapping[str, Any]) -> list[tuple[str, Decimal]]:
    """What an unpriced row has used, as disjoint shares."""
    inputs = [(name, row[name]) for name in _INPUT_SHARES]
    outputs = [(name, row[name]) for name in _OUTPUT_SHARES]
    shares = [
        ("uncached_input_tokens", row["input_tokens"] - sum(count for _, count in inputs)),
        *inputs,
        ("output_tokens", row["output_tokens"] - sum(count for _, count in outputs)),
        *outputs,
    ]
    found = [(meter, Decimal(count)) for meter, count in shares if count]
    units: Mapping[str, str] = row["units"] or {}
    found += [(unit, Decimal(str(count))) for unit, count in units.items() if not unit.endswith("_tokens")]
    return found or [("requests", Decimal(1))]


def _credits(session: Session, actor: Actor, usage: UsageFilter, company: str) -> Iterator[Row]:
    """Lines below zero of the providers' cost reports. Filters that bills do not know leave none."""
    cost = ProviderCost
    query = select(cost).where(cost.organization_id == actor.organization_id, col(cost.billed_cost) < 0)
    if usage.start:
        query = query.where(col(cost.period_start) >= usage.start)
    if usage.end:
        query = query.where(col(cost.period_start) < usage.end)
    named = {name: values for name, values in usage.filters.items() if values}
    if set(named) - {"provider", "account"}:
        return
    for name, column in (("provider", col(cost.provider)), ("account", col(cost.account_id))):
        if name in named:
            query = query.where(column.in_(named[name]))
    for line in session.exec(query.order_by(col(cost.period_start), col(cost.id))):
        yield {
            **_account(line.provider, line.account_id, company, line.period_start),
            **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), line.billed_cost),
            "ChargeCategory": "Credit",
            "ChargeDescription": line.line_item,
            "ChargeFrequency": "One-Time",
            "ChargePeriodEnd": line.period_end,
            "ChargePeriodStart": line.period_start,
            "SkuId": line.model,
            "SubAccountId": line.project_id,
            "SubAccountName": line.project_id,
            "SubAccountType": "Project" if line.project_id else None,
            "Tags": "{}",
            "x_CostBasis": "metered",
            "x_CostSource": CostSource.PROVIDER.value,
            "x_Model": line.model,
        }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
