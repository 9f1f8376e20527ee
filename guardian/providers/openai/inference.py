"""OpenAI's inference answers as usage records: chat completions, responses and embeddings, not streamed."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.providers.reading import Row
from guardian.records import UNKNOWN_MODEL, UsageCounts, UsageRecord

ENDPOINTS = ("/chat/completions", "/responses", "/embeddings")
# Tool calls are items of a response's output and not in its usage.
_CALLS = {
    "web_search_call": "web_search_requests",
    "file_search_call": "file_search_requests",
    "image_generation_call": "images",
}


def route(payload: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path and the body of a request; see OpenAIProvider.make_request."""
    body = dict(payload)
    endpoint = body.pop("endpoint", None)
    if endpoint is None:
        embeds = "embedding" in str(body.get("model", ""))
        endpoint = "/chat/completions" if "messages" in body else "/embeddings" if embeds else "/responses"
    if endpoint not in ENDPOINTS:
        raise ValidationError(f"OpenAI requests can be sent to {', '.join(ENDPOINTS)}; for others use the gateway.")
    if body.get("stream"):
        raise ValidationError("A request that is tracked here cannot be streamed. Use the gateway for streams.")
    return endpoint, body


def read(endpoint: str, answer: Mapping[str, Any], asked_model: str, at: datetime) -> tuple[UsageRecord, str | None]:
    """The usage of one answer, and why it cannot be priced when the answer states none.

    The model and the tier are those of the answer: OpenAI may serve another tier than the one asked for.
    """
    row = Row(answer, "OpenAI's answer")
    stated = row.raw.get("usage") is not None
    usage = row.maybe_child("usage")
    if not stated:
        counts = UsageCounts(units=_calls(row))
    elif endpoint == "/responses":
        counts = _counts(usage, "input", "output", _calls(row))
    else:
        counts = _counts(usage, "prompt", "completion", {})
    record = UsageRecord(
        provider=Provider.OPENAI,
        operation="embedding" if endpoint == "/embeddings" else "completion",
        model=row.maybe_text("model") or asked_model or UNKNOWN_MODEL,
        start=at,
        end=at,
        counts=counts,
        requests=1,
        service_tier=row.maybe_text("service_tier"),
    )
    return record, None if stated else "OpenAI's answer states no usage."


def _counts(usage: Row, side_in: str, side_out: str, units: Mapping[str, Decimal]) -> UsageCounts:
    total = usage.count(f"{side_in}_tokens")
    details, out = usage.maybe_child(f"{side_in}_tokens_details"), usage.maybe_child(f"{side_out}_tokens_details")
    cached = details.count_or_zero("cached_tokens")
    ttl = details.maybe_child("cache_write_tokens_details")
    half_day = ttl.count_or_zero("ttl_12h_tokens")
    half_hour = max(details.count_or_zero("cache_write_tokens") - half_day, ttl.count_or_zero("ttl_30m_tokens"))
    audio, image = details.count_or_zero("audio_tokens"), details.count_or_zero("image_tokens")
    # The details count audio and image whether cached or not. Where the shares exceed the total, the excess can only
    # be cached audio, then cached image.
    excess = max(0, cached + half_hour + half_day + audio + image - total)
    cached_audio = min(excess, audio, cached)
    cached_image = min(excess - cached_audio, image, cached - cached_audio)
    return UsageCounts(
        input_tokens=total,
        output_tokens=usage.count_or_zero(f"{side_out}_tokens"),
        cache_read_tokens=cached,
        cache_write_30m_tokens=half_hour,
        cache_write_12h_tokens=half_day,
        audio_input_tokens=audio - cached_audio,
        image_input_tokens=image - cached_image,
        cache_read_audio_tokens=cached_audio,
        cache_read_image_tokens=cached_image,
        reasoning_tokens=out.count_or_zero("reasoning_tokens"),
        audio_output_tokens=out.count_or_zero("audio_tokens"),
        units=units,
    )


def _calls(row: Row) -> dict[str, Decimal]:
    """Billed tool calls by unit. A code interpreter session is a container, however often it is called."""
    found: dict[str, int] = {}
    containers: set[str] = set()
    for item in row.rows("output") if row.raw.get("output") is not None else []:
        kind = item.maybe_text("type") or ""
        if kind in _CALLS:
            found[_CALLS[kind]] = found.get(_CALLS[kind], 0) + 1
        elif kind == "code_interpreter_call":
            containers.add(item.maybe_text("container_id") or item.maybe_text("id") or "")
    if containers:
        found["code_interpreter_sessions"] = len(containers)
    return {unit: Decimal(number) for unit, number in found.items()}
