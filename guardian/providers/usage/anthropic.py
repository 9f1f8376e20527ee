"""Anthropic's messages: the input excludes the cache, so all of it is three numbers added; a stream tells it in two.

Total input = input_tokens + cache_creation_input_tokens + cache_read_input_tokens.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from guardian.providers.usage.fields import Fields
from guardian.providers.usage.stated import Settings, StatedUsage
from guardian.providers.usage.sums import counts_of, fit
from guardian.records import UsageCounts

_DIMENSIONS = ("inference_geo", "speed")


def messages(body: Mapping[str, Any], settings: Settings) -> StatedUsage | None:
    """A message, or a stream's events merged into one (streams.merged). Tier, geography and speed are the answer's."""
    del settings
    answer = Fields(body, "Anthropic's answer")
    usage = answer.child("usage")
    if not usage:
        return None
    counts = _counts(usage)
    return StatedUsage(
        counts=counts,
        model=answer.text("model"),
        response_id=answer.text("id"),
        service_tier=usage.text("service_tier"),
        dimensions={name: value for name in _DIMENSIONS if (value := usage.text(name)) is not None},
        doubts=tuple(answer.doubts),
    )


def _counts(usage: Fields) -> UsageCounts:
    # The tokens of a compaction are billed, but not in the totals.
    parts = [usage, *(part for part in usage.rows("iterations") if part.text("type") == "compaction")]
    uncached = sum(_total(part, "input_tokens") for part in parts)
    output = sum(_total(part, "output_tokens") for part in parts)
    read = sum(part.share("cache_read_input_tokens") for part in parts)
    lifetimes = [_written(part) for part in parts]
    minutes, hour = sum(five for five, _ in lifetimes), sum(one for _, one in lifetimes)
    tools = usage.child("server_tool_use")
    if tools.share("code_execution_requests"):
        usage.doubt("code execution is billed by the hour beyond a free allowance, and is not in this cost")
    searches = tools.share("web_search_requests")
    thought = usage.child("output_tokens_details").share("thinking_tokens")
    cached = {"cache_read_tokens": read, "cache_write_5m_tokens": minutes, "cache_write_1h_tokens": hour}
    return counts_of(
        uncached + read + minutes + hour,
        output,
        cached,
        fit(usage, output, "output_tokens", {"reasoning_tokens": thought}),
        units={"web_search_requests": Decimal(searches)} if searches else {},
    )


def _total(part: Fields, name: str) -> int:
    found = part.total(name)
    if found is None:
        raise part.missing(name)
    return found


def _written(part: Fields) -> tuple[int, int]:
    """Written for five minutes, and for an hour. What the split does not cover is for five minutes, the default."""
    split = part.child("cache_creation")
    minutes, hour = split.share("ephemeral_5m_input_tokens"), split.share("ephemeral_1h_input_tokens")
    written = part.share("cache_creation_input_tokens")
    if split and part.has("cache_creation_input_tokens") and written != minutes + hour:
        part.doubt(
            f"cache_creation_input_tokens is {written}, but its parts add up to {minutes + hour}; the greater is used"
        )
    return max(written - hour, minutes), hour
