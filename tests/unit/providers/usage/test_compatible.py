"""CUSTOM keys: the order of look-ups that finds the usage of any dialect, and the key's settings that overrule it."""

from decimal import Decimal
from typing import Any

import pytest

from guardian.models.enums import Provider
from guardian.providers.usage import read_usage
from guardian.providers.usage.streams import merged
from guardian.records import UsageCounts
from tests.unit.providers.usage.make import stated, units

CUSTOM = Provider.CUSTOM

CHAT = {"prompt_tokens": 10, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 5}}


@pytest.mark.parametrize(
    ("usage", "settings", "output"),
    [
        # inside, as most servers have it; outside where only so the total fits; or as the key says
        ({**CHAT, "total_tokens": 19}, {}, 9),
        ({**CHAT, "total_tokens": 24}, {}, 14),
        (CHAT, {}, 9),
        (CHAT, {"usage": {"reasoning": "outside"}}, 14),
        ({**CHAT, "total_tokens": 19}, {"usage": {"reasoning": "inside"}}, 9),
    ],
)
def test_reasoning_inside_or_outside(usage: dict[str, Any], settings: dict[str, Any], output: int) -> None:
    found = stated(CUSTOM, "chat", {"usage": usage}, settings)
    assert (found.counts.output_tokens, found.counts.reasoning_tokens, found.doubts) == (output, 5, ())


def test_settings_say_where_cost_and_cache_are() -> None:
    body = {"billing": {"charged": 125}, "usage": {"prompt_tokens": 10, "completion_tokens": 9, "reused": 4}}
    settings = {"usage": {"cost": "billing.charged", "costUnit": "cents", "cached": "usage.reused"}}
    found = stated(CUSTOM, "chat", body, settings)
    assert (found.provider_cost, found.counts.cache_read_tokens, found.doubts) == (Decimal("1.25"), 4, ())
    settings["usage"]["costUnit"] = "pesos"
    found = stated(CUSTOM, "chat", body, settings)
    assert found.provider_cost is None
    assert "pesos" in found.doubts[0]


@pytest.mark.parametrize(
    "body",
    [
        {"usage": {"input_tokens": 10, "output_tokens": 9}},
        {"usage": {"input_tokens": 6, "cache_read_input_tokens": 4, "output_tokens": 9}},
        {"choices": [{"usage": {"prompt_tokens": 10, "completion_tokens": 9}}]},
        {"x_groq": {"usage": {"prompt_tokens": 10, "completion_tokens": 9}}},
        {"prompt_eval_count": 10, "eval_count": 9, "done": True},
        {"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 4, "thoughtsTokenCount": 5}},
    ],
)
def test_finds_the_usage_of_any_dialect(body: dict[str, Any]) -> None:
    counts = stated(CUSTOM, "chat", body).counts
    assert (counts.input_tokens, counts.output_tokens) == (10, 9)


def test_openrouter_pays_the_vendor_only_with_the_customers_own_key() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": Decimal("0.5")}
    upstream = {"cost_details": {"upstream_inference_cost": Decimal("0.4")}}
    assert stated(CUSTOM, "chat", {"usage": {**usage, **upstream, "is_byok": False}}).provider_cost == Decimal("0.5")
    assert stated(CUSTOM, "chat", {"usage": {**usage, **upstream, "is_byok": True}}).provider_cost == Decimal("0.9")


def test_ollama_streams_and_cached_prompts() -> None:
    lines = [{"model": "llama3.2", "done": False}, {"model": "llama3.2", "done": True, "eval_count": 7}]
    found = stated(CUSTOM, "ollama", merged(CUSTOM, "ollama", lines))
    assert found.counts == UsageCounts(output_tokens=7)
    assert "prompt_eval_count is missing" in found.doubts[0]
    assert read_usage(CUSTOM, "ollama", lines[0]) is None


def test_an_empty_usage_at_the_end_of_a_stream_takes_nothing_back() -> None:
    last: tuple[dict[str, Any], ...] = ({"usage": {}}, {"usage": {"total_tokens": None}}, {"usage": None}, {})
    for closing in last:
        chunks = [{"model": "llama", "usage": {"prompt_tokens": 10, "completion_tokens": 1}}, closing]
        assert stated(CUSTOM, "chat", merged(CUSTOM, "chat", chunks)).counts.total_tokens == 11
    chunks = [{"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 1}}, {"usageMetadata": {}}]
    assert stated(Provider.GOOGLE, "generate_content", merged(Provider.GOOGLE, "generate_content", chunks)).counts == (
        UsageCounts(input_tokens=10, output_tokens=1)
    )
    events = [{"response": {"usage": {"input_tokens": 3, "output_tokens": 4}}}, {"response": {"usage": {}}}]
    assert stated(CUSTOM, "responses", merged(CUSTOM, "responses", events)).counts.total_tokens == 7


def test_mistral_audio_and_pages() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "prompt_audio_seconds": 12}
    assert stated(CUSTOM, "chat", {"usage": usage}).counts.units == units(seconds=12)
    assert stated(CUSTOM, "chat", {"usage": {**usage, "prompt_audio_seconds": {}}}).counts.units == {}
    body = {"usage_info": {"pages_processed": 3}, "usage": {"prompt_tokens": 1, "completion_tokens": 0}}
    assert stated(CUSTOM, "chat", body).counts.units == units(pages=3)


def test_messages_with_a_cost() -> None:
    body = {"model": "kimi", "usage": {"input_tokens": 6, "output_tokens": 2, "cost": Decimal("0.01")}}
    found = stated(CUSTOM, "messages", body)
    assert (found.model, found.counts.input_tokens, found.provider_cost) == ("kimi", 6, Decimal("0.01"))


def test_the_vendors_own_routes_in_other_dialects() -> None:
    """Google's thoughts are what its total has beyond the rest; xAI states its ticks in Anthropic's shape as well."""
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 19}
    found = stated(Provider.GOOGLE, "chat", {"model": "gemini-2.5-flash", "usage": usage})
    assert (found.counts.output_tokens, found.counts.reasoning_tokens, found.doubts) == (9, 5, ())
    found = stated(Provider.GOOGLE, "chat", {"usage": {**usage, "total_tokens": 14}})
    assert (found.counts.output_tokens, found.doubts) == (4, ())
    usage = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 4, "cost_in_usd_ticks": 10**9}
    found = stated(Provider.XAI, "messages", {"usage": usage})
    assert (found.counts.input_tokens, found.provider_cost) == (15, Decimal("0.1"))
    found = stated(Provider.ANTHROPIC, "chat", {"usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    assert found.counts == UsageCounts(input_tokens=3, output_tokens=2)
