"""Refusals in the vendors' shapes, read by the vendors' own SDKs over loopback: each raises what its user expects."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as google_errors
from google.genai import types as google_types

from guardian.gateway.dialects import WORDS, Dialect, Kind, refusal, stream_error

DETAILS = {"spent": "4.9981", "held": "0.0019", "limit": "5.00", "resetsAt": "2026-12-01T00:00:00Z"}
KINDS: list[Kind] = list(WORDS)


def body_of(dialect: Dialect, kind: Kind, **extra: Any) -> Any:
    return json.loads(refusal(dialect, None, kind, "No.", **extra)[2])


def headers_of(dialect: Dialect, kind: Kind, **extra: Any) -> dict[bytes, bytes]:
    return dict(refusal(dialect, None, kind, "No.", **extra)[1])


def test_openai() -> None:
    """All four keys are required by OpenAI's specification, null where there is nothing to say."""
    found = {"message": "No.", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}
    assert body_of("openai", "token_rejected") == {"error": found}
    budget = body_of("openai", "budget_exceeded", details=DETAILS)["error"]
    assert (budget["type"], budget["code"], budget["details"]) == ("insufficient_quota", "insufficient_quota", DETAILS)
    assert body_of("openai", "invalid_request", param="model")["error"]["param"] == "model"


def test_anthropic() -> None:
    found = {"type": "error", "error": {"type": "authentication_error", "message": "No."}, "request_id": "req_1"}
    assert body_of("anthropic", "token_rejected", request_id="req_1") == found
    assert body_of("anthropic", "budget_exceeded", details=DETAILS)["error"]["details"] == DETAILS


def test_google() -> None:
    found = {"code": 401, "message": "No.", "status": "UNAUTHENTICATED", "details": []}
    assert body_of("google", "token_rejected") == {"error": found}
    assert body_of("google", "token_rejected", in_array=True) == [{"error": found}]
    details = body_of("google", "budget_exceeded", details=DETAILS)["error"]["details"]
    assert [part["metadata"] for part in details] == [DETAILS]
    wait = body_of("google", "rate_limited", retry_after=45)["error"]["details"]
    assert wait == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "45s"}]


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "google"])
@pytest.mark.parametrize("kind", KINDS)
def test_headers(dialect: Dialect, kind: Kind) -> None:
    status, headers, body = refusal(dialect, None, kind, "Nö.", request_id="req_1", retry_after=7)
    found = dict(headers)
    assert status == WORDS[kind].status
    assert found[b"content-type"] == b"application/json"
    assert int(found[b"content-length"]) == len(body)
    assert found[b"retry-after"] == b"7"
    assert found[b"request-id" if dialect == "anthropic" else b"x-request-id"] == b"req_1"
    assert found[b"x-should-retry"] == (b"true" if status in (429, 500, 502, 503, 504) else b"false")
    assert refusal(dialect, 418, kind, "No.")[0] == 418


class Refusing(http.server.ThreadingHTTPServer):
    """Answers every request with `answer`, and counts them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer: tuple[int, list[tuple[bytes, bytes]], bytes] = (200, [], b"")
        self.asked = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Refusing

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.asked += 1
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in headers:
            self.send_header(name.decode(), value.decode())
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def running() -> Iterator[Refusing]:
    with Refusing() as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def server(running: Refusing) -> Refusing:
    running.asked = 0
    return running


OPENAI: dict[Kind, type[openai.APIStatusError]] = {
    "invalid_request": openai.BadRequestError,
    "token_rejected": openai.AuthenticationError,
    "budget_exceeded": openai.APIStatusError,
    "plan_limit": openai.APIStatusError,
    "forbidden": openai.PermissionDeniedError,
    "model_forbidden": openai.PermissionDeniedError,
    "not_found": openai.NotFoundError,
    "too_large": openai.APIStatusError,
    "rate_limited": openai.RateLimitError,
    "upstream_failed": openai.InternalServerError,
    "upstream_timeout": openai.InternalServerError,
    "unavailable": openai.InternalServerError,
    "internal": openai.InternalServerError,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_sdk_of_openai(server: Refusing, kind: Kind) -> None:
    server.answer = refusal("openai", None, kind, "No.", request_id="req_1", details=DETAILS)
    # Without repetitions, but for the kinds that must not be repeated whatever the SDK thinks.
    hopeless = (b"x-should-retry", b"false") in server.answer[1]
    with openai.OpenAI(api_key="gdn_x", base_url=f"{server.url}/v1", max_retries=2 if hopeless else 0) as client:
        with pytest.raises(OPENAI[kind]) as found:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])
        assert type(found.value) is OPENAI[kind]
        assert (found.value.status_code, found.value.code) == (WORDS[kind].status, WORDS[kind].code)
        assert found.value.request_id == "req_1"
        assert found.value.body["details"] == DETAILS  # type: ignore[index, call-overload]
    assert server.asked == 1


ANTHROPIC: dict[Kind, type[anthropic.APIStatusError]] = {
    "invalid_request": anthropic.BadRequestError,
    "token_rejected": anthropic.AuthenticationError,
    "budget_exceeded": anthropic.APIStatusError,
    "plan_limit": anthropic.APIStatusError,
    "forbidden": anthropic.PermissionDeniedError,
    "not_found": anthropic.NotFoundError,
    "rate_limited": anthropic.RateLimitError,
    "unavailable": anthropic.InternalServerError,
    "internal": anthropic.InternalServerError,
}


@pytest.mark.parametrize("kind", ANTHROPIC)
def test_the_sdk_of_anthropic(server: Refusing, kind: Kind) -> None:
    server.answer = refusal("anthropic", None, kind, "No.", request_id="req_1", details=DETAILS)
    hopeless = (b"x-should-retry", b"false") in server.answer[1]
    with anthropic.Anthropic(api_key="gdn_x", base_url=server.url, max_retries=2 if hopeless else 0) as client:
        with pytest.raises(ANTHROPIC[kind]) as found:
            client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hello"}])
        assert isinstance(found.value, ANTHROPIC[kind])
        assert found.value.status_code == WORDS[kind].status
        assert found.value.request_id == "req_1"
        assert found.value.body["error"]["type"] == WORDS[kind].anthropic  # type: ignore[index, call-overload]
    assert server.asked == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_sdk_of_google(server: Refusing, kind: Kind) -> None:
    server.answer = refusal("google", None, kind, "No.", details=DETAILS)
    kind_of = google_errors.ClientError if WORDS[kind].status < 500 else google_errors.ServerError
    options = google_types.HttpOptions(base_url=server.url)
    with genai.Client(api_key="gdn_x", http_options=options) as client:
        for ask in (
            client.models.generate_content,
            lambda **asked: list(client.models.generate_content_stream(**asked)),
        ):
            with pytest.raises(kind_of) as found:
                ask(model="m", contents="Hello")
            error = found.value
            assert (error.code, error.status, error.message) == (WORDS[kind].status, WORDS[kind].google, "No.")


def test_errors_in_the_middle_of_a_stream(server: Refusing) -> None:
    events = [(b"content-type", b"text/event-stream")]
    server.answer = (200, events, b'data: {"choices":[]}\n\n' + stream_error("openai", "upstream_failed", "Cut."))
    with openai.OpenAI(api_key="gdn_x", base_url=f"{server.url}/v1", max_retries=0) as client:
        stream = client.chat.completions.create(model="m", messages=[], stream=True)
        next(stream)
        with pytest.raises(openai.APIError, match=r"Cut\."):
            next(stream)
    started = b'event: ping\ndata: {"type":"ping"}\n\n'
    server.answer = (200, events, started + stream_error("anthropic", "upstream_failed", "Cut.", request_id="req_1"))
    with anthropic.Anthropic(api_key="gdn_x", base_url=server.url, max_retries=0) as client:
        told = client.messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        with pytest.raises(anthropic.APIError, match=r"Cut\."):
            list(told)
    server.answer = (200, events, b"data: {}\n\n" + stream_error("google", "upstream_failed", "Cut."))
    with genai.Client(api_key="gdn_x", http_options=google_types.HttpOptions(base_url=server.url)) as client:
        chunks = client.models.generate_content_stream(model="m", contents="Hello")
        next(chunks)
        with pytest.raises(google_errors.APIError, match=r"Cut\."):
            next(chunks)
