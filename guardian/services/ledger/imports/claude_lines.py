"""A line of Claude Code's session logs: its fields, and the tokens that it was billed for."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from guardian.records import UsageCounts
from guardian.services.ledger.imports.values import clean

Count = Annotated[int, msgspec.Meta(ge=0)]
_COMPACTION = "compaction"


class Creation(msgspec.Struct):
    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class Tools(msgspec.Struct):
    web_search_requests: Count | None = None


class Part(msgspec.Struct):
    """Tokens that are billed; `input_tokens` excludes what the cache has to do with."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: Creation | None = None


class Iteration(Part):
    type: str | None = None


class Usage(Part):
    """The totals of a message, in which its `iterations` are, except those of type compaction (SDK)."""

    server_tool_use: Tools | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    iterations: list[Iteration] | None = None


class Message(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    usage: Usage | None = None


class Line(msgspec.Struct):
    timestamp: datetime | None = None
    message: Message | None = None
    requestId: str | None = None
    sessionId: str | None = None
    uuid: str | None = None
    isSidechain: bool | None = None
    isApiErrorMessage: bool | None = None
    cwd: str | None = None
    gitBranch: str | None = None
    version: str | None = None


# Not strict: numbers that were written as text are the same numbers.
decoder = msgspec.json.Decoder(Line, strict=False)


def total_of(usage: Usage | None) -> int:
    """The tokens of what is billed, as a measure of which line of a message is its last word."""
    return sum(map(_tokens, _billed(usage))) if usage is not None else 0


def _billed(usage: Usage) -> Sequence[Part]:
    if not usage.iterations:
        return (usage,)
    return (usage, *(part for part in usage.iterations if part.type == _COMPACTION))


def _tokens(part: Part) -> int:
    read, written = part.cache_read_input_tokens or 0, part.cache_creation_input_tokens or 0
    return (part.input_tokens or 0) + (part.output_tokens or 0) + read + written


def counts_of(usage: Usage) -> tuple[UsageCounts, tuple[str, ...]]:
    """What the message is billed for, with its compactions, and what of it is in doubt."""
    uncached = output = read = minutes = hour = 0
    doubtful = False
    for part in _billed(usage):
        five, one, doubt = _written(part)
        minutes, hour, doubtful = minutes + five, hour + one, doubtful or doubt
        uncached, output = uncached + (part.input_tokens or 0), output + (part.output_tokens or 0)
        read += part.cache_read_input_tokens or 0
    searches = (usage.server_tool_use.web_search_requests or 0) if usage.server_tool_use else 0
    counts = UsageCounts(
        input_tokens=uncached + read + minutes + hour,
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_5m_tokens=minutes,
        cache_write_1h_tokens=hour,
        units={"web_search_requests": Decimal(searches)} if searches else {},
    )
    return counts, ("the lifetimes of the cache writes do not add up to their total",) if doubtful else ()


def _written(part: Part) -> tuple[int, int, bool]:
    """Written for five minutes and for an hour, and whether that is in doubt.

    As of an answer: what the lifetimes do not cover was written for 5 minutes; where they are more, they are used.
    """
    split, total = part.cache_creation or Creation(), part.cache_creation_input_tokens or 0
    minutes, hour = split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens or 0
    return max(total - hour, minutes or 0), hour, minutes is not None and minutes + hour != total


def dimensions_of(usage: Usage) -> dict[str, str]:
    """What a price may depend on beside the tokens."""
    found: dict[str, str] = {}
    if usage.speed and usage.speed != "standard":
        found["speed"] = clean(usage.speed) or ""
    # "not_available" is what Claude Code writes for models that know no regions.
    if usage.inference_geo and usage.inference_geo not in ("not_available", "global"):
        found["inference_geo"] = clean(usage.inference_geo) or ""
    return found
