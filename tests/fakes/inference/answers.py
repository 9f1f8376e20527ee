"""What the vendors answer: numbers that follow from the request, so that each answer is its own and always the same."""

import json
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from tests.fakes.reporting import dumps, example

KEYS = {
    "openai": "sk-proj-inference",
    "anthropic": "sk-ant-api03-inference",
    "google": "AIzaSy-inference",
    "xai": "xai-inference",
    "perplexity": "pplx-inference",
    "custom": "sk-custom",
}
# Dollars for a million tokens: input and output, of genai-prices.
PRICES = {
    "gpt-5.4-mini": (Decimal("0.75"), Decimal("4.5")),
    "claude-sonnet-4-6": (Decimal(3), Decimal(15)),
    "gemini-2.5-flash": (Decimal("0.3"), Decimal("2.5")),
    "text-embedding-3-small": (Decimal("0.02"), Decimal(0)),
    "gemini-embedding-001": (Decimal("0.15"), Decimal(0)),
}
TICKS = Decimal(10**10)  # of xAI in a dollar
_CREATED = 1_793_491_200
_WORDS = ("Hello", " from", " the", " fake", " of", " this", " test", ".")


@dataclass(slots=True)
class Served:
    """One request and what it was answered with. `whole` once all of the answer was given to the connection.

    `cost` in dollars is the provider's own; None where it bills by something that is not counted here. `turn` is the
    fake's, see FakeInference.begin.
    """

    vendor: str
    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    turn: int = 0
    model: str = ""
    id: str | None = None
    input: int = 0
    output: int = 0
    cost: Decimal | None = None
    status: int = 0
    sent: bytes = b""
    whole: bool = False

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


class Answer(NamedTuple):
    """`parts` of the body are written one by one; a single one has a Content-Length."""

    parts: Sequence[bytes]
    streamed: bool = False
    kind: str = "application/json"
    status: int = 200


@dataclass(slots=True)
class Request:
    """A request with its numbers: what it is billed for follows from its text."""

    served: Served
    body: dict[str, Any]
    number: int = field(init=False)
    input: int = field(init=False)
    output: int = field(init=False)

    def __post_init__(self) -> None:
        text = {name: self.body.get(name) for name in ("messages", "input", "contents", "prompt", "query", "content")}
        self.number = zlib.crc32(dumps(text if any(text.values()) else self.body))
        self.input, self.output = 100 + self.number % 900, 10 + self.number // 1_000 % 90

    @property
    def model(self) -> str:
        return str(self.body.get("model") or "")

    def id(self, prefix: str) -> str:
        """The answer's: the same for the same request until the next turn, as a provider never gives one twice."""
        return f"{prefix}{self.served.turn:04x}{self.number:08x}"

    @property
    def streamed(self) -> bool:
        return self.body.get("stream") is True

    def bill(self, model: str, output: int | None = None, cost: Decimal | None = None, id: str | None = None) -> None:
        """Count it as served."""
        served = self.served
        served.model, served.input, served.output = model, self.input, self.output if output is None else output
        if cost is None and model in PRICES:
            of_input, of_output = PRICES[model]
            cost = (served.input * of_input + served.output * of_output) / 1_000_000
        served.cost, served.id = cost, id


def answer(served: Served) -> Answer:
    """The vendor's answer, faults aside; a 404 for a path that it does not have."""
    multipart = (served.header("content-type") or "").startswith("multipart/")
    fields = _fields(served.body) if multipart else _json(served.body)
    request = Request(served, fields)
    for method, pattern, reply in ROUTES[served.vendor]:
        if served.method == method and (found := re.fullmatch(pattern, served.path)):
            return reply(request, **found.groupdict())
    return Answer([dumps({"error": {"message": f"no {served.path}", "type": "invalid_request_error"}})], status=404)


def _json(body: bytes) -> dict[str, Any]:
    found = json.loads(body) if body[:1] in (b"{", b"[") else {}
    return found if isinstance(found, dict) else {}


def _fields(body: bytes) -> dict[str, Any]:
    return {name.decode(): value.decode() for name, value in re.findall(rb'name="(\w+)"\r\n\r\n([^\r]*)\r\n', body)}


def _sse(*events: tuple[str | None, Any], done: bool = False) -> Answer:
    heads = [f"event: {name}\n".encode() if name else b"" for name, _ in events]
    parts = [head + b"data: " + dumps(data) + b"\n\n" for head, (_, data) in zip(heads, events, strict=True)]
    return Answer([*parts, *([b"data: [DONE]\n\n"] if done else [])], True, "text/event-stream; charset=utf-8")


# OpenAI and those who speak as it does


def _chat_usage(asked: Request) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": asked.input,
        "completion_tokens": asked.output,
        "total_tokens": asked.input + asked.output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    if asked.served.vendor == "xai":
        usage["cost_in_usd_ticks"] = asked.number % 10**7
    if asked.served.vendor == "perplexity":
        usage["cost"] = {"currency": "USD", "total_cost": Decimal(asked.number % 10**6).scaleb(-8)}
    return usage


def _own_cost(asked: Request) -> Decimal | None:
    if asked.served.vendor == "xai":
        return Decimal(asked.number % 10**7) / TICKS
    return Decimal(asked.number % 10**6).scaleb(-8) if asked.served.vendor == "perplexity" else None


def _chat(asked: Request) -> Answer:
    id = asked.id("chatcmpl-")
    asked.bill(asked.model, cost=_own_cost(asked), id=id)
    base = {"id": id, "created": _CREATED, "model": asked.model, "service_tier": "default"}
    if not asked.streamed:
        message = {"role": "assistant", "content": "".join(_WORDS), "refusal": None, "annotations": []}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return Answer([dumps({**base, "object": "chat.completion", "choices": [choice], "usage": _chat_usage(asked)})])
    asks = bool((asked.body.get("stream_options") or {}).get("include_usage"))
    choices = [{"index": 0, "delta": {"content": word}, "finish_reason": None} for word in _WORDS]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    always = asked.served.vendor in ("xai", "perplexity")
    base |= {"object": "chat.completion.chunk", **({"usage": None} if asks and not always else {})}
    chunks = [{**base, "choices": [choice]} for choice in choices]
    if asks or always:
        chunks.append({**base, "choices": [], "usage": _chat_usage(asked)})
    return _sse(*((None, chunk) for chunk in chunks), done=True)


def _responses(asked: Request) -> Answer:
    id = asked.id("resp_")
    asked.bill(asked.model, cost=_own_cost(asked), id=id)
    usage: dict[str, Any] = {
        "input_tokens": asked.input,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": asked.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked.input + asked.output,
    }
    if asked.served.vendor == "xai":
        usage["cost_in_usd_ticks"] = asked.number % 10**7
    if asked.served.vendor == "perplexity":
        usage["cost"] = {"currency": "USD", "total_cost": _own_cost(asked)}
    text = {"type": "output_text", "text": "".join(_WORDS), "annotations": []}
    message = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [text]}
    done = {**example("openai/response"), "id": id, "model": asked.model, "output": [message], "usage": usage}
    if not asked.streamed:
        return Answer([dumps(done)])
    begun = {**done, "status": "in_progress", "output": [], "usage": None}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[tuple[str | None, Any]] = [("response.created", {"type": "response.created", "response": begun})]
    events += [
        ("response.output_text.delta", {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []})
        for word in _WORDS
    ]
    events.append(("response.completed", {"type": "response.completed", "response": done}))
    return _sse(*((name, {**data, "sequence_number": place}) for place, (name, data) in enumerate(events)))


def _embeddings(asked: Request) -> Answer:
    asked.bill(asked.model, output=0, cost=_own_cost(asked))
    usage: dict[str, Any] = {"prompt_tokens": asked.input, "total_tokens": asked.input}
    if asked.served.vendor == "perplexity":
        usage["cost"] = {"currency": "USD", "total_cost": _own_cost(asked)}
    vector = "AACAPwAAAEA=" if asked.body.get("encoding_format") == "base64" else [1, 2]
    data = [{"object": "embedding", "index": 0, "embedding": vector}]
    return Answer([dumps({"object": "list", "data": data, "model": asked.model, "usage": usage})])


def _images(asked: Request) -> Answer:
    asked.bill("gpt-image-1")
    details = {"text_tokens": asked.input, "image_tokens": 0}
    usage = {"total_tokens": asked.input + asked.output, "input_tokens": asked.input, "output_tokens": asked.output}
    body = {"created": _CREATED, "data": [{"b64_json": "AAAA"}], "usage": {**usage, "input_tokens_details": details}}
    return Answer([dumps(body)])


def _transcription(asked: Request) -> Answer:
    asked.bill(asked.model)
    usage = {"type": "tokens", "input_tokens": asked.input, "output_tokens": asked.output}
    details = {"text_tokens": 0, "audio_tokens": asked.input}
    total = asked.input + asked.output
    return Answer([dumps({"text": "hi", "usage": {**usage, "input_token_details": details, "total_tokens": total}})])


def _speech(asked: Request) -> Answer:
    asked.bill(asked.model)
    return Answer([bytes(range(256)) * 8, b"\x00" * 1_024], True, "audio/mpeg")


def _moderation(asked: Request) -> Answer:
    asked.bill(asked.model)
    result = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
    return Answer([dumps({"id": asked.id("modr-"), "model": asked.model, "results": [result]})])


def _batch(asked: Request, id: str = "batch_1") -> Answer:
    facts = {"endpoint": "/v1/chat/completions", "input_file_id": "file-1", "completion_window": "24h"}
    return Answer([dumps({"id": id, "object": "batch", "created_at": _CREATED, "status": "validating", **facts})])


def _models(asked: Request) -> Answer:
    model = {"id": "gpt-5.4-mini", "object": "model", "created": _CREATED, "owned_by": "openai"}
    return Answer([dumps({"object": "list", "data": [model]})])


def _search(asked: Request) -> Answer:
    asked.bill("search")
    return Answer([dumps(example("perplexity/search"))])


# Anthropic


def _messages(asked: Request) -> Answer:
    id = asked.id("msg_")
    asked.bill(asked.model, id=id)
    none = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "service_tier": "standard"}
    usage = {"input_tokens": asked.input, "output_tokens": asked.output, **none}
    base = {"id": id, "type": "message", "role": "assistant", "model": asked.model, "stop_sequence": None}
    if not asked.streamed:
        content = [{"type": "text", "text": "".join(_WORDS)}]
        return Answer([dumps({**base, "content": content, "stop_reason": "end_turn", "usage": usage})])
    begun = {**base, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
    events.append({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    events.append({"type": "ping"})
    events += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in _WORDS
    ]
    events.append({"type": "content_block_stop", "index": 0})
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": ended, "usage": {"output_tokens": asked.output}})
    events.append({"type": "message_stop"})
    return _sse(*((event["type"], event) for event in events))


def _count_tokens(asked: Request) -> Answer:
    return Answer([dumps({"input_tokens": asked.input})])


def _message_batch(asked: Request) -> Answer:
    counts = {"processing": 1, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    times = {"created_at": "2026-11-22T13:00:00Z", "expires_at": "2026-11-23T13:00:00Z", "results_url": None}
    facts = {"id": "msgbatch_1", "type": "message_batch", "processing_status": "in_progress", "request_counts": counts}
    rest = {"ended_at": None, "archived_at": None, "cancel_initiated_at": None}
    return Answer([dumps({**facts, **times, **rest})])


# Google


def _content(asked: Request, model: str) -> Answer:
    asked.bill(model, id=asked.id("g"))
    return Answer([dumps(_said(asked, model, "".join(_WORDS), last=True))])


def _content_stream(asked: Request, model: str) -> Answer:
    asked.bill(model, id=asked.id("g"))
    said = [_said(asked, model, word, last=word is _WORDS[-1]) for word in _WORDS]
    if "alt=sse" in asked.served.query:
        return _sse(*((None, each) for each in said))
    parts = [(b"[" if place == 0 else b",\r\n") + dumps(each) for place, each in enumerate(said)]
    return Answer([*parts, b"]"], True)


def _said(asked: Request, model: str, text: str, *, last: bool) -> dict[str, Any]:
    usage = {"promptTokenCount": asked.input, "totalTokenCount": asked.input}
    if last:
        usage |= {"candidatesTokenCount": asked.output, "totalTokenCount": asked.input + asked.output}
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    candidates = [{**candidate, **({"finishReason": "STOP"} if last else {})}]
    facts = {"candidates": candidates, "usageMetadata": usage}
    return {**facts, "modelVersion": model, "responseId": asked.id("g")}


def _embed_contents(asked: Request, model: str) -> Answer:
    asked.bill(model, output=0)
    usage = {"promptTokenCount": asked.input, "promptTokenDetails": [{"modality": "TEXT", "tokenCount": asked.input}]}
    return Answer([dumps({"embeddings": [{"values": [1, 2]}], "usageMetadata": usage})])


def _google_count(asked: Request, model: str) -> Answer:
    return Answer([dumps({"totalTokens": asked.input})])


def _interactions(asked: Request) -> Answer:
    id = asked.id("v1_")
    asked.bill(asked.model, id=id)
    usage = {"total_input_tokens": asked.input, "total_output_tokens": asked.output}
    usage["total_tokens"] = asked.input + asked.output
    times = {"created": "2026-11-22T13:00:00Z", "updated": "2026-11-22T13:00:01Z"}
    done = {"id": id, "object": "interaction", "model": asked.model, "status": "completed", **times}
    output = {"steps": [{"type": "model_output", "content": [{"type": "text", "text": "".join(_WORDS)}]}]}
    if not asked.streamed:
        return Answer([dumps({**done, **output, "usage": usage})])
    begun = {"event_type": "interaction.created", "interaction": {**done, "status": "in_progress"}}
    ended = {"event_type": "interaction.completed", "interaction": {**done, "usage": usage}}
    return _sse(("interaction.created", begun), ("interaction.completed", ended))


Reply = Callable[..., Answer]
_OPENAI: list[tuple[str, str, Reply]] = [
    ("POST", "/chat/completions", _chat),
    ("POST", "/responses", _responses),
    ("POST", "/embeddings", _embeddings),
    ("POST", "/images/(?:generations|edits)", _images),
    ("POST", "/audio/(?:transcriptions|translations)", _transcription),
    ("POST", "/audio/speech", _speech),
    ("POST", "/moderations", _moderation),
    ("POST", "/batches", _batch),
    ("GET", "/batches/(?P<id>[^/]+)", _batch),
    ("GET", "/models", _models),
]
ROUTES: dict[str, list[tuple[str, str, Reply]]] = {
    "openai": _OPENAI,
    "xai": _OPENAI,
    "custom": _OPENAI,
    "perplexity": [
        ("POST", "/v1/responses|/responses", _responses),
        ("POST", "/v1/embeddings", _embeddings),
        ("POST", "/search", _search),
        ("POST", "/chat/completions", _chat),
    ],
    "anthropic": [
        ("POST", "/v1/messages", _messages),
        ("POST", "/v1/messages/count_tokens", _count_tokens),
        ("POST", "/v1/messages/batches", _message_batch),
    ],
    "google": [
        ("POST", "/v1(?:beta)?/models/(?P<model>[^/:]+):generateContent", _content),
        ("POST", "/v1(?:beta)?/models/(?P<model>[^/:]+):streamGenerateContent", _content_stream),
        ("POST", "/v1(?:beta)?/models/(?P<model>[^/:]+):(?:embedContent|batchEmbedContents)", _embed_contents),
        ("POST", "/v1(?:beta)?/models/(?P<model>[^/:]+):countTokens", _google_count),
        ("POST", "/v1(?:beta)?/interactions", _interactions),
    ],
}
