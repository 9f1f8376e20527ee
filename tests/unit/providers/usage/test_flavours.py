"""What each vendor's dialect means, one rule at a time: what is inside of what, and what is billed besides tokens."""

from decimal import Decimal
from typing import Any

import pytest

from guardian.models.enums import Provider
from guardian.providers.usage.streams import merged
from guardian.records import UsageCounts
from tests.unit.providers.usage.make import stated, units

OPENAI, ANTHROPIC, GOOGLE = Provider.OPENAI, Provider.ANTHROPIC, Provider.GOOGLE
XAI, PERPLEXITY = Provider.XAI, Provider.PERPLEXITY


def test_openai_realtime_tells_what_was_cached_of_each_kind() -> None:
    usage = {
        "total_tokens": 253,
        "input_tokens": 132,
        "output_tokens": 121,
        "input_token_details": {
            "text_tokens": 119,
            "audio_tokens": 13,
            "cached_tokens": 64,
            "cached_tokens_details": {"text_tokens": 60, "audio_tokens": 4},
        },
        "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
    }
    for body in ({"response": {"id": "r", "usage": usage}}, {"id": "r", "usage": usage}):
        found = stated(OPENAI, "realtime", body)
        assert found.counts == UsageCounts(
            input_tokens=132,
            output_tokens=121,
            cache_read_tokens=64,
            cache_read_audio_tokens=4,
            audio_input_tokens=9,
            audio_output_tokens=91,
        )
        assert (found.response_id, found.doubts) == ("r", ())


def test_openai_speech_is_audio_and_live_seconds_are_a_total() -> None:
    body = {"type": "speech.audio.done", "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}}
    counts = stated(OPENAI, "speech", body).counts
    assert counts == UsageCounts(input_tokens=14, output_tokens=101, audio_output_tokens=101)
    assert stated(OPENAI, "realtime", {"usage": {"seconds": Decimal("9.5")}}).counts.units == units(seconds="9.5")


def test_openai_pictures_without_usage_are_counted_and_other_billing_is_told() -> None:
    assert stated(OPENAI, "images", {"data": [{"url": "u"}, {"url": "v"}]}).counts.units == units(images=2)
    body = {"usage": {"input_tokens": 5, "output_tokens": 0}, "svg_usage": {"model": "m", "output_tokens": 9}}
    assert "svg_usage" in stated(OPENAI, "images", body).doubts[0]


def test_openai_a_chat_that_cites_pages_has_searched_and_does_not_say_how_often() -> None:
    note = {"type": "url_citation", "url_citation": {"url": "u"}}
    body = {"usage": {"prompt_tokens": 1, "completion_tokens": 1}, "choices": [{"message": {"annotations": [note]}}]}
    assert "billed searches" in stated(OPENAI, "chat", body).doubts[0]


def test_anthropic_adds_compaction_and_takes_the_lifetimes_of_the_cache() -> None:
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 5,
        "iterations": [
            {"type": "message", "input_tokens": 10, "output_tokens": 5},
            {"type": "compaction", "input_tokens": 100, "output_tokens": 50},
        ],
    }
    found = stated(ANTHROPIC, "messages", {"usage": usage})
    assert found.counts == UsageCounts(
        input_tokens=140, output_tokens=55, cache_write_5m_tokens=10, cache_write_1h_tokens=20
    )
    usage["cache_creation_input_tokens"] = 40
    found = stated(ANTHROPIC, "messages", {"usage": usage})
    assert (found.counts.cache_write_5m_tokens, found.counts.cache_write_1h_tokens) == (20, 20)
    assert "cache_creation_input_tokens is 40, but its parts add up to 30" in found.doubts[0]


def test_anthropic_counts_no_code_execution_but_says_so() -> None:
    usage = {"input_tokens": 1, "output_tokens": 1, "server_tool_use": {"code_execution_requests": 2}}
    found = stated(ANTHROPIC, "messages", {"usage": usage})
    assert found.counts.units == {}
    assert "code execution" in found.doubts[0]


def test_anthropic_last_value_that_is_not_null_wins() -> None:
    started = {
        "model": "claude-opus-5-5",
        "usage": {"input_tokens": 100, "output_tokens": 1, "service_tier": "standard", "inference_geo": "us"},
    }
    deltas = [
        {"type": "message_delta", "usage": {"input_tokens": 80, "cache_read_input_tokens": 20, "output_tokens": 7}},
        {"type": "ping"},
        {"type": "message_delta", "usage": {"input_tokens": None, "output_tokens": 9}},
    ]
    body = merged(ANTHROPIC, "messages", [{"type": "message_start", "message": started}, *deltas])
    found = stated(ANTHROPIC, "messages", body)
    assert found.counts == UsageCounts(input_tokens=100, output_tokens=9, cache_read_tokens=20)
    assert (found.service_tier, found.dimensions) == ("standard", {"inference_geo": "us"})


def google(model: str, candidates: list[dict[str, Any]], **usage: Any) -> dict[str, Any]:
    return {"modelVersion": model, "candidates": candidates, "usageMetadata": {"promptTokenCount": 10, **usage}}


SEARCHED = [{"groundingMetadata": {"webSearchQueries": ["a", "b", "c"]}}]
MAPPED = [{"groundingMetadata": {"groundingChunks": [{"maps": {"uri": "u"}}, {"web": {"uri": "v"}}]}}]


@pytest.mark.parametrize(
    ("model", "candidates", "expected"),
    [
        # up to 2.5 per prompt, from 3 on per query
        ("gemini-2.5-pro", SEARCHED, units(web_search_requests=1)),
        ("gemini-live-2.5-flash", SEARCHED, units(web_search_requests=1)),
        ("gemini-3.8-flash", SEARCHED, units(web_search_requests=3)),
        ("gemini-nano-banana-2.1", SEARCHED, units(web_search_requests=3)),
        ("gemini-3.8-flash", SEARCHED * 2, units(web_search_requests=6)),
        ("gemini-2.5-pro", MAPPED, units(maps_grounding_requests=1)),
        ("gemini-2.5-pro", [{"groundingMetadata": {}}], {}),
    ],
)
def test_google_grounding_is_counted_as_it_is_billed(
    model: str, candidates: list[dict[str, Any]], expected: dict[str, Decimal]
) -> None:
    assert stated(GOOGLE, "generate_content", google(model, candidates)).counts.units == expected


def test_google_kinds_of_input_and_output_with_and_without_the_cache() -> None:
    body = google(
        "gemini-2.5-flash",
        [],
        promptTokenCount=1000,
        cachedContentTokenCount=300,
        candidatesTokenCount=70,
        toolUsePromptTokenCount=50,
        totalTokenCount=1120,
        promptTokensDetails=[
            {"modality": "TEXT", "tokenCount": 400},
            {"modality": "AUDIO", "tokenCount": 500},
            {"modality": "VIDEO", "tokenCount": 100},
        ],
        cacheTokensDetails=[{"modality": "AUDIO", "tokenCount": 200}, {"modality": "VIDEO", "tokenCount": 100}],
        toolUsePromptTokensDetails=[{"modality": "IMAGE", "tokenCount": 50}],
        candidatesTokensDetails=[{"modality": "IMAGE", "tokenCount": 40}, {"modality": "TEXT", "tokenCount": 30}],
    )
    found = stated(GOOGLE, "generate_content", body)
    assert found.counts == UsageCounts(
        input_tokens=1050,
        output_tokens=70,
        cache_read_tokens=300,
        cache_read_audio_tokens=200,
        audio_input_tokens=300,
        image_input_tokens=50,
        image_output_tokens=40,
    )
    assert found.doubts == ()
    del body["usageMetadata"]["cacheTokensDetails"]
    assert "which of the cached tokens" in stated(GOOGLE, "generate_content", body).doubts[0]


@pytest.mark.parametrize(
    ("traffic", "tier"),
    [
        ("ON_DEMAND", "standard"),
        ("ON_DEMAND_PRIORITY", "priority"),
        ("ON_DEMAND_FLEX", "flex"),
        ("PROVISIONED_THROUGHPUT", "provisioned_throughput"),
    ],
)
def test_google_vertex_names_the_tier(traffic: str, tier: str) -> None:
    assert stated(GOOGLE, "generate_content", google("m", [], trafficType=traffic)).service_tier == tier


def test_google_predictions() -> None:
    pictures = {"predictions": [{"bytesBase64Encoded": "…"}, {"bytesBase64Encoded": "…"}]}
    assert stated(GOOGLE, "predict", pictures).counts.units == units(images=2)
    vectors = {"predictions": [{"embeddings": {"statistics": {"token_count": 4}}}] * 2}
    assert stated(GOOGLE, "predict", vectors).counts == UsageCounts(input_tokens=8)
    video = {"done": True, "response": {"generateVideoResponse": {"generatedSamples": [{"video": {}}]}}}
    assert stated(GOOGLE, "predict", video).counts.units == units(videos=1)


def xai(total: int | None, reasoning: int, **usage: Any) -> dict[str, Any]:
    details = {"reasoning_tokens": reasoning}
    sums = {"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": total, "completion_tokens_details": details}
    return {"usage": {**sums, **usage}}


@pytest.mark.parametrize(("total", "reasoning", "output"), [(24, 5, 14), (None, 5, 14), (19, 5, 9), (19, 0, 9)])
def test_xai_reasoning_is_outside_of_the_completion_unless_the_total_says_otherwise(
    total: int | None, reasoning: int, output: int
) -> None:
    found = stated(XAI, "chat", xai(total, reasoning))
    assert (found.counts.output_tokens, found.counts.reasoning_tokens, found.doubts) == (output, reasoning, ())


def test_xai_tools_by_their_details_their_items_or_their_number() -> None:
    calls = {"web_search_calls": 2, "x_search_calls": 1, "mcp_calls": 0, "code_interpreter_calls": 3}
    found = stated(XAI, "chat", xai(24, 5, server_side_tool_usage_details=calls))
    assert found.counts.units == units(web_search_requests=2, x_search_requests=1, code_execution_requests=3)
    usage = {"input_tokens": 1, "output_tokens": 1, "num_server_side_tools_used": 2}
    items = [{"type": "web_search_call"}, {"type": "x_search_call"}, {"type": "message"}]
    body = {"output": items, "usage": usage}
    assert stated(XAI, "responses", body).counts.units == units(web_search_requests=1, x_search_requests=1)
    assert stated(XAI, "responses", {"usage": usage}).counts.units == units(server_side_tool_requests=2)


def test_xai_pictures_with_their_price() -> None:
    found = stated(XAI, "images", {"data": [{}, {}], "usage": {"cost_in_usd_ticks": 1_400_000_000}})
    assert (found.counts.units, found.provider_cost) == (units(images=2), Decimal("0.14"))


def test_perplexity_deep_research_bills_reasoning_and_citations_apart() -> None:
    usage = {
        "prompt_tokens": 33,
        "completion_tokens": 7163,
        "total_tokens": 7196,
        "citation_tokens": 20016,
        "num_search_queries": 28,
        "reasoning_tokens": 95305,
    }
    found = stated(PERPLEXITY, "sonar", {"model": "sonar-deep-research", "usage": usage})
    assert (found.counts.output_tokens, found.counts.reasoning_tokens) == (102_468, 95_305)
    assert found.counts.units == units(citation_tokens=20016, web_search_requests=28)
    assert found.doubts == ()
    # the others pay per request, not per query
    found = stated(PERPLEXITY, "sonar", {"model": "sonar-pro", "usage": {**usage, "citation_tokens": None}})
    assert found.counts.units == {}


def test_perplexity_tools_and_cache() -> None:
    usage = {
        "input_tokens": 100,
        "output_tokens": 9,
        "input_tokens_details": {"cache_read_input_tokens": 60, "cache_creation_input_tokens": 30},
        "tool_calls_details": {"search_web": {"invocation": 2}, "fetch_url": {"invocation": 1}, "people_search": None},
    }
    found = stated(PERPLEXITY, "responses", {"usage": usage})
    assert found.counts == UsageCounts(
        input_tokens=100,
        output_tokens=9,
        cache_read_tokens=60,
        cache_write_5m_tokens=30,
        units=units(web_search_requests=2, url_fetch_requests=1),
    )
