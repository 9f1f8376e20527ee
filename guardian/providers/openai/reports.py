"""OpenAI's usage and cost reports: which there are, how each may be grouped, and what a row of each means."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from guardian.errors import ProviderContractBroken
from guardian.models.enums import Provider
from guardian.periods import DAY, Window, floor_day
from guardian.providers.reports.reading import Row
from guardian.records import UNKNOWN_MODEL, CostRecord, UsageCounts, UsageRecord

_WHO = ("project_id", "user_id", "api_key_id")
_TOKEN_GROUPS = (*_WHO, "model", "batch", "service_tier", "api_source")
# Of a row's identity, but neither a column of the record nor the tier.
_DIMENSIONS = ("size", "source", "context_level", "vector_store_id", "api_source")

COST_GROUPS = ("project_id", "line_item", "api_key_id", "user_id", "api_source")
# In the order in which they are given up when OpenAI calls the request wrong. api_source is known from the SDK only;
# whether users can be told apart "depends on the organization and requested time range".
DROPPABLE_GROUPS = ("api_source", "user_id")


@dataclass(frozen=True, slots=True)
class Report:
    """One usage report. `model` is what is billed where rows name none.

    Every account has an `essential` report: that it is missing means a wrong address. Others may be unknown to it.
    """

    operation: str
    groups: tuple[str, ...]
    counts: Callable[[Row], UsageCounts]
    requests: str | None = "num_model_requests"
    model: str = UNKNOWN_MODEL
    essential: bool = False


def _tokens(row: Row) -> UsageCounts:
    total, cached = row.count("input_tokens"), row.count("input_cached_tokens")
    half_hour, half_day = (
        row.count_or_zero("input_cache_write_30m_tokens"),
        row.count_or_zero("input_cache_write_12h_tokens"),
    )
    # Rows from before 2026 have no split: what it does not cover was written for 30 minutes, then the only kind.
    written = row.maybe_count("input_cache_write_tokens")
    unsplit = 0 if written is None else written - half_hour - half_day
    uncached = row.maybe_count("input_uncached_tokens")
    if unsplit < 0 or (uncached is not None and uncached + cached + half_hour + half_day + unsplit != total):
        raise ProviderContractBroken(
            f"{row.where} contradicts itself: cached, cache-write and uncached tokens do not add up to input_tokens."
        )
    return UsageCounts(
        input_tokens=total,
        output_tokens=row.count("output_tokens"),
        cache_read_tokens=cached,
        cache_write_30m_tokens=half_hour + unsplit,
        cache_write_12h_tokens=half_day,
        audio_input_tokens=row.count_or_zero("input_audio_tokens"),
        image_input_tokens=row.count_or_zero("input_image_tokens"),
        cache_read_audio_tokens=row.count_or_zero("input_cached_audio_tokens"),
        cache_read_image_tokens=row.count_or_zero("input_cached_image_tokens"),
        audio_output_tokens=row.count_or_zero("output_audio_tokens"),
        image_output_tokens=row.count_or_zero("output_image_tokens"),
    )


def _input_only(row: Row) -> UsageCounts:
    return UsageCounts(input_tokens=row.count("input_tokens"))


def _units(unit: str, *names: str) -> Callable[[Row], UsageCounts]:
    """Counts of one billed unit, read from the first of `names` that the row has."""

    def read(row: Row) -> UsageCounts:
        name = next((n for n in names if row.raw.get(n) is not None), names[0])
        return UsageCounts(units={unit: row.quantity(name)})

    return read


REPORTS: dict[str, Report] = {
    "completions": Report("completion", _TOKEN_GROUPS, _tokens, essential=True),
    "decisions": Report("decision", _TOKEN_GROUPS, _tokens),
    "embeddings": Report("embedding", (*_WHO, "model"), _input_only),
    "moderations": Report("moderation", (*_WHO, "model"), _input_only),
    "images": Report("image", (*_WHO, "model", "size", "source"), _units("images", "images")),
    "audio_speeches": Report("audio_speech", (*_WHO, "model"), _units("characters", "characters")),
    "audio_transcriptions": Report("audio_transcription", (*_WHO, "model"), _units("seconds", "seconds")),
    "vector_stores": Report(
        "vector_store",
        ("project_id",),
        _units("vector_store_bytes", "usage_bytes"),
        requests=None,
        model="vector-store-storage",
    ),
    "code_interpreter_sessions": Report(
        "code_interpreter",
        ("project_id",),
        _units("code_interpreter_sessions", "num_sessions", "sessions"),
        requests=None,
        model="code-interpreter",
    ),
    "file_search_calls": Report(
        "file_search",
        (*_WHO, "vector_store_id"),
        _units("file_search_requests", "num_requests"),
        requests=None,
        model="file-search",
    ),
    "web_search_calls": Report(
        "web_search",
        (*_WHO, "model", "context_level", "api_source"),
        _units("web_search_requests", "num_requests"),
        requests=None,
        model="web-search",
    ),
}


def read_usage(report: Report, row: Row, start: datetime, end: datetime) -> UsageRecord:
    """One row as a record. Calls of tools have 0 requests: the request that made them is in another row."""
    counts = report.counts(row)
    if problems := counts.problems():
        raise ProviderContractBroken(f"{row.where} contradicts itself: {'; '.join(problems)}.")
    dimensions = {name: value for name in _DIMENSIONS if (value := row.maybe_text(name)) is not None}
    tier = row.maybe_text("service_tier")
    if row.maybe_flag("batch"):
        if tier not in (None, "default"):
            dimensions["service_tier"] = tier
        tier = "batch"
    return UsageRecord(
        provider=Provider.OPENAI,
        operation=report.operation,
        model=row.maybe_text("model") or report.model,
        start=start,
        end=end,
        counts=counts,
        requests=row.count(report.requests) if report.requests else 0,
        project_id=row.maybe_text("project_id"),
        external_key_id=row.maybe_text("api_key_id"),
        external_user_id=row.maybe_text("user_id"),
        service_tier=tier,
        dimensions=dimensions,
    )


# "gpt-6-sol, cached_input_tokens". Line items are free text and not enumerated: what does not look so stays whole.
_LINE_ITEM = re.compile(r"^(?P<model>[^\s,]+), (?P<what>(?P<batch>batch[_ ])?.*)$")
_UNIX_TIME = re.compile(r"\b\d{9,10}\b")
_TOKEN_UNITS = {"tokens", "1000_tokens"}


def read_cost(row: Row, start: datetime, end: datetime) -> CostRecord:
    """One row of the cost report; its amounts are US dollars already."""
    amount = row.child("amount")
    currency = amount.text("currency")
    if currency.lower() != "usd":
        raise ProviderContractBroken(
            f"{row.where} is in {currency[:8]} and not in US dollars, so it cannot be added up."
        )
    line_item, unit = row.maybe_text("line_item"), row.maybe_text("quantity_unit")
    parts = _LINE_ITEM.match(line_item or "")
    tokens = unit in _TOKEN_UNITS or (parts is not None and parts["what"].endswith("tokens"))
    source = row.maybe_text("api_source")
    quantity: Decimal | None = row.maybe_number("quantity")
    return CostRecord(
        provider=Provider.OPENAI,
        start=start,
        end=end,
        amount=amount.money("value"),
        line_item=line_item or "(not itemised)",
        project_id=row.maybe_text("project_id"),
        external_key_id=row.maybe_text("api_key_id"),
        external_user_id=row.maybe_text("user_id"),
        model=parts["model"] if parts else None,
        cost_type="tokens" if tokens else None,
        token_type=parts["what"] if parts and tokens else None,
        service_tier="batch" if parts and parts["batch"] else None,
        quantity=quantity,
        quantity_unit=unit,
        dimensions={"api_source": source} if source else {},
    )


def key_floor(message: str, window: Window) -> datetime:
    """From which day on costs can be told apart by key, after OpenAI's refusal; the window's end when it is unclear."""
    for digits in _UNIX_TIME.findall(message):
        floor = datetime.fromtimestamp(int(digits), UTC)
        whole = floor_day(floor)
        floor = whole if whole == floor else whole + DAY
        if window.start < floor < window.end:
            return floor
    return window.end
