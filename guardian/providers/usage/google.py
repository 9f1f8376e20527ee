"""Google's answers: generateContent (Gemini API and Vertex AI), interactions, embeddings and predictions.

Billed input is the prompt, which includes what was cached, and the tool-use prompt, which is not in it. Billed output
is the candidates and the thoughts, which exclude each other.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple, cast

from guardian.providers.usage.fields import Fields
from guardian.providers.usage.stated import Settings, StatedUsage
from guardian.providers.usage.sums import check_sum, counts_of, fit
from guardian.records import UsageCounts

Body = Mapping[str, Any]
_MEDIA = ("audio", "image", "video")
# Vertex AI names in trafficType how it served a request; a tier of another name has no list price.
_TIERS = {"ON_DEMAND": "standard", "ON_DEMAND_PRIORITY": "priority", "ON_DEMAND_FLEX": "flex"}
# Paid for by its reservation: no price of tokens holds (see INCOMPLETE in guardian.pricing.calculator).
_RESERVED = "provisioned_throughput"
# ai.google.dev/gemini-api/docs/pricing: up to 2.5 a grounded prompt is billed once, from 3 on each of its queries.
_BILLED_BY_PROMPT = re.compile(r"(?:models/)?gemini-(?:live-|flash-|pro-)?[12]\.")
_TOOLS = {
    "google_search": "web_search_requests",
    "google_maps": "maps_grounding_requests",
    "retrieval": "retrieval_requests",
}


class _Names(NamedTuple):
    """What one flavour calls its counts; `by_modality` are the lists that split prompt, cache, tool use and output."""

    prompt: str
    cached: str
    tool_use: str
    candidates: str
    thoughts: str
    total: str
    by_modality: tuple[str, str, str, str]
    tokens: str


_CONTENT = _Names(
    "promptTokenCount",
    "cachedContentTokenCount",
    "toolUsePromptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "totalTokenCount",
    ("promptTokensDetails", "cacheTokensDetails", "toolUsePromptTokensDetails", "candidatesTokensDetails"),
    "tokenCount",
)
_INTERACTION = _Names(
    "total_input_tokens",
    "total_cached_tokens",
    "total_tool_use_tokens",
    "total_output_tokens",
    "total_thought_tokens",
    "total_tokens",
    (
        "input_tokens_by_modality",
        "cached_tokens_by_modality",
        "tool_use_tokens_by_modality",
        "output_tokens_by_modality",
    ),
    "tokens",
)


def generate_content(body: Body, settings: Settings) -> StatedUsage | None:
    """An answer of generateContent, or the last chunk of a stream (its numbers are cumulative: never add chunks)."""
    del settings
    answer = Fields(body, "Google's answer")
    usage = answer.child("usageMetadata")
    if not usage:
        return None
    model, traffic = answer.text("modelVersion"), usage.text("trafficType")
    reserved = (traffic or "").lower() == _RESERVED
    return StatedUsage(
        counts=_counts(usage, _CONTENT, _grounding(answer, model or "")),
        model=model,
        response_id=answer.text("responseId"),
        service_tier=None if traffic is None else _TIERS.get(traffic, traffic.lower()),
        dimensions={"incomplete": _RESERVED} if reserved else {},
        doubts=tuple(answer.doubts),
    )


def interactions(body: Body, settings: Settings) -> StatedUsage | None:
    """An interaction, or that of a stream's event `interaction.completed`."""
    del settings
    answer = Fields(body, "Google's interaction")
    usage = answer.child("usage")
    if not usage:
        return None
    units: dict[str, Decimal] = {}
    for tool in usage.rows("grounding_tool_count"):
        if calls := tool.share("count"):
            kind = tool.text("type") or ""
            unit = _TOOLS.get(kind, f"{kind}_requests")
            units[unit] = units.get(unit, Decimal(0)) + calls
    model = answer.text("model")
    return StatedUsage(
        counts=_counts(usage, _INTERACTION, _as_billed(units, model or "")),
        model=model,
        response_id=answer.text("id"),
        service_tier=answer.text("service_tier"),
        doubts=tuple(answer.doubts),
    )


def embed_content(body: Body, settings: Settings) -> StatedUsage | None:
    """All of it is input; older models state nothing."""
    del settings
    answer = Fields(body, "Google's embeddings answer")
    usage = answer.child("usageMetadata")
    if not usage:
        return None
    found = usage.total("promptTokenCount")
    if found is None:
        raise usage.missing("promptTokenCount")
    media = _by_modality(usage, "promptTokensDetails" if usage.has("promptTokensDetails") else "promptTokenDetails")
    shares = fit(usage, found, "promptTokenCount", {f"{kind}_input_tokens": media.get(kind, 0) for kind in _MEDIA})
    return StatedUsage(
        counts=counts_of(found, 0, shares), model=answer.text("modelVersion"), doubts=tuple(answer.doubts)
    )


def predict(body: Body, settings: Settings) -> StatedUsage | None:
    """Pictures (Imagen) by their number; text embeddings of Vertex AI by their tokens; videos (Veo) by their number."""
    del settings
    answer = Fields(body, "Google's prediction")
    made = answer.rows("predictions")
    statistics = [row.child("embeddings").child("statistics") for row in made]
    units: dict[str, Decimal] = {}
    tokens = sum(part.share("token_count") for part in statistics)
    if pictures := sum(row.has("bytesBase64Encoded") or row.has("gcsUri") for row in made):
        units["images"] = Decimal(pictures)
    videos = answer.child("response")
    samples = videos.rows("videos") or videos.child("generateVideoResponse").rows("generatedSamples")
    if samples:
        units["videos"] = Decimal(len(samples))
    if not tokens and not units:
        return None
    return StatedUsage(
        counts=UsageCounts(input_tokens=tokens, units=units), model=answer.text("model"), doubts=tuple(answer.doubts)
    )


def _counts(usage: Fields, names: _Names, units: Mapping[str, Decimal]) -> UsageCounts:
    prompt, total = usage.total(names.prompt), usage.total(names.total)
    # Google leaves out what is zero: only the prompt never is.
    candidates, thoughts = usage.total(names.candidates) or 0, usage.total(names.thoughts) or 0
    tool_use = usage.total(names.tool_use) or 0
    if prompt is None:
        if total is None or total < candidates + thoughts + tool_use:
            raise usage.missing(names.prompt)
        prompt = total - candidates - thoughts - tool_use
        usage.doubt(f"{names.prompt} is missing; it is what {names.total} leaves over")
    check_sum(usage, prompt + candidates + thoughts + tool_use, names.total)
    in_prompt, in_cache, in_tools, in_output = (_by_modality(usage, name, names.tokens) for name in names.by_modality)
    media = {kind: in_prompt.get(kind, 0) + in_tools.get(kind, 0) for kind in _MEDIA}
    made = {f"{kind}_output_tokens": in_output.get(kind, 0) for kind in _MEDIA}
    return counts_of(
        prompt + tool_use,
        candidates + thoughts,
        _input_shares(usage, prompt + tool_use, usage.share(names.cached), media, in_cache),
        fit(usage, candidates, names.candidates, made),
        {"reasoning_tokens": thoughts},
        units=units,
    )


def _input_shares(
    usage: Fields, total: int, cached: int, media: Mapping[str, int], in_cache: Mapping[str, int]
) -> dict[str, int]:
    """The shares of the input; the prompt's split counts what was cached, too, and the cache's split tells it apart."""
    if cached and not in_cache and any(media.values()):
        usage.doubt("the answer does not tell which of the cached tokens are text, audio, image or video")
    kept = {kind: min(in_cache.get(kind, 0), media[kind], cached) for kind in _MEDIA}
    fresh = {f"{kind}_input_tokens": media[kind] - kept[kind] for kind in _MEDIA}
    shares = fit(usage, total, "the input", {**fresh, "cached tokens": cached})
    cached = shares.pop("cached tokens")
    audio = min(kept["audio"], cached)
    return {
        **shares,
        "cache_read_tokens": cached,
        "cache_read_audio_tokens": audio,
        "cache_read_image_tokens": min(kept["image"], cached - audio),
    }


def _by_modality(usage: Fields, name: str, tokens: str = "tokenCount") -> dict[str, int]:
    found: dict[str, int] = {}
    for part in usage.rows(name):
        kind = (part.text("modality") or "").lower()
        found[kind] = found.get(kind, 0) + part.share(tokens)
    return found


def _grounding(answer: Fields, model: str) -> dict[str, Decimal]:
    """Billed grounding by unit, from what each candidate was grounded on."""
    queries = maps = 0
    for candidate in answer.rows("candidates"):
        grounds = candidate.child("groundingMetadata")
        asked: object = grounds.raw.get("webSearchQueries")
        queries += len(cast("list[object]", asked)) if isinstance(asked, list) else 0
        maps += any(chunk.has("maps") for chunk in grounds.rows("groundingChunks"))
    units = {"web_search_requests": Decimal(queries), "maps_grounding_requests": Decimal(maps)}
    if maps and not _BILLED_BY_PROMPT.match(model):
        answer.doubt("the answer does not count its queries of Google Maps; one is taken")
    return _as_billed({unit: number for unit, number in units.items() if number}, model)


def _as_billed(units: Mapping[str, Decimal], model: str) -> dict[str, Decimal]:
    """One per grounded prompt for the models that are billed so."""
    by_prompt = _BILLED_BY_PROMPT.match(model) is not None
    return {unit: Decimal(1) if by_prompt and unit in _TOOLS.values() else number for unit, number in units.items()}
