"""Charges out of usage rows, in the words of FOCUS 1.2: pure functions."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from guardian.models.enums import CostSource, Provider
from guardian.periods import HOUR, floor_hour, floor_month, next_month

Row = dict[str, Any]

_VENDORS: Mapping[Provider, str] = {
    Provider.OPENAI: "OpenAI",
    Provider.ANTHROPIC: "Anthropic",
    Provider.GOOGLE: "Google",
    Provider.XAI: "xAI",
    Provider.PERPLEXITY: "Perplexity",
    Provider.CUSTOM: "Custom",
}
PLACES = Decimal("1e-12")
_ZERO = Decimal(0)
_AS_BILLED: Mapping[str, Decimal] = MappingProxyType({})
# Shares of an unpriced row, as its columns tell them: (meter, count).
_INPUT_SHARES = (
    *("cache_read_tokens", "cache_write_5m_tokens", "cache_write_30m_tokens", "cache_write_1h_tokens"),
    *("cache_write_12h_tokens", "audio_input_tokens", "image_input_tokens", "video_input_tokens"),
)
_OUTPUT_SHARES = ("audio_output_tokens", "image_output_tokens", "video_output_tokens")


def charges(row: Mapping[str, Any], company: str, listed: Mapping[str, Decimal] = _AS_BILLED) -> list[Row]:
    """The charges of one usage row (by database column, documents parsed): a line of its bill each.

    `listed` are list prices, in dollars for one unit, of the units that were billed at another one.
    """
    common = _common(row, company)
    if row["cost_source"] == CostSource.UNPRICED:
        return [{**common, **_unpriced(meter, count)} for meter, count in _shares(row)]
    lines: list[Mapping[str, str]] = row["bill"] or []
    found = [{**common, **_priced(row, line, listed)} for line in lines]
    if not found:
        # It used nothing, or nobody kept the lines: one charge for the whole.
        cost: Decimal = row["cost"] or _ZERO
        whole = {"unit": "requests", "quantity": "1", "unit_price": str(cost), "multiplier": "1", "amount": str(cost)}
        found = [{**common, **_priced(row, whole, _AS_BILLED)}]
    if not any(charge["x_ConsumedTokens"] for charge in found):
        # A cost that the provider stated is one for all tokens: their number is told nevertheless.
        found[0]["x_ConsumedTokens"] = Decimal(row["total_tokens"]) or None
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
        **account_columns(provider, row["account_id"], company, start),
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


def account_columns(provider: Provider, account: str | None, company: str, start: datetime) -> Row:
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


def _priced(row: Mapping[str, Any], line: Mapping[str, str], listed: Mapping[str, Decimal]) -> Row:
    unit, quantity = line["unit"], Decimal(line["quantity"])
    price = Decimal(line["unit_price"]) * Decimal(line["multiplier"])
    cost = Decimal(line["amount"]).quantize(PLACES)
    list_price = listed.get(unit)
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
        "ListCost": cost if list_price is None else (quantity * list_price).quantize(PLACES),
        "ListUnitPrice": price if list_price is None else list_price,
        "PricingCategory": "Standard",
        "PricingCurrency": "USD",
        "PricingCurrencyContractedUnitPrice": price,
        "PricingCurrencyEffectiveCost": cost,
        "PricingCurrencyListUnitPrice": price if list_price is None else list_price,
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


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
