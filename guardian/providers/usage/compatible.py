"""Answers of OpenAI-compatible servers (vLLM, OpenRouter, Azure, Mistral, DeepSeek, gateways) and of Ollama itself.

They agree on little: a fixed order of look-ups finds each number, and the key's settings overrule it. Settings, under
"usage" in the metadata of a CUSTOM key: `cost` and `cached` are dotted paths in the answer ("usage.cost"), `costUnit`
is usd, cents or ticks, `reasoning` says whether completion tokens hold it ("inside") or not ("outside").
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from guardian.providers.usage import anthropic, google
from guardian.providers.usage.fields import Fields, in_dollars
from guardian.providers.usage.openai import input_shares, output_shares, stated, tool_calls
from guardian.providers.usage.stated import Settings, StatedUsage
from guardian.providers.usage.sums import check_sum, counts_of, two_totals
from guardian.records import UsageCounts

Body = Mapping[str, Any]
_WHERE = "The provider's answer"
# unit → how many decimal places it is below a dollar
_UNITS = {"usd": 0, "cents": 2, "ticks": 10}


def chat(body: Body, settings: Settings) -> StatedUsage | None:
    """A chat completion in any dialect, or the last chunk of a stream that has usage."""
    answer = Fields(body, _WHERE)
    if answer.has("usageMetadata"):
        return google.generate_content(body, settings)
    if answer.has("eval_count") or answer.has("prompt_eval_count"):
        return ollama(body, settings)
    usage = _usage(answer)
    if not usage:
        return None
    if usage.has("cache_creation_input_tokens") or usage.has("cache_read_input_tokens"):
        return messages(body, settings)
    as_response = usage.has("input_tokens") or usage.has("output_tokens")
    side_in, side_out = ("input", "output") if as_response else ("prompt", "completion")
    return _read(answer, usage, settings, side_in, side_out)


def gemini_chat(body: Body, settings: Settings) -> StatedUsage | None:
    """Google's own OpenAI route: what its total has beyond prompt and completion are thoughts, and billed as output."""
    usage = Fields(body, _WHERE).child("usage")
    prompt, completion, total = (usage.total(f"{name}_tokens") for name in ("prompt", "completion", "total"))
    beyond = (total or 0) - (prompt or 0) - (completion or 0)
    if prompt is None or completion is None or beyond <= 0 or usage.child("completion_tokens_details"):
        return chat(body, settings)
    thoughts = {**usage.raw, "completion_tokens_details": {"reasoning_tokens": beyond}}
    return chat({**body, "usage": thoughts}, settings)


def responses(body: Body, settings: Settings) -> StatedUsage | None:
    """A response in OpenAI's shape."""
    answer = Fields(body, _WHERE)
    usage = answer.child("usage")
    return _read(answer, usage, settings, "input", "output") if usage else None


def messages(body: Body, settings: Settings) -> StatedUsage | None:
    """A message in Anthropic's shape."""
    found = anthropic.messages(body, settings)
    if found is None:
        return None
    answer = Fields(body, _WHERE, list(found.doubts))
    cost = _cost(answer, answer.child("usage"), settings)
    return replace(found, provider_cost=cost, doubts=tuple(answer.doubts))


def embeddings(body: Body, settings: Settings) -> StatedUsage | None:
    """All of it is input."""
    answer = Fields(body, _WHERE)
    usage = answer.child("usage")
    if not usage:
        return ollama(body, settings) if answer.has("prompt_eval_count") else None
    name = "prompt_tokens" if usage.has("prompt_tokens") or not usage.has("input_tokens") else "input_tokens"
    found, _ = two_totals(usage, name, "completion_tokens", output_needed=False)
    check_sum(usage, found)
    return stated(answer, UsageCounts(input_tokens=found), _cost(answer, usage, settings))


def ollama(body: Body, settings: Settings) -> StatedUsage | None:
    """The last line of Ollama's own API; it leaves out the prompt's count when all of the prompt was cached."""
    answer = Fields(body, "Ollama's answer")
    if body.get("done") is False:
        return None
    prompt, output = answer.total("prompt_eval_count"), answer.total("eval_count")
    if prompt is None and output is None:
        return None
    if prompt is None:
        answer.doubt("prompt_eval_count is missing, as for a prompt that was cached; it is taken as 0")
    return stated(
        answer, UsageCounts(input_tokens=prompt or 0, output_tokens=output or 0), _cost(answer, answer, settings)
    )


def _usage(answer: Fields) -> Fields:
    """The usage where a server puts it; Moonshot's older streams in the first choice, Groq's in x_groq."""
    if usage := answer.child("usage"):
        return usage
    for choice in answer.rows("choices"):
        if usage := choice.child("usage"):
            return usage
    return answer.child("x_groq").child("usage")


def _read(answer: Fields, usage: Fields, settings: Settings, side_in: str, side_out: str) -> StatedUsage:
    found, completion = two_totals(usage, f"{side_in}_tokens", f"{side_out}_tokens")
    details = usage.child(f"{side_out}_tokens_details")
    output = _all_output(usage, settings, found, completion, details.share("reasoning_tokens"))
    check_sum(usage, found + output)
    inputs = _inputs(answer, usage, settings, f"{side_in}_tokens_details", found)
    outputs = output_shares(details, output)
    return stated(
        answer,
        counts_of(found, output, inputs, outputs, units={**tool_calls(answer), **_units(answer, usage)}),
        _cost(answer, usage, settings),
    )


def _all_output(usage: Fields, settings: Settings, prompt: int, completion: int, reasoning: int) -> int:
    """The completion, and the reasoning where it is outside: as the key's settings say, else as the total says."""
    told = _of_usage(settings, "reasoning")
    outside = told == "outside" if told else usage.total("total_tokens") == prompt + completion + reasoning
    return completion + reasoning if outside else completion


def _inputs(answer: Fields, usage: Fields, settings: Settings, name: str, total: int) -> dict[str, int]:
    """The shares of the input. DeepSeek states its cache hits twice: never to be added."""
    details = usage.child(name)
    path = _of_usage(settings, "cached")
    if path:
        holder, field = _follow(answer, path)
        cached = holder.share(field)
    elif details.has("cached_tokens"):
        return input_shares(details, total)
    else:
        cached = usage.share("prompt_cache_hit_tokens")
    return input_shares(Fields({**details.raw, "cached_tokens": cached}, _WHERE, answer.doubts, details.path), total)


def _units(answer: Fields, usage: Fields) -> dict[str, Decimal]:
    """What is billed and no token: Mistral's seconds of audio and pages read."""
    found: dict[str, Decimal] = {}
    # An answer without audio has an empty object here.
    if isinstance(usage.raw.get("prompt_audio_seconds"), (int, Decimal)):
        found["seconds"] = usage.quantity("prompt_audio_seconds") or Decimal(0)
    if pages := answer.child("usage_info").share("pages_processed"):
        found["pages"] = Decimal(pages)
    return {unit: number for unit, number in found.items() if number}


def _cost(answer: Fields, usage: Fields, settings: Settings) -> Decimal | None:
    """The stated cost in dollars: where the key's settings say, else usage.cost, else xAI's ticks."""
    path = _of_usage(settings, "cost")
    if path:
        holder, field = _follow(answer, path)
        amount, unit = holder.money(field), _of_usage(settings, "costUnit") or "usd"
    elif isinstance(usage.raw.get("cost"), Mapping):
        amount, unit = usage.child("cost").money("total_cost"), (usage.child("cost").text("currency") or "usd").lower()
    elif usage.has("cost"):
        amount, unit = usage.money("cost"), "usd"
    else:
        amount, unit = usage.money("cost_in_usd_ticks"), "ticks"
    if amount is None:
        return None
    # OpenRouter with the customer's own key at the vendor: `cost` is its fee, and the vendor is paid besides.
    details = usage.child("cost_details")
    if not path and usage.raw.get("is_byok") is not False and details.has("upstream_inference_cost"):
        amount += details.money("upstream_inference_cost") or 0
    if unit not in _UNITS:
        answer.doubt(f"its cost is stated in {unit[:20]}, not in dollars, and is left out")
        return None
    return in_dollars(answer, amount.scaleb(-_UNITS[unit]))


def _of_usage(settings: Settings, name: str) -> str:
    told: object = settings.get("usage")
    value: object = cast("Mapping[str, object]", told).get(name) if isinstance(told, Mapping) else None
    return value if isinstance(value, str) else ""


def _follow(answer: Fields, path: str) -> tuple[Fields, str]:
    """The object that holds the field of a dotted path, and the field's name."""
    *parents, field = path.split(".")
    for parent in parents:
        answer = answer.child(parent)
    return answer, field
