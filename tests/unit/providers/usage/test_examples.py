"""Every example answer of every vendor: what it states, and that its disjoint parts add up to its own total."""

from decimal import Decimal
from typing import Any

import pytest

from guardian.models.enums import Provider
from guardian.providers.usage import read_usage
from guardian.providers.usage.streams import merged
from guardian.records import UsageCounts
from tests.unit.providers.usage.make import events, example, stated

OPENAI, ANTHROPIC, GOOGLE = Provider.OPENAI, Provider.ANTHROPIC, Provider.GOOGLE
XAI, PERPLEXITY, CUSTOM = Provider.XAI, Provider.PERPLEXITY, Provider.CUSTOM

GEMINI = UsageCounts(
    input_tokens=1007,
    output_tokens=50,
    cache_read_tokens=400,
    image_input_tokens=100,
    reasoning_tokens=30,
)
GROK = UsageCounts(input_tokens=199, output_tokens=173, cache_read_tokens=163, reasoning_tokens=164)
AGENT = UsageCounts(input_tokens=1523, output_tokens=210, units={"web_search_requests": Decimal(2)})

BODIES = [
    (OPENAI, "chat", "openai/chat_completion.json", UsageCounts(input_tokens=19, output_tokens=10)),
    (OPENAI, "responses", "openai/response.json", UsageCounts(input_tokens=36, output_tokens=87)),
    (OPENAI, "embeddings", "openai/embeddings.json", UsageCounts(input_tokens=8)),
    (
        OPENAI,
        "images",
        "openai/images_generation.json",
        UsageCounts(input_tokens=50, output_tokens=50, image_input_tokens=40, image_output_tokens=50),
    ),
    *(
        (
            OPENAI,
            "transcription",
            f"openai/audio_transcription{name}.json",
            UsageCounts(input_tokens=14, output_tokens=45, audio_input_tokens=14),
        )
        for name in ("", "_usage_tokens")
    ),
    (
        OPENAI,
        "transcription",
        "openai/audio_transcription_usage_duration.json",
        UsageCounts(units={"seconds": Decimal("12.4")}),
    ),
    (
        ANTHROPIC,
        "messages",
        "anthropic/message.json",
        UsageCounts(
            input_tokens=1627,
            output_tokens=97,
            cache_read_tokens=1000,
            cache_write_5m_tokens=100,
            cache_write_1h_tokens=23,
            reasoning_tokens=40,
            units={"web_search_requests": Decimal(1)},
        ),
    ),
    (GOOGLE, "generate_content", "google/generate_content.json", GEMINI),
    (GOOGLE, "generate_content", "google/generate_content_vertex.json", GEMINI),
    (GOOGLE, "embed_content", "google/embed_content.json", UsageCounts(input_tokens=8)),
    (
        GOOGLE,
        "interactions",
        "google/interaction.json",
        UsageCounts(
            **{name: getattr(GEMINI, name) for name in GEMINI.__slots__ if name != "units"},
            units={"web_search_requests": Decimal(2)},
        ),
    ),
    (XAI, "chat", "xai/chat_completion.json", GROK),
    (
        XAI,
        "responses",
        "xai/response.json",
        UsageCounts(
            **{name: getattr(GROK, name) for name in GROK.__slots__ if name != "units"},
            units={"server_side_tool_requests": Decimal(2)},
        ),
    ),
    (PERPLEXITY, "responses", "perplexity/agent_response.json", AGENT),
    (PERPLEXITY, "embeddings", "perplexity/embeddings.json", UsageCounts(input_tokens=8)),
    (PERPLEXITY, "search", "perplexity/search.json", UsageCounts()),
    (
        PERPLEXITY,
        "sonar",
        "perplexity/sonar_chat_completion_retired.json",
        UsageCounts(input_tokens=14, output_tokens=300),
    ),
    (
        CUSTOM,
        "chat",
        "openai_compatible/deepseek_chat.json",
        UsageCounts(input_tokens=1100, output_tokens=20, cache_read_tokens=1024),
    ),
    (CUSTOM, "chat", "openai_compatible/mistral_chat.json", UsageCounts(input_tokens=16, output_tokens=34)),
    (
        CUSTOM,
        "chat",
        "openai_compatible/openrouter_chat_final_chunk.json",
        UsageCounts(input_tokens=194, output_tokens=2, cache_write_30m_tokens=100),
    ),
    (
        CUSTOM,
        "ollama",
        "openai_compatible/ollama_native_chat_last_line.json",
        UsageCounts(input_tokens=26, output_tokens=282),
    ),
]

STREAMS = [
    (OPENAI, "chat", "openai/chat_completion_stream_include_usage.sse"),
    (OPENAI, "responses", "openai/responses_stream.sse"),
    (ANTHROPIC, "messages", "anthropic/message_stream.sse"),
    (GOOGLE, "generate_content", "google/stream_generate_content.sse"),
    (GOOGLE, "interactions", "google/interaction_stream.sse"),
    (XAI, "chat", "xai/chat_completion_stream.sse"),
    (PERPLEXITY, "responses", "perplexity/agent_response_stream.sse"),
    (CUSTOM, "chat", "openai_compatible/azure_stream.sse"),
    (CUSTOM, "chat", "openai_compatible/vllm_stream_continuous_usage.sse"),
]


@pytest.mark.parametrize(("provider", "flavour", "path", "counts"), BODIES, ids=str)
def test_an_example_states_these_counts(provider: Provider, flavour: str, path: str, counts: UsageCounts) -> None:
    body = example(path)
    found = stated(provider, flavour, body)
    assert found.counts == counts
    assert found.doubts == ()
    assert found.requests == 1
    total = stated_total(body)
    assert total is None or total == counts.total_tokens


@pytest.mark.parametrize(("provider", "flavour", "path"), STREAMS, ids=str)
def test_the_parts_of_a_stream_add_up_to_its_last_total(provider: Provider, flavour: str, path: str) -> None:
    body = merged(provider, flavour, events(path))
    found = stated(provider, flavour, body)
    assert found.doubts == ()
    assert found.model or flavour == "interactions"  # that example names none
    total = stated_total(body)
    assert total == found.counts.total_tokens or (provider is ANTHROPIC and total is None)
    assert found.counts.output_tokens > 0


def stated_total(body: dict[str, Any]) -> int | None:
    """The sum that the vendor itself states, whatever it calls it."""
    usage = body.get("usage") or body.get("usageMetadata") or {}
    return next((usage[name] for name in ("total_tokens", "totalTokenCount") if usage.get(name) is not None), None)


def test_a_stream_tells_what_its_whole_answer_tells() -> None:
    stream = merged(GOOGLE, "generate_content", events("google/stream_generate_content.sse"))
    assert stated(GOOGLE, "generate_content", stream).counts == GEMINI
    stream = merged(XAI, "chat", events("xai/chat_completion_stream.sse"))
    assert stated(XAI, "chat", stream).counts == GROK
    stream = merged(PERPLEXITY, "responses", events("perplexity/agent_response_stream.sse"))
    assert stated(PERPLEXITY, "responses", stream).counts == AGENT
    # The docs' example: 2,679 tokens at the start, 10,682 with what the search brought.
    stream = merged(ANTHROPIC, "messages", events("anthropic/message_stream.sse"))
    found = stated(ANTHROPIC, "messages", stream)
    assert (found.counts.input_tokens, found.counts.output_tokens) == (10_682, 510)
    assert found.counts.units == {"web_search_requests": Decimal(1)}
    assert (found.model, found.response_id) == ("claude-opus-5", "msg_01G")
    # Running totals on every chunk: 0, 1, then 2 tokens of output are 2.
    stream = merged(CUSTOM, "chat", events("openai_compatible/vllm_stream_continuous_usage.sse"))
    assert stated(CUSTOM, "chat", stream).counts == UsageCounts(input_tokens=20, output_tokens=2)


def test_a_stream_that_was_not_asked_for_usage_states_none() -> None:
    body = merged(OPENAI, "chat", events("openai/chat_completion_stream_no_usage.sse"))
    assert read_usage(OPENAI, "chat", body) is None


@pytest.mark.parametrize(
    ("provider", "flavour", "path", "dollars"),
    [
        # 5,101,000 ticks of a ten-billionth
        (XAI, "chat", "xai/chat_completion.json", "0.0005101"),
        (XAI, "responses", "xai/response.json", "0.0105101"),
        (PERPLEXITY, "responses", "perplexity/agent_response.json", "0.00590575"),
        (PERPLEXITY, "embeddings", "perplexity/embeddings.json", "0.00000024"),
        (PERPLEXITY, "sonar", "perplexity/sonar_chat_completion_retired.json", "0.010542"),
        # the customer's own key: OpenRouter's fee of 0.95 and the 19 that the vendor is paid
        (CUSTOM, "chat", "openai_compatible/openrouter_chat_final_chunk.json", "19.95"),
    ],
)
def test_the_vendors_own_price_in_dollars(provider: Provider, flavour: str, path: str, dollars: str) -> None:
    assert stated(provider, flavour, example(path)).provider_cost == Decimal(dollars)


def test_names_and_dimensions_are_the_answers() -> None:
    message = stated(ANTHROPIC, "messages", example("anthropic/message.json"))
    assert (message.model, message.service_tier) == ("claude-opus-5-5", "standard")
    assert message.dimensions == {"inference_geo": "global", "speed": "standard"}
    assert stated(OPENAI, "chat", example("openai/chat_completion.json")).service_tier == "default"
    vertex = stated(GOOGLE, "generate_content", example("google/generate_content_vertex.json"))
    assert (vertex.model, vertex.response_id, vertex.service_tier) == ("gemini-3.8-flash", "abc123", "standard")
    sonar = stated(PERPLEXITY, "sonar", example("perplexity/sonar_chat_completion_retired.json"))
    assert sonar.dimensions == {"search_context_size": "low"}
    azure = stated(CUSTOM, "chat", merged(CUSTOM, "chat", events("openai_compatible/azure_stream.sse")))
    assert (azure.model, azure.response_id) == ("gpt-6-sol", "chatcmpl-abc")
