"""Short ways to write usage records in the tests of prices."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo

from guardian.models.enums import CostSource, Provider
from guardian.pricing.calculator import price
from guardian.pricing.catalog import CATALOG_IDS
from guardian.records import UsageCounts, UsageRecord

COMPUTED, ESTIMATED, UNPRICED = CostSource.COMPUTED, CostSource.ESTIMATED, CostSource.UNPRICED

NOVEMBER = "2026-11-01T00:00:00"
PREFIXES = {
    "claude": Provider.ANTHROPIC,
    "gemini": Provider.GOOGLE,
    "grok": Provider.XAI,
    "sonar": Provider.PERPLEXITY,
}
SHORT = {
    "i": "input_tokens",
    "o": "output_tokens",
    "read": "cache_read_tokens",
    "w5": "cache_write_5m_tokens",
    "w30": "cache_write_30m_tokens",
    "w1h": "cache_write_1h_tokens",
    "w12": "cache_write_12h_tokens",
    "audio": "audio_input_tokens",
    "image": "image_input_tokens",
    "read_audio": "cache_read_audio_tokens",
    "read_image": "cache_read_image_tokens",
    "thought": "reasoning_tokens",
    "audio_out": "audio_output_tokens",
    "image_out": "image_output_tokens",
}
NOT_COUNTS = {"requests", "tier", "speed", "geo", "window", "second_tier", "operation", "provider", "provider_cost"}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def call(model: str, at: str = NOVEMBER, **facts: Any) -> UsageRecord:
    """One call at `at` (UTC). Counts by their short names; any other number is a unit of that name."""
    moment = utc(at)
    return _record(model, moment, moment, facts)


def bucket(model: str, at: str = NOVEMBER, days: float = 1, **facts: Any) -> UsageRecord:
    """One row of a bucket of so many days."""
    return _record(model, utc(at), utc(at) + timedelta(days=days), facts)


def _record(model: str, start: datetime, end: datetime, facts: Mapping[str, Any]) -> UsageRecord:
    counts = {SHORT[name]: value for name, value in facts.items() if name in SHORT}
    units = {n: Decimal(v) for n, v in facts.items() if n not in SHORT and n not in NOT_COUNTS}
    named = {"speed": "speed", "geo": "inference_geo", "window": "context_window", "second_tier": "service_tier"}
    return UsageRecord(
        provider=facts.get("provider") or PREFIXES.get(model.split("-")[0], Provider.OPENAI),
        operation=facts.get("operation", "test"),
        model=model,
        start=start,
        end=end,
        counts=UsageCounts(**counts, units=units),
        requests=facts.get("requests"),
        service_tier=facts.get("tier"),
        dimensions={named[n]: v for n, v in facts.items() if n in named},
        provider_cost=facts.get("provider_cost"),
    )


def row(record: UsageRecord, amount: str, source: CostSource = COMPUTED) -> Any:
    """One row of a table of expected amounts, in dollars."""
    tier = f" {record.service_tier}" if record.service_tier else ""
    return pytest.param(record, Decimal(amount), source, id=f"{record.model}{tier} {record.start:%Y-%m-%d} {amount}")


def assert_costs(record: UsageRecord, amount: Decimal, source: CostSource) -> None:
    """The bill has that amount and source, its lines add up, and it says why when it is an estimate."""
    bill = price(record)
    assert (bill.amount, bill.source) == (amount, source), bill.reason
    assert sum((line.amount for line in bill.lines), Decimal(0)) == amount
    assert (bill.reason is None) == (source is COMPUTED)
    assert bill.price_source == "genai-prices"
    assert bill.price_ref
    assert bill.price_version


def _models() -> Iterator[tuple[Provider, ModelInfo]]:
    for provider, name in CATALOG_IDS.items():
        source = next(p for p in get_snapshot().providers if p.id == name)
        # A few ids are prefixes, not names: "ft:gpt-4o" stands for "ft:gpt-4o-2024-…".
        yield from ((provider, m) for m in source.models if source.find_model(m.id) is m and m.id != "moderation")


MODELS = tuple(_models())
