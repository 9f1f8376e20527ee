"""Google's metrics as usage records: Vertex AI's tokens by model and kind, and the input that Gemini quotas count."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from guardian.models.enums import Provider
from guardian.periods import HOUR, Window, floor_hour
from guardian.providers.google.monitoring import Get, Point, Question, points
from guardian.records import UNKNOWN_MODEL, UsageCounts, UsageRecord

REPORTS = ("vertex", "gemini_api")

# The dimension that says why a row has no price: see guardian.pricing.calculator.
INCOMPLETE = "incomplete"

_VERTEX = "aiplatform.googleapis.com/publisher/online_serving"
_MODEL_GROUPS = (
    "resource.label.model_user_id",
    "resource.label.model_version_id",
    "resource.label.publisher",
    "resource.label.location",
    "metric.label.request_type",
)
# Not in every project's descriptor of the metric.
_FURTHER_GROUPS = ("metric.label.shared_request_type",)
_TOKENS = (f"{_VERTEX}/token_count", ("metric.label.type", *_MODEL_GROUPS), ("metric.label.modality", *_FURTHER_GROUPS))
_CALLS = (f"{_VERTEX}/model_invocation_count", _MODEL_GROUPS, ("metric.label.response_code", *_FURTHER_GROUPS))

_QUOTA = "generativelanguage.googleapis.com/quota/generate_content"
_QUOTA_TIERS = ("free_tier", "paid_tier", "paid_tier_2", "paid_tier_3")
_QUOTA_GROUPS = ("metric.label.model", "metric.label.limit_name")

# Kinds of tokens by `type`: of Gemini models only the first two were ever seen, of Claude models all of them.
_INPUT = {
    "input": None,
    "cache_read_input": "cache_read_tokens",
    "cache_write_input": "cache_write_5m_tokens",
    "cache_write_1h_input": "cache_write_1h_tokens",
}
_MODALITIES = ("audio", "image", "video")
_BLIND = (
    "Google's metrics do not tell cached input apart, nor everywhere audio; what is not told is priced as plain input"
)
_REGIONAL = "regional endpoints can cost more than the list price, which is used"
_GEMINI = "google"
_PROVISIONED = "provisioned_throughput"


def read_report(get: Get, report: str, project: str, window: Window, now: datetime) -> Iterator[UsageRecord]:
    """The hourly records of one report of one project, each identity once. Raises ProviderError."""
    return (_vertex if report == "vertex" else _gemini_api)(get, project, window, now)


@dataclass(frozen=True, slots=True)
class ModelHour:
    """One hour of a model at a location and in a tier; all of its series are one record."""

    start: datetime
    end: datetime
    model: str
    version: str
    publisher: str
    location: str
    tier: str | None

    @classmethod
    def of(cls, point: Point) -> "ModelHour":
        label = point.labels.get
        version, shared = label("model_version_id", ""), label("shared_request_type", "").lower()
        return cls(
            point.start,
            point.end,
            label("model_user_id") or UNKNOWN_MODEL,
            "" if version == "default" else version,
            label("publisher", ""),
            label("location", ""),
            _PROVISIONED if label("request_type") == "dedicated" else shared or None,
        )


@dataclass(slots=True)
class Sums:
    """`tokens` by (type, modality); `calls` is None where the calls were not counted."""

    tokens: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    calls: int | None = None


def _vertex(get: Get, project: str, window: Window, now: datetime) -> Iterator[UsageRecord]:
    sums: dict[ModelHour, Sums] = {}
    for point in points(get, Question(project, *_TOKENS), window, now):
        tokens = sums.setdefault(ModelHour.of(point), Sums()).tokens
        kind = point.labels.get("type", ""), point.labels.get("modality", "").lower()
        tokens[kind] = tokens.get(kind, 0) + point.count
    for point in points(get, Question(project, *_CALLS), window, now):
        # A refused call uses nothing.
        if point.labels.get("response_code", "2").startswith("2"):
            mine = sums.setdefault(ModelHour.of(point), Sums())
            mine.calls = (mine.calls or 0) + point.count
    for hour, mine in sums.items():
        if any(mine.tokens.values()) or mine.calls:
            yield vertex_record(project, hour, mine)


def vertex_record(project: str, hour: ModelHour, sums: Sums) -> UsageRecord:
    """An hour as a record: an estimate for Gemini models, and without a price where tokens say nothing of the cost."""
    counts, unknown = _counts(sums.tokens)
    incomplete = ""
    if hour.tier == _PROVISIONED:
        incomplete = _PROVISIONED
    elif unknown or not counts.total_tokens:
        incomplete = "tokens"
    facts = {
        "publisher": hour.publisher,
        "location": hour.location,
        "model_version": hour.version,
        INCOMPLETE: incomplete,
    }
    return UsageRecord(
        provider=Provider.GOOGLE,
        operation="generate_content",
        model=hour.model,
        start=hour.start,
        end=hour.end,
        counts=counts,
        requests=sums.calls,
        project_id=project,
        service_tier=hour.tier,
        dimensions={name: value for name, value in facts.items() if value},
        doubts=() if incomplete else _doubts(hour),
    )


def _doubts(hour: ModelHour) -> tuple[str, ...]:
    blind = _BLIND if hour.publisher in ("", _GEMINI) else None
    regional = _REGIONAL if hour.location not in ("", "global") else None
    return tuple(doubt for doubt in (blind, regional) if doubt)


def _counts(tokens: Mapping[tuple[str, str], int]) -> tuple[UsageCounts, bool]:
    """The counts, and whether there were tokens of a kind that we do not know."""
    shares: dict[str, int] = {}
    total = {"input": 0, "output": 0}
    unknown = False
    for (kind, modality), count in tokens.items():
        if kind not in _INPUT and kind != "output":
            unknown = unknown or count > 0
            continue
        side = "output" if kind == "output" else "input"
        total[side] += count
        share = _INPUT.get(kind)
        if share is None and modality in _MODALITIES:
            share = f"{modality}_{side}_tokens"
        if share is not None:
            shares[share] = shares.get(share, 0) + count
    return replace(UsageCounts(input_tokens=total["input"], output_tokens=total["output"]), **shares), unknown


def _gemini_api(get: Get, project: str, window: Window, now: datetime) -> Iterator[UsageRecord]:
    for tier in _QUOTA_TIERS:
        counted = Question(project, f"{_QUOTA}_{tier}_input_token_count/usage", _QUOTA_GROUPS)
        called = Question(project, f"{_QUOTA}_{tier}_requests/usage", _QUOTA_GROUPS)
        tokens, calls = (_by_model(points(get, question, window, now)) for question in (counted, called))
        for start, model in sorted({*tokens, *calls}):
            yield gemini_record(project, tier, start, model, tokens.get((start, model), 0), calls.get((start, model)))


def gemini_record(project: str, tier: str, start: datetime, model: str, tokens: int, calls: int | None) -> UsageRecord:
    """One model's hour of the Gemini API. Only its input is counted, so only what is free has a known cost."""
    free = tier == "free_tier"
    return UsageRecord(
        provider=Provider.GOOGLE,
        operation="generate_content",
        model=model,
        start=start,
        end=start + HOUR,
        counts=UsageCounts(input_tokens=tokens),
        requests=calls,
        project_id=project,
        dimensions={"quota": tier, INCOMPLETE: "output_tokens"},
        provider_cost=Decimal(0) if free else None,
    )


def _by_model(found: Iterable[Point]) -> dict[tuple[datetime, str], int]:
    """Every limit (per minute, per day) counts the same tokens once more: the largest count is the use."""
    by_limit: dict[tuple[datetime, str], dict[str, int]] = {}
    for point in found:
        key = point.start, point.labels.get("model", UNKNOWN_MODEL)
        limits = by_limit.setdefault(key, {})
        limit = point.labels.get("limit_name", "")
        limits[limit] = limits.get(limit, 0) + point.count
    return {key: most for key, limits in by_limit.items() if (most := max(limits.values()))}


def may_read_usage(get: Get, project: str, now: datetime) -> None:
    """Raises ProviderError where the project's metrics cannot be read."""
    hour = Window(floor_hour(now) - HOUR, floor_hour(now))
    for _ in points(get, Question(project, *_TOKENS), hour, now):
        return
