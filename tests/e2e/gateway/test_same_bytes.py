"""Every endpoint through the gateway: the bytes of the provider, and a row that says what they cost."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.e2e.gateway.stage import Stage
from tests.fakes.inference import KEYS

MESSAGES = [{"role": "user", "content": "Grüße, 世界!"}]
CONTENTS = [{"role": "user", "parts": [{"text": "Hello"}]}]
FILE = ("speech.mp3", b"\xff\xfb" * 2_000, "audio/mpeg")
# What the fake sends of its own accord, and the gateway too.
OWN = {"x-guardian-request-id", "x-guardian-cost-usd", "date", "server", "connection", "transfer-encoding"}


@dataclass(frozen=True)
class Case:
    """A request below a vendor's base URL; `row` is the ledger's word for the operation, None for no row."""

    vendor: str
    path: str
    row: str | None
    body: dict[str, Any] | None = None
    files: dict[str, Any] | None = None
    method: str = "POST"

    def __str__(self) -> str:
        streamed = "-stream" if self.body and self.body.get("stream") else ""
        return f"{self.vendor}{self.path.replace('/', '-')}{streamed}"


def chat(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": MESSAGES, **more}


MINI, SONNET, FLASH, GROK, SONAR = "gpt-5.4-mini", "claude-sonnet-4-6", "gemini-2.5-flash", "grok-4.3", "sonar"
EMBED = {"model": "text-embedding-3-small", "input": "Hello"}
CASES = [
    Case("openai", "/chat/completions", "completion", chat(MINI)),
    Case("openai", "/chat/completions", "completion", chat(MINI, stream=True)),
    Case("openai", "/chat/completions", "completion", chat(MINI, stream=True, stream_options={"include_usage": True})),
    Case("openai", "/responses", "completion", {"model": MINI, "input": "Hello"}),
    Case("openai", "/responses", "completion", {"model": MINI, "input": "Hello", "stream": True}),
    Case("openai", "/embeddings", "embedding", EMBED),
    Case("openai", "/images/generations", "image", {"model": "gpt-image-1", "prompt": "A cat"}),
    Case("openai", "/images/edits", "image", {"model": "gpt-image-1", "prompt": "A dog"}, {"image": FILE}),
    Case("openai", "/audio/transcriptions", "transcription", {"model": "gpt-4o-mini-transcribe"}, {"file": FILE}),
    Case("openai", "/audio/translations", "translation", {"model": "gpt-4o-mini-transcribe"}, {"file": FILE}),
    Case("openai", "/audio/speech", "speech", {"model": "tts-1", "input": "Hello", "voice": "alloy"}),
    Case("openai", "/moderations", "moderation", {"model": "omni-moderation-latest", "input": "Hello"}),
    Case("openai", "/batches", None, {"input_file_id": "file-1"}),
    Case("openai", "/batches/batch_7", None, method="GET"),
    Case("openai", "/models?limit=2", None, method="GET"),
    Case("openai", "/nothing/that/is/known", None, {"a": 1}),
    Case("anthropic", "/v1/messages", "message", chat(SONNET, max_tokens=50)),
    Case("anthropic", "/v1/messages", "message", chat(SONNET, max_tokens=50, stream=True)),
    Case("anthropic", "/v1/messages?beta=true", "message", chat(SONNET, max_tokens=50)),
    Case("anthropic", "/v1/messages/count_tokens", None, chat(SONNET)),
    Case("anthropic", "/v1/messages/batches", None, {"requests": []}),
    Case("google", f"/v1beta/models/{FLASH}:generateContent", "generate_content", {"contents": CONTENTS}),
    Case("google", f"/v1beta/models/{FLASH}:streamGenerateContent?alt=sse", "generate_content", {"contents": CONTENTS}),
    Case("google", f"/v1beta/models/{FLASH}:streamGenerateContent", "generate_content", {"contents": CONTENTS}),
    Case("google", "/v1beta/models/gemini-embedding-001:embedContent", "embedding", {"content": CONTENTS[0]}),
    Case("google", f"/v1beta/models/{FLASH}:countTokens", None, {"contents": CONTENTS}),
    Case("google", "/v1beta/interactions", "interaction", {"model": FLASH, "input": "Hello"}),
    Case("google", "/v1beta/interactions", "interaction", {"model": FLASH, "input": "Hello", "stream": True}),
    Case("xai", "/chat/completions", "completion", chat(GROK)),
    Case("xai", "/chat/completions", "completion", chat(GROK, stream=True)),
    Case("xai", "/responses", "completion", {"model": GROK, "input": "Hello"}),
    Case("perplexity", "/v1/responses", "completion", {"model": SONAR, "input": "Hello"}),
    Case("perplexity", "/v1/responses", "completion", {"model": SONAR, "input": "Hello", "stream": True}),
    Case("perplexity", "/search", "web_search", {"query": "Hello"}),
    Case("custom", "/chat/completions", "completion", chat("llama-4")),
    Case("custom", "/chat/completions", "completion", chat("llama-4", stream=True)),
]
AUTH = {"anthropic": "x-api-key", "google": "x-goog-api-key"}


def ask(base: str, case: Case, key: str, **headers: str) -> httpx.Response:
    name = AUTH.get(case.vendor, "authorization")
    headers |= {name: key if case.vendor in AUTH else f"Bearer {key}", "accept-encoding": "identity"}
    form = {"data": case.body, "files": case.files} if case.files else {"json": case.body} if case.body else {}
    return httpx.request(case.method, base + case.path, headers=headers, timeout=30, **form)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_bytes_are_the_providers_and_the_row_is_right(stage: Stage, case: Case) -> None:
    direct = ask(stage.fake.url(case.vendor), case, KEYS[case.vendor])
    stage.fake.renew()
    through = ask(stage.base(case.vendor), case, stage.token, **{"x-guardian-session": f"s {case}"})
    assert through.status_code == direct.status_code
    assert through.content == direct.content
    assert told(through) == told(direct)

    (served,) = stage.fake.served
    assert stage.token not in json.dumps(served.headers) + served.query
    assert not [name for name, _ in served.headers if name.startswith("x-guardian")]
    name = AUTH.get(case.vendor, "authorization")
    assert served.header(name) == (KEYS[case.vendor] if case.vendor in AUTH else f"Bearer {KEYS[case.vendor]}")

    request_id = through.headers["x-guardian-request-id"]
    if case.row is None:
        assert "x-guardian-cost-usd" not in through.headers
        return
    row = stage.row(request_id)
    assert (row.operation, row.status_code, row.error) == (case.row, 200, None)
    assert row.session == f"s {case}"
    assert row.provider.value.lower() == case.vendor
    if served.cost is not None:
        assert (row.input_tokens, row.output_tokens) == (served.input, served.output)
        assert row.cost == served.cost
        assert row.model == served.model
    told_cost = through.headers.get("x-guardian-cost-usd")
    if row.cost is None:
        assert told_cost is None  # unknown is not zero
    elif told_cost is not None or "transfer-encoding" not in direct.headers:  # of a stream it may not be known yet
        assert told_cost is not None
        assert Decimal(told_cost) == row.cost


def told(answer: httpx.Response) -> dict[str, str]:
    """The headers that are the provider's."""
    return {name: value for name, value in answer.headers.items() if name not in OWN}


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": True}}], ids=["unasked", "asked"])
def test_streams_of_a_provider_that_compresses_are_equal_too(stage: Stage, options: dict[str, Any]) -> None:
    """What asking for the usage adds could not be taken out of a compressed stream: that one is not compressed."""
    body = chat(MINI, stream=True, **options)
    path = "/openai/v1/chat/completions"

    def ask(base: str, key: str) -> httpx.Response:
        stage.fake.renew()
        stage.fake.fail(path, gzip=True, when=lambda served: "gzip" in (served.header("accept-encoding") or ""))
        headers = {"authorization": f"Bearer {key}", "accept-encoding": "gzip"}
        return httpx.post(base + "/chat/completions", headers=headers, json=body, timeout=30)

    direct = ask(stage.fake.url("openai"), KEYS["openai"])
    assert direct.headers["content-encoding"] == "gzip"
    through = ask(stage.base("openai"), stage.token)
    assert through.content == direct.content
    assert through.headers.get("content-encoding") == ("gzip" if options else None)
    row = stage.row(through.headers["x-guardian-request-id"])
    assert row.cost == stage.fake.served[0].cost
