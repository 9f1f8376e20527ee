"""Answers that state no usage, or state it elsewhere; and what is known before the end."""

import json
from decimal import Decimal

import pytest

from guardian.gateway.bodies import Wanted
from guardian.gateway.metering import Meter, unanswered
from guardian.records import UsageCounts
from tests.unit.gateway.metered import (
    ANTHROPIC,
    AT,
    BODIES,
    GOOGLE,
    JSON,
    OPENAI,
    SSE,
    STREAMS,
    asked,
    by_full_parse,
    example,
    through,
)


def test_errors_are_rows_that_cost_nothing() -> None:
    for name, path, status, error in (
        ("openai/error_429_insufficient_quota.json", OPENAI, 429, "insufficient_quota"),
        ("anthropic/error_529.json", ANTHROPIC, 529, "overloaded_error"),
        ("google/error_429.json", GOOGLE, 429, "RESOURCE_EXHAUSTED"),
    ):
        found, passed = through(path, [example(name)], JSON, status)
        assert (found.error, found.billed, found.record.counts) == (error, False, UsageCounts())
        assert (found.record.model, found.record.requests, passed) == ("asked-for", 1, example(name))
    page, passed = through(OPENAI, [b"<html>Bad gateway"], [(b"content-type", b"text/html")], 502)
    assert (page.error, page.billed, passed) == ("http_502", False, b"<html>Bad gateway")
    nobody = unanswered(asked(OPENAI), Wanted("m"), AT, "connect_failed")
    assert (nobody.error, nobody.billed, nobody.record.model) == ("connect_failed", False, "m")


def test_an_error_of_an_older_vllm_is_one_also_with_status_200() -> None:
    body = b'{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":"too_long"}'
    path = "/custom/acme/v1/chat/completions"
    assert through(path, [body], JSON)[0].error == "too_long"
    assert through(path, [body.replace(b'"too_long"', b"400")], JSON)[0].error == "error"
    assert through(path, [b"data: " + body + b"\n\n"])[0].error == "too_long"


def test_html_instead_of_an_answer_is_named_and_has_no_price() -> None:
    found, passed = through(OPENAI, [b"<html>hello</html>"], [(b"content-type", b"text/html")])
    assert (found.error, found.billed, bool(found.missing), passed) == ("not_json", True, True, b"<html>hello</html>")


def test_numbers_that_cannot_be_are_not_a_price() -> None:
    body = b'{"id":"c","model":"m","usage":{"prompt_tokens":-1,"completion_tokens":2}}'
    found, _ = through(OPENAI, [body], JSON)
    assert (found.error, found.response_id, found.record.counts) == ("contract_broken", "c", UsageCounts())
    assert found.missing is not None
    assert "prompt_tokens" in found.missing


def test_json_that_was_cut_is_estimated() -> None:
    body = b'{"id":"c","choices":[{"message":{"content":"12345678'
    found, passed = through(OPENAI, [body], JSON, cut=True, error="cut_short")
    assert (found.record.counts, found.error) == (UsageCounts(input_tokens=77, output_tokens=2), "cut_short")
    assert passed == body


def test_work_that_goes_on_is_no_call_yet() -> None:
    queued = b'{"id":"resp_1","status":"queued","model":"m","usage":null}'
    for method, path in (("POST", "/openai/v1/responses"), ("GET", "/openai/v1/responses/resp_1")):
        found, _ = through(path, [queued], JSON, method=method)
        assert (found.pending, found.response_id) == (True, "resp_1")
    done, _ = through("/openai/v1/responses/resp_1", [example("openai/response.json")], JSON, method="GET")
    assert (done.pending, done.missing) == (False, None)
    nothing, _ = through("/xai/v1/chat/deferred-completion/d1", [], JSON, 202, method="GET")
    assert (nothing.pending, nothing.response_id) == (True, "d1")


def test_speech_is_billed_by_its_characters() -> None:
    headers = [(b"content-type", b"audio/mpeg")]
    found, passed = through(
        "/openai/v1/audio/speech", [b"\xff\xf3", b"\x00"], headers, wanted=Wanted("tts-1", characters=12)
    )
    assert (found.record.counts, found.missing, passed) == (
        UsageCounts(units={"characters": Decimal(12)}),
        None,
        b"\xff\xf3\x00",
    )


def test_headers_tell_googles_tier_and_a_proxys_cost() -> None:
    path = BODIES["google/generate_content.json"]
    headers = [*JSON, (b"X-Gemini-Service-Tier", b"FLEX")]
    assert through(path, [example("google/generate_content.json")], headers)[0].record.service_tier == "flex"
    cost = [*JSON, (b"x-litellm-response-cost", b"1.5e-05")]
    custom = "/custom/litellm/v1/chat/completions"
    assert through(custom, [example("openai/chat_completion.json")], cost)[0].record.provider_cost == Decimal("1.5e-05")
    assert through(OPENAI, [example("openai/chat_completion.json")], cost)[0].record.provider_cost is None


def test_a_keys_own_fields_are_read_in_streams_too() -> None:
    keys = {"usage": {"cost": "billing.total", "costUnit": "cents"}}
    numbers = b'data: {"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}\n\n'
    found, _ = through("/custom/x/v1/chat/completions", [numbers, b'data: {"billing":{"total":5}}\n\n'], settings=keys)
    assert found.record.provider_cost == Decimal("0.05")


def test_the_numbers_are_known_before_the_end_goes_on() -> None:
    for name, path in STREAMS.items():
        meter = Meter(asked(path), Wanted("asked-for"), AT, 200, SSE)
        body = example(name)
        meter.feed(body[:-1])
        meter.feed(body[-1:])
        assert meter.ended is not name.startswith("google/stream")
        early = meter.finish()
        assert early.record == by_full_parse(path, body)[0]
        assert meter.rest() == b""


def test_what_is_too_long_to_hold_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guardian.gateway.sse.MOST_HELD", 100)
    for asks in (False, True):
        found, passed = through(OPENAI, [b"data: ", b"x" * 99, b"y" * 99, b"\n\n"], asked_for_usage=asks)
        assert (found.error, passed) == ("too_long", b"data: " + b"x" * 99 + b"y" * 99 + b"\n\n")


def test_vectors_are_skipped() -> None:
    vectors = [{"object": "embedding", "embedding": [0.5] * 1_000}] * 3
    body = json.dumps({"data": vectors, "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3}}).encode()
    found, _ = through("/openai/v1/embeddings", [body], JSON)
    assert found.record == by_full_parse("/openai/v1/embeddings", body)[0]
