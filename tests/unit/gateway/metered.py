"""One answer through the meter, and the same by a full parse of all of it."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from guardian.gateway.bodies import Wanted
from guardian.gateway.metering import Meter, Metered
from guardian.gateway.paths import Asked, resolve
from guardian.gateway.sse import SseEvents
from guardian.providers.usage import record_of
from guardian.providers.usage.streams import merged
from tests.fakes.reporting import EXAMPLES

AT = datetime(2026, 11, 23, tzinfo=UTC)
SSE = [(b"Content-Type", b"text/event-stream; charset=utf-8")]
JSON = [(b"content-type", b"application/json")]
OPENAI, ANTHROPIC = "/openai/v1/chat/completions", "/anthropic/v1/messages"
GOOGLE = "/google/v1beta/models/gemini-3.8-flash:streamGenerateContent"
STREAMS = {
    "openai/chat_completion_stream_include_usage.sse": OPENAI,
    "openai/responses_stream.sse": "/openai/v1/responses",
    "anthropic/message_stream.sse": ANTHROPIC,
    "google/stream_generate_content.sse": GOOGLE + "?alt=sse",
    "google/interaction_stream.sse": "/google/v1beta/interactions",
    "xai/chat_completion_stream.sse": "/xai/v1/chat/completions",
    "perplexity/agent_response_stream.sse": "/perplexity/v1/responses",
    "openai_compatible/azure_stream.sse": "/custom/azure/v1/chat/completions",
    "openai_compatible/vllm_stream_continuous_usage.sse": "/custom/vllm/v1/chat/completions",
}
UNFINISHED = {"openai/chat_completion_stream_no_usage.sse": OPENAI, "anthropic/message_stream_error.sse": ANTHROPIC}
BODIES = {
    "openai/chat_completion.json": OPENAI,
    "openai/response.json": "/openai/v1/responses",
    "openai/embeddings.json": "/openai/v1/embeddings",
    "openai/images_generation.json": "/openai/v1/images/generations",
    "openai/audio_transcription_usage_tokens.json": "/openai/v1/audio/transcriptions",
    "openai/audio_transcription_usage_duration.json": "/openai/v1/audio/transcriptions",
    "anthropic/message.json": ANTHROPIC,
    "google/generate_content.json": "/google/v1beta/models/gemini-3.8-flash:generateContent",
    "google/generate_content_vertex.json": "/google/v1beta/models/gemini-3.8-flash:generateContent",
    "google/embed_content.json": "/google/v1beta/models/embed:embedContent",
    "google/interaction.json": "/google/v1beta/interactions",
    "xai/chat_completion.json": "/xai/v1/chat/completions",
    "xai/response.json": "/xai/v1/responses",
    "perplexity/agent_response.json": "/perplexity/v1/responses",
    "perplexity/embeddings.json": "/perplexity/v1/embeddings",
    "perplexity/search.json": "/perplexity/search",
    "perplexity/sonar_chat_completion_retired.json": "/perplexity/chat/completions",
    "openai_compatible/deepseek_chat.json": "/custom/deepseek/v1/chat/completions",
    "openai_compatible/mistral_chat.json": "/custom/mistral/v1/chat/completions",
    "openai_compatible/openrouter_chat_final_chunk.json": "/custom/openrouter/v1/chat/completions",
    "openai_compatible/ollama_native_chat_last_line.json": "/custom/ollama/v1/api/chat",
}


def asked(path: str, method: str = "POST") -> Asked:
    target, _, query = path.partition("?")
    found = resolve(method, target.encode(), query.encode())
    assert found is not None
    return found


def example(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


def through(
    path: str,
    chunks: Iterable[bytes],
    headers: list[tuple[bytes, bytes]] = SSE,
    status: int = 200,
    *,
    method: str = "POST",
    wanted: Wanted | None = None,
    cut: bool = False,
    error: str | None = None,
    **more: Any,
) -> tuple[Metered, bytes]:
    meter = Meter(
        asked(path, method), wanted or Wanted("asked-for", True, input_estimate=77), AT, status, headers, **more
    )
    passed = b"".join(meter.feed(chunk) for chunk in chunks) + meter.rest()
    return meter.finish(cut=cut, error=error), passed


def by_full_parse(path: str, body: bytes, **more: Any) -> Any:
    found = asked(path)
    assert found.endpoint is not None
    if body.startswith((b"{", b"[")):
        answer = json.loads(body, parse_float=Decimal)
    else:
        splitter = SseEvents()
        datas = [event.data for event in [*splitter.feed(body), *splitter.end()] if event.data.startswith(b"{")]
        events = [json.loads(data, parse_float=Decimal) for data in datas]
        answer = merged(found.provider, found.endpoint.flavour, events)
    operation, flavour = found.endpoint.operation, found.endpoint.flavour
    return record_of(found.provider, operation, flavour, answer, asked_model="asked-for", at=AT, **more)
