"""Anthropic's answer to one message as a usage record, not streamed."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from guardian.models.enums import Provider
from guardian.providers.reading import Row
from guardian.records import UNKNOWN_MODEL, UsageCounts, UsageRecord


def read(answer: Mapping[str, Any], asked_model: str, at: datetime) -> tuple[UsageRecord, str | None]:
    """The usage of one answer, and why it cannot be priced when the answer states none.

    Model, tier and speed are those of the answer: a retired model or fast mode may have been replaced by another.
    """
    row = Row(answer, "Anthropic's answer")
    stated = row.raw.get("usage") is not None
    usage = row.maybe_child("usage")
    dimensions = {n: v for n in ("inference_geo", "speed") if (v := usage.maybe_text(n)) is not None}
    record = UsageRecord(
        provider=Provider.ANTHROPIC,
        operation="message",
        model=row.maybe_text("model") or asked_model or UNKNOWN_MODEL,
        start=at,
        end=at,
        counts=_counts(usage) if stated else UsageCounts(),
        requests=1,
        service_tier=usage.maybe_text("service_tier"),
        dimensions=dimensions,
    )
    return record, None if stated else "Anthropic's answer states no usage."


def _counts(usage: Row) -> UsageCounts:
    parts = [usage]
    if usage.raw.get("iterations") is not None:
        # The tokens of a compaction are billed, but not in the totals.
        parts += [part for part in usage.rows("iterations") if part.maybe_text("type") == "compaction"]
    uncached = sum(part.count("input_tokens") for part in parts)
    read = sum(part.count_or_zero("cache_read_input_tokens") for part in parts)
    hour = sum(part.maybe_child("cache_creation").count_or_zero("ephemeral_1h_input_tokens") for part in parts)
    written = sum(_written(part) for part in parts)
    searches = usage.maybe_child("server_tool_use").count_or_zero("web_search_requests")
    return UsageCounts(
        input_tokens=uncached + read + written,
        output_tokens=sum(part.count("output_tokens") for part in parts),
        cache_read_tokens=read,
        # What the split does not cover is written for five minutes, the default.
        cache_write_5m_tokens=written - hour,
        cache_write_1h_tokens=hour,
        reasoning_tokens=usage.maybe_child("output_tokens_details").count_or_zero("thinking_tokens"),
        units={"web_search_requests": Decimal(searches)} if searches else {},
    )


def _written(part: Row) -> int:
    split = part.maybe_child("cache_creation")
    names = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    return max(part.count_or_zero("cache_creation_input_tokens"), sum(split.count_or_zero(name) for name in names))
