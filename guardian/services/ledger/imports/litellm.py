"""LiteLLM's spend logs (table LiteLLM_SpendLogs), as JSON lines or CSV: one call per request id.

`prompt_tokens` includes what was read from and written to the cache, `completion_tokens` the reasoning (schema.prisma
and proxy/spend_tracking of BerriAI/litellm). Calls are priced here; LiteLLM's own figure, a float of its own price
list, stays in the metadata as `litellmSpend`, and is the cost, marked as an estimate, where no price is known here.
Answers out of LiteLLM's cache reached no provider, and are left out.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import msgspec

from guardian.errors import ValidationError
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.pricing.calculator import price
from guardian.records import CostBreakdown, UsageCounts, UsageRecord
from guardian.services.ledger.imports import table
from guardian.services.ledger.imports.agents import is_no_object, what_is_wrong
from guardian.services.ledger.imports.batches import Batch, Entry, Importing, in_batches
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.imports.source import Member, Source
from guardian.services.ledger.imports.values import Cells, clean, dollars, moment, number, whole
from guardian.services.ledger.writing.calls import Call

_PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider.OPENAI,
    "text-completion-openai": Provider.OPENAI,
    "anthropic": Provider.ANTHROPIC,
    "gemini": Provider.GOOGLE,
    "vertex_ai": Provider.GOOGLE,
    "vertex_ai_beta": Provider.GOOGLE,
    "xai": Provider.XAI,
    "perplexity": Provider.PERPLEXITY,
}
_FAMILIES = (
    ("claude", Provider.ANTHROPIC),
    ("gpt-", Provider.OPENAI),
    ("gemini", Provider.GOOGLE),
    ("grok", Provider.XAI),
    ("sonar", Provider.PERPLEXITY),
)
_CACHED = "left out, answered by LiteLLM from its cache: no provider was called"
_DAY = 86_400_000  # milliseconds: an answer that took longer did not
_THEIRS = "LiteLLM's own figure: no price is known here for this model"
_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_documents = msgspec.json.Decoder(float_hook=Decimal)


def read(source: Source, importing: Importing, report: Report) -> Iterator[Batch]:
    calls = (entry for member in source.members() for entry in _calls(member, importing, report))
    yield from in_batches(calls, importing, report)


def _calls(member: Member, importing: Importing, report: Report) -> Iterator[Entry]:
    for line, row in _rows(member, report):
        try:
            call = _call(importing, row, report)
        except ValidationError as error:
            report.refuse(line, error.message, member.name)
            continue
        if call is not None:
            yield Entry(line, call, member.name)


def _rows(member: Member, report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    """CSV rows as they are; of JSON lines the same names, their values as text or as documents."""
    if not _peek(member).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        yield from table.rows(member, report)
        return
    for line, raw in enumerate(member.lines(), start=1):
        raw = raw.removeprefix(b"\xef\xbb\xbf")
        if not raw.strip():
            continue
        try:
            yield line, _decoder.decode(raw)
        except msgspec.MsgspecError as error:
            wrong = what_is_wrong(error) if not is_no_object(raw) else "The line is no JSON object."
            report.refuse(line, wrong, member.name)


def _peek(member: Member) -> bytes:
    head = cast("Any", member.stream).peek(64) if hasattr(member.stream, "peek") else b""
    return bytes(head[:64])


def _call(importing: Importing, row: Mapping[str, Any], report: Report) -> Call | None:
    cells = Cells({name: _as_text(value) for name, value in row.items()})
    if (cells.maybe("cache_hit") or "").lower() == "true":
        report.skip(_CACHED)
        return None
    meta = _document(row.get("metadata"))
    start = cells.moment("startTime", "start_time")
    spend = cells.maybe_number("spend")
    counts = _counts(cells, meta)
    usage = UsageRecord(
        provider=_provider(cells),
        operation=cells.maybe("call_type") or "completion",
        model=_model(cells),
        start=start,
        end=start,
        counts=counts,
        requests=1,
        external_key_id=clean(cells.maybe("api_key")),
        external_user_id=clean(cells.maybe("user", "end_user")),
        doubts=_doubts(cells, counts.total_tokens),
    )
    failed = (cells.maybe("status") or "").lower() == "failure"
    call = Call(
        identity=("litellm", cells.text("request_id")),
        origin=UsageOrigin.IMPORT,
        user_id=importing.user_id,
        api_key_id=importing.api_key_id,
        response_time=_duration(cells, start),
        error="failure" if failed else None,
        session=clean(cells.maybe("session_id")),
        tags=_tags(cells, row),
        metadata={} if spend is None else {"litellmSpend": format(dollars(spend, None, "spend"), "f")},
        usage=usage,
    )
    return replace(call, cost=_cost(importing, usage, spend))


def _cost(importing: Importing, usage: UsageRecord, spend: Decimal | None) -> CostBreakdown:
    ours = price(usage, importing.overrides.get(usage.provider, ()), key_id=importing.api_key_id)
    if ours.source is not CostSource.UNPRICED or not spend:
        return ours
    return CostBreakdown(amount=spend, source=CostSource.ESTIMATED, price_source="litellm", reason=f"{_THEIRS}.")


def _counts(cells: Cells, meta: Mapping[str, Any]) -> UsageCounts:
    used = _document(meta.get("usage_object"))
    more = _document(meta.get("additional_usage_values"))
    prompt, completion = _document(used.get("prompt_tokens_details")), _document(used.get("completion_tokens_details"))
    created = _document(prompt.get("cache_creation_token_details"))
    read = (
        _first(used, "cache_read_input_tokens")
        or _first(more, "cache_read_input_tokens")
        or _first(prompt, "cached_tokens")
    )
    written = _first(used, "cache_creation_input_tokens") or _first(more, "cache_creation_input_tokens")
    hour = _first(created, "ephemeral_1h_input_tokens")
    return UsageCounts(
        input_tokens=cells.count_or_zero("prompt_tokens"),
        output_tokens=cells.count_or_zero("completion_tokens"),
        cache_read_tokens=read,
        cache_write_5m_tokens=max(written - hour, 0),
        cache_write_1h_tokens=hour,
        reasoning_tokens=_first(completion, "reasoning_tokens"),
        audio_input_tokens=_first(prompt, "audio_tokens"),
        audio_output_tokens=_first(completion, "audio_tokens"),
    )


def _doubts(cells: Cells, found: int) -> tuple[str, ...]:
    """As for an answer: of a total that disagrees with its parts, the parts are billed."""
    told = cells.maybe("total_tokens")
    if told is None or whole(told, "total_tokens") == found:
        return ()
    return (f"total_tokens is {told}, but its parts add up to {found}; the parts are used",)


def _first(document: Mapping[str, Any], name: str) -> int:
    value = document.get(name)
    return 0 if value is None else whole(str(value), name)


def _provider(cells: Cells) -> Provider:
    named = (cells.maybe("custom_llm_provider") or "").lower()
    model = (cells.maybe("model") or "").lower()
    if not named:
        named = model.partition("/")[0] if "/" in model else ""
    if named in _PROVIDERS:
        return _PROVIDERS[named]
    family = next((provider for start, provider in _FAMILIES if model.startswith(start)), None)
    return family if family is not None and not named else Provider.CUSTOM


def _model(cells: Cells) -> str:
    """The model without LiteLLM's prefix for the provider: anthropic/claude-… is claude-…."""
    model = clean(cells.text("model", "model_group")) or ""
    prefix, slash, rest = model.partition("/")
    return (
        rest if slash and prefix.lower() in (*_PROVIDERS, (cells.maybe("custom_llm_provider") or "").lower()) else model
    )


def _duration(cells: Cells, start: datetime) -> int | None:
    told = cells.maybe("request_duration_ms")
    if told is not None:
        milliseconds = int(number(told, "request_duration_ms"))
        return milliseconds if 0 <= milliseconds < _DAY else None
    end = cells.maybe("endTime", "end_time")
    if end is None:
        return None
    taken = moment(end, "endTime") - start
    return max(0, round(taken.total_seconds() * 1000)) if taken.days < 1 else None


def _tags(cells: Cells, row: Mapping[str, Any]) -> dict[str, str]:
    found = {
        name: clean(value) or ""
        for name, column in (("team", "team_id"), ("end_user", "end_user"), ("key", "api_key_alias"))
        if (value := cells.maybe(column)) is not None
    }
    listed: object = _value(row.get("request_tags"))
    for tag in cast("list[object]", listed) if isinstance(listed, list) else ():
        if isinstance(tag, str) and tag:
            key, equals, value = tag.partition("=")
            found[clean(key) or "tag"] = clean(value) or "" if equals else "true"
    return found


def _value(raw: object) -> object:
    """A document that is one, or was written as text into a cell."""
    if isinstance(raw, str):
        try:
            return _documents.decode(raw.encode("utf-8", "replace"))
        except msgspec.MsgspecError:
            return None
    return raw


def _document(raw: object) -> Mapping[str, Any]:
    found = _value(raw)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _as_text(value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
