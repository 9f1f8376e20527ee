"""Providers that fail: the caller gets what came, or the vendor's shape of an error; the row says what was."""

import gzip
import json
from collections.abc import Generator
from decimal import Decimal
from typing import Any

import httpx
import openai
import pytest

from guardian.models import UsageLog
from guardian.models.enums import CostSource
from guardian.periods import utcnow
from tests.conftest import Servers
from tests.e2e.gateway.conftest import Start
from tests.e2e.gateway.stage import Stage
from tests.fakes.inference import FakeInference

MINI = "gpt-5.4-mini"
MESSAGES: Any = [{"role": "user", "content": "Hello!"}]
CHAT = {"model": MINI, "messages": MESSAGES}
PATH = "/openai/v1/chat/completions"


def post(stage: Stage, **body: object) -> httpx.Response:
    headers = {"authorization": f"Bearer {stage.token}", "accept-encoding": "identity"}
    return httpx.post(stage.gateway.url + PATH, headers=headers, timeout=30, json={**CHAT, **body})


def row_of(stage: Stage, answer: httpx.Response) -> UsageLog:
    return stage.row(answer.headers["x-guardian-request-id"])


def test_an_answer_that_is_cut_is_an_error_and_a_row(stage: Stage) -> None:
    stage.fake.fail(PATH, cut=100)
    answer = post(stage)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_failed")
    row = row_of(stage, answer)
    assert row.error == "cut_short"
    assert row.cost_source is CostSource.ESTIMATED  # it was billed: it is not free
    assert row.input_tokens > 0


def test_a_stream_that_is_cut_between_events_ends_in_one_that_says_so(stage: Stage) -> None:
    first = b"".join(stage_events(stage)[:3])
    stage.fake.fail(PATH, cut=len(first))
    since = utcnow()
    heard: list[str | None] = []

    def listen() -> None:
        for chunk in client.chat.completions.create(model=MINI, messages=MESSAGES, stream=True):
            heard.append(chunk.choices[0].delta.content)  # noqa: PERF401  # what came before the error counts

    client = openai.OpenAI(base_url=stage.base("openai"), api_key=stage.token, max_retries=0)
    with client, pytest.raises(openai.APIError, match="closed the connection"):
        listen()
    assert heard == ["Hello", " from", " the"]
    row = stage.last_row(since)
    assert (row.status_code, row.error, row.cost_source) == (200, "cut_short", CostSource.ESTIMATED)
    assert row.output_tokens > 0
    assert row.cost_reason


def test_a_stream_that_is_cut_within_an_event_is_cut_for_the_caller_too(stage: Stage) -> None:
    """Half an event cannot be taken back: a word of ours behind it would be read as its other half."""
    cut = len(b"".join(stage_events(stage)[:3])) + 40
    stage.fake.fail(PATH, cut=cut)
    since = utcnow()
    headers = {"authorization": f"Bearer {stage.token}", "accept-encoding": "identity"}
    body, got = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}, b""

    def read() -> None:
        nonlocal got
        for part in answer.iter_raw():
            got += part

    with (
        httpx.stream("POST", stage.gateway.url + PATH, headers=headers, json=body, timeout=30) as answer,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        read()
    assert got == stage.fake.served[-1].sent[:cut]
    row = stage.last_row(since)
    assert (row.status_code, row.error, row.cost_source) == (200, "cut_short", CostSource.ESTIMATED)


def stage_events(stage: Stage) -> list[bytes]:
    """The events of the stream that the provider sends to us, who ask for its usage."""
    post(stage, stream=True, stream_options={"include_usage": True})
    found = stage.fake.served[-1].sent.split(b"\n\n")
    stage.fake.renew()
    return [event + b"\n\n" for event in found]


def test_a_length_that_is_a_lie_is_told_like_a_cut(stage: Stage) -> None:
    stage.fake.fail(PATH, length=10_000)
    answer = post(stage)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_failed")
    assert row_of(stage, answer).error == "cut_short"


def test_a_connection_that_is_closed_without_an_answer(stage: Stage) -> None:
    stage.fake.fail(PATH, reset=True)
    answer = post(stage)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_failed")
    row = row_of(stage, answer)
    assert (row.status_code, row.error) == (502, "cut_short")
    assert (row.cost, row.cost_source) == (None, CostSource.UNPRICED)


def test_html_instead_of_json_passes_and_is_unpriced(stage: Stage) -> None:
    page = b"<!doctype html><title>Bad gateway</title>"
    stage.fake.fail(PATH, times=1, status=200, body=page, headers={"content-type": "text/html"})
    answer = post(stage)
    assert (answer.status_code, answer.content) == (200, page)
    row = row_of(stage, answer)
    assert (row.error, row.cost, row.cost_source) == ("not_json", None, CostSource.UNPRICED)
    stage.fake.fail(PATH, status=502, body=page, headers={"content-type": "text/html"})
    answer = post(stage)
    assert (answer.status_code, answer.content) == (502, page)
    row = row_of(stage, answer)
    assert (row.status_code, row.error, row.cost) == (502, "http_502", 0)


@pytest.mark.parametrize("stream", [False, True])
def test_compressed_answers_pass_as_they_are_and_are_metered(stage: Stage, stream: bool) -> None:
    stage.fake.fail(PATH, gzip=True)
    headers = {"authorization": f"Bearer {stage.token}", "accept-encoding": "gzip"}
    body = {**CHAT, "stream": stream}
    with httpx.stream("POST", stage.gateway.url + PATH, headers=headers, json=body, timeout=30) as answer:
        raw = b"".join(answer.iter_raw())
    (served,) = stage.fake.served
    # A stream whose usage we ask for is asked for as it is: this server compresses it all the same.
    assert served.header("accept-encoding") == ("identity" if stream else "gzip")
    assert raw == served.sent
    assert gzip.decompress(raw)
    row = row_of(stage, answer)
    assert (row.input_tokens, row.output_tokens, row.cost) == (served.input, served.output, served.cost)


def test_a_redirect_is_not_followed(stage: Stage, other: FakeInference) -> None:
    for code in (301, 302, 307, 308):
        target = f"http://127.0.0.1:{other.port}/openai/v1/chat/completions"
        stage.fake.fail(PATH, times=1, status=code, headers={"location": target})
        answer = post(stage)
        assert (answer.status_code, answer.headers["location"]) == (code, target)
        assert row_of(stage, answer).status_code == code
    assert other.served == []


@pytest.fixture
def other() -> Generator[FakeInference]:
    with FakeInference() as found:
        yield found


def test_a_stream_that_fails_in_its_own_words_passes_and_the_row_has_them(stage: Stage) -> None:
    event = {"error": {"message": "overloaded", "type": "server_error", "code": "overloaded"}}
    content = b"data: " + json.dumps(event).encode() + b"\n\n"
    stage.fake.fail(PATH, status=200, body=content, headers={"content-type": "text/event-stream"})
    answer = post(stage, stream=True)
    assert answer.content == content
    row = row_of(stage, answer)
    assert row.error == "overloaded"


def test_providers_that_stall_are_given_up(start: Start) -> None:
    stage = start(GUARDIAN_GATEWAY_FIRST_BYTE_SECONDS="0.3", GUARDIAN_GATEWAY_IDLE_SECONDS="0.3")
    stage.fake.fail(PATH, times=1, stall=30)
    answer = post(stage)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "upstream_timeout")
    row = row_of(stage, answer)
    assert (row.status_code, row.error, row.cost) == (504, "first_byte_timeout", None)
    stage.fake.fail(PATH, times=1, stall=30, stall_at=500)
    answer = post(stage, stream=True)
    assert answer.status_code == 200
    assert b"upstream_failed" in answer.content or b"upstream_timeout" in answer.content
    row = row_of(stage, answer)
    assert (row.error, row.cost_source) == ("idle_timeout", CostSource.ESTIMATED)


def test_a_provider_that_is_not_there(start: Start, environment: Servers) -> None:
    stage = start(OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    answer = post(stage)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_failed")
    assert answer.headers["x-should-retry"] == "true"
    row = row_of(stage, answer)
    assert (row.status_code, row.error, row.cost) == (502, "connect_failed", 0)


def test_a_provider_that_falls_silent_after_its_caller_has_left_is_given_up(start: Start) -> None:
    stage = start(GUARDIAN_GATEWAY_DRAIN_SECONDS="0.3")
    stage.fake.fail(PATH, times=1, stall=30, stall_at=500)
    since, headers = utcnow(), {"authorization": f"Bearer {stage.token}"}
    body = {**CHAT, "stream": True}
    with httpx.stream("POST", stage.gateway.url + PATH, headers=headers, json=body, timeout=30) as answer:
        next(answer.iter_raw())
    row = stage.last_row(since)
    assert (row.status_code, row.error, row.cost_source) == (200, "caller_left", CostSource.ESTIMATED)


def test_what_only_the_gateway_says_a_provider_cannot_say(stage: Stage) -> None:
    """A gateway of another installation behind a key of one's own sends these headers, too."""
    forged = {"x-guardian-cost-usd": "999", "x-guardian-request-id": "forged", "x-ratelimit-limit-requests": "60"}
    stage.fake.fail(PATH, headers=forged)
    answer = post(stage)
    (served,) = stage.fake.served
    assert Decimal(answer.headers["x-guardian-cost-usd"]) == served.cost
    assert stage.row(answer.headers["x-guardian-request-id"]).cost == served.cost
    assert answer.headers["x-ratelimit-limit-requests"] == "60"
