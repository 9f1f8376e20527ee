"""Every example answer through the meter: the numbers of a full parse, and the bytes that came, however cut."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.gateway.bodies import Wanted
from guardian.gateway.metering import Meter, Metered, decoding, unanswered
from guardian.gateway.paths import Asked, resolve
from guardian.gateway.sse import SseEvents
from guardian.providers.usage import record_of
from guardian.providers.usage.streams import merged
from guardian.records import UsageCounts
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


def test_every_stream_of_the_examples_is_tested_here() -> None:
    assert {f"{path.parent.name}/{path.name}" for path in EXAMPLES.glob("*/*.sse")} == set(STREAMS) | set(UNFINISHED)


@pytest.mark.parametrize(("name", "path"), STREAMS.items())
def test_a_stream_is_metered_as_a_full_parse_would(name: str, path: str) -> None:
    body = example(name)
    found, passed = through(path, [body])
    assert (found.record, found.missing) == by_full_parse(path, body)
    assert found.record.counts.input_tokens > 0
    assert (found.error, found.billed, found.pending, passed) == (None, True, False, body)
    assert found.response_id


@pytest.mark.parametrize(("name", "path"), {**STREAMS, **UNFINISHED}.items())
@pytest.mark.parametrize("asks", [False, True])
def test_wherever_it_is_cut_the_result_and_the_bytes_are_the_same(name: str, path: str, asks: bool) -> None:
    body = example(name)
    whole = through(path, [body], asked_for_usage=asks)
    for at in range(len(body)):
        assert through(path, [body[:at], body[at:]], asked_for_usage=asks) == whole
    for line_end in (b"\r\n", b"\r"):
        other = body.replace(b"\n", line_end)
        found = through(path, [other[at : at + 1] for at in range(len(other))], asked_for_usage=asks)
        assert found[0] == whole[0]
        assert found[1] == whole[1].replace(b"\n", line_end)


@pytest.mark.parametrize(("name", "path"), BODIES.items())
@pytest.mark.parametrize("size", [10**9, 3])
def test_a_whole_answer_is_metered_as_a_full_parse_would(name: str, path: str, size: int) -> None:
    body = example(name)
    found, passed = through(path, [body[at : at + size] for at in range(0, len(body), size)], JSON)
    assert (found.record, found.missing) == by_full_parse(path, body)
    assert (found.error, passed) == (None, body)


def test_asking_is_undone_to_the_byte() -> None:
    with_usage = example("openai/chat_completion_stream_include_usage.sse")
    compact = with_usage.replace(b'": ', b'":').replace(b', "', b',"').replace(b", {", b",{")
    padded = compact.replace(b'"usage":null}', b'"usage":null,"obfuscation":"aX3"}')
    first = compact.replace(b'{"id"', b'{"usage":null,"id"').replace(b',"usage":null}', b"}")
    unasked = example("openai/chat_completion_stream_no_usage.sse")
    small = unasked.replace(b'": ', b'":').replace(b', "', b',"').replace(b", {", b",{")
    for asked_stream, plain in (
        (with_usage, unasked),
        (compact, small),
        (
            padded,
            small.replace(b'}\n\ndata: {"id', b',"obfuscation":"aX3"}\n\ndata: {"id').replace(
                b"}\n\ndata: [D", b',"obfuscation":"aX3"}\n\ndata: [D'
            ),
        ),
        (
            first.replace(
                b'{"usage":null,"id":"chatcmpl-abc","object":"chat.completion.chunk","created":1793491200,"model":"gpt-6-sol","service_tier":"default","system_fingerprint":null,"choices":[],',
                b'{"choices":[],',
            ),
            small,
        ),
    ):
        found, passed = through(OPENAI, [asked_stream], asked_for_usage=True)
        assert passed == plain
        assert found.record.counts.output_tokens == 30
        assert found.record.doubts == ()


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices":[{"delta":{"content":"say \\"usage\\":null}"}}]}',
        b'{"choices":[{"index":0,"usage":null}]}',
        b'{"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}',
        b'{"choices":[],"prompt_filter_results":[{"prompt_index":0}]}',
        b'{"choices":[],"usage":{"prompt_tokens":1},"error":{"code":"x"}}',
        b'{"choices":[]}',
        b"no json",
    ],
)
def test_what_the_asking_did_not_add_stays(data: bytes) -> None:
    body = b": comment\n\nevent: x\ndata: " + data + b"\n\ndata: [DONE]\n\n"
    assert through(OPENAI, [body], asked_for_usage=True)[1] == body


def test_xais_own_usage_is_not_taken_out() -> None:
    body = example("xai/chat_completion_stream.sse")
    assert through("/xai/v1/chat/completions", [body], asked_for_usage=True)[1] == body


WORDS = st.sampled_from(["usage", '"usage":null', "é", "\\u0075", "data: x\n\n", '"error"', "a" * 30, "\x00", "[DONE]"])
USAGE = st.none() | st.fixed_dictionaries(
    {"prompt_tokens": st.integers(0, 99), "completion_tokens": st.integers(0, 99), "total_tokens": st.just(0)}
)
CHUNK = st.fixed_dictionaries(
    {"id": st.sampled_from(["c1", "c2", None])},
    optional={
        "model": st.sampled_from(["m1", "m2", ""]),
        "choices": st.lists(
            st.fixed_dictionaries({"delta": st.fixed_dictionaries({"content": WORDS})}, optional={"usage": USAGE}),
            max_size=2,
        ),
        "service_tier": st.sampled_from(["default", "flex", None]),
        "usage": USAGE,
        "x_groq": st.fixed_dictionaries({"usage": USAGE}),
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(CHUNK, max_size=8), st.booleans(), st.booleans(), st.lists(st.integers(0, 3_000), max_size=5))
def test_no_number_is_ever_missed(
    chunks: list[dict[str, Any]], ascii_only: bool, names_last: bool, places: list[int]
) -> None:
    if names_last:
        chunks = [dict(reversed(chunk.items())) for chunk in chunks]
    texts = [json.dumps(chunk, ensure_ascii=ascii_only, separators=(",", ":")) for chunk in chunks]
    body = "".join(f"data: {text}\n\n" for text in texts).encode() + b"data: [DONE]\n\n"
    ends = [0, *sorted(min(place, len(body)) for place in places), len(body)]
    for path in (OPENAI, "/custom/x/v1/chat/completions", "/xai/v1/chat/completions"):
        record, missing = by_full_parse(path, body)
        found, passed = through(path, [body[a:b] for a, b in pairwise(ends)])
        assert passed == body
        if missing is None:
            assert found.record == record
        else:
            assert found.record.model == record.model
            assert found.record.doubts


def test_a_name_that_is_written_with_escapes_is_found() -> None:
    chunk = b'{"id":"a","model":"m","choices":[]'
    last = b"data: " + chunk + b',"\\u0075sage":{"prompt_tokens":5,"completion_tokens":6,"total_tokens":11}}\n\n'
    found, _ = through(OPENAI, [b"data: " + chunk + b"}\n\n" + last])
    assert found.record.counts == UsageCounts(input_tokens=5, output_tokens=6)


def test_googles_route_in_openais_dialect_states_its_usage_in_streams_too() -> None:
    body = b'data: {"id":"g","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6}}\n\n'
    found, _ = through("/google/v1beta/openai/chat/completions", [body, b"data: [DONE]\n\n"])
    assert (found.record.counts, found.missing) == (UsageCounts(input_tokens=5, output_tokens=6), None)


# Cut streams


def test_a_stream_without_any_numbers_is_estimated_from_its_text() -> None:
    text = b"".join(b'data: {"id":"c","choices":[{"delta":{"content":"12345678"}}]}\n\n' for _ in range(10))
    found, _ = through(OPENAI, [text], cut=True, error="caller_left")
    assert (found.record.counts, found.error) == (UsageCounts(input_tokens=77, output_tokens=20), "caller_left")
    assert "20 output tokens are estimated (4 bytes" in found.record.doubts[0]
    assert "input from the request" in found.record.doubts[0]
    orderly, _ = through(OPENAI, [text + b"data: [DONE]\n\n"])
    assert orderly.record.counts == found.record.counts
    assert "states no usage" in orderly.record.doubts[0]


def test_of_a_long_one_the_first_part_stands_for_the_rest() -> None:
    chunk = b'data: {"id":"c","choices":[{"delta":{"content":"1234567890123456"}}]}\n\n'
    found, _ = through(OPENAI, [chunk] * 5_000, cut=True)
    assert abs(found.record.counts.output_tokens - 20_000) < 400


def test_a_cut_message_has_its_first_numbers_and_the_text_since() -> None:
    body = example("anthropic/message_stream.sse")
    cut, _ = through(ANTHROPIC, [body[: body.index(b"event: message_delta")]], cut=True)
    # 3 stated, and "I'll check" by 3.5 bytes
    assert cut.record.counts == UsageCounts(input_tokens=2679, output_tokens=3 + 3)
    assert "3.5 bytes" in cut.record.doubts[0]
    late, _ = through(ANTHROPIC, [body[: body.index(b"event: message_stop")]], cut=True)
    assert late.record == by_full_parse(ANTHROPIC, body)[0]


def test_cumulative_numbers_are_a_floor_and_text_after_them_is_added() -> None:
    path = "/custom/vllm/v1/chat/completions"
    body = example("openai_compatible/vllm_stream_continuous_usage.sse")
    second = body.index(b"\n\n", body.index(b'"Hi"')) + 2
    found, _ = through(path, [body[:second]], cut=True)
    assert found.record.counts == UsageCounts(input_tokens=20, output_tokens=1)
    assert found.record.doubts


def test_a_responses_text_is_not_counted_twice() -> None:
    events = [
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"12345678"}\n\n',
        b'event: response.output_text.done\ndata: {"type":"response.output_text.done","text":"12345678"}\n\n',
    ]
    found, _ = through("/openai/v1/responses", events, cut=True)
    assert found.record.counts.output_tokens == 2


def test_an_error_in_the_middle_is_the_rows_error() -> None:
    found, passed = through(ANTHROPIC, [example("anthropic/message_stream_error.sse")])
    assert (found.error, found.record.counts) == ("overloaded_error", UsageCounts(input_tokens=25, output_tokens=1))
    assert found.record.doubts
    assert passed == example("anthropic/message_stream_error.sse")
    chat, _ = through(OPENAI, [b'data: {"error":{"message":"secret","type":"server_error","code":null}}\n\n'])
    assert (chat.error, chat.billed) == ("server_error", False)
    failed = (
        b'data: {"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"server_error"}}}\n\n'
    )
    response, _ = through("/openai/v1/responses", [failed])
    assert (response.error, response.response_id) == ("server_error", "r")


# Other ways to come


def test_googles_array() -> None:
    chunks = [json.loads(line[6:]) for line in example("google/stream_generate_content.sse").splitlines() if line]
    body = json.dumps(chunks, indent=2).encode()
    expected = by_full_parse(GOOGLE + "?alt=sse", example("google/stream_generate_content.sse"))[0]
    for at in range(0, len(body), 5):
        found, passed = through(GOOGLE, [body[:at], body[at:]], JSON)
        assert (found.record, passed) == (expected, body)
    error, _ = through(GOOGLE, [b'[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]'], JSON, 429)
    assert (error.error, error.billed) == ("RESOURCE_EXHAUSTED", False)


def test_ollamas_lines() -> None:
    last = json.dumps(json.loads(example("openai_compatible/ollama_native_chat_last_line.json"))).encode()
    body = b'{"model":"llama3.2","message":{"content":"Hi"},"done":false}\n' + last + b"\n"
    for kind in (b"application/x-ndjson", b"application/json", b""):
        found, passed = through("/custom/o/v1/api/chat", [body], [(b"content-type", kind)])
        assert found.record.counts == UsageCounts(input_tokens=26, output_tokens=282)
        assert passed == body


def test_a_stream_that_does_not_say_so() -> None:
    body = example("openai/chat_completion_stream_include_usage.sse")
    assert through(OPENAI, [body], [(b"content-type", b"text/plain")])[0].record == by_full_parse(OPENAI, body)[0]


def deflate_raw(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "DEFLATE": deflate_raw,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "gzip, br": lambda body: brotli.compress(gzip.compress(body)),
}


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("size", [1, 10**9])
def test_a_compressed_answer_is_metered_and_passes_as_it_came(encoding: str, size: int) -> None:
    for name, path, head in (
        ("openai/chat_completion.json", OPENAI, JSON),
        ("openai/chat_completion_stream_include_usage.sse", OPENAI, SSE),
    ):
        packed = PACKED[encoding](example(name))
        chunks = [packed[at : at + size] for at in range(0, len(packed), size)]
        headers = [*head, (b"Content-Encoding", encoding.encode())]
        found, passed = through(path, chunks, headers, asked_for_usage=True)
        assert found.record == by_full_parse(path, example(name))[0]
        assert passed == packed


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"zstd", b"compress"])
def test_what_cannot_be_decoded_passes_and_the_row_says_so(encoding: bytes) -> None:
    found, passed = through(OPENAI, [b"no such", b" bytes \xff"], [*JSON, (b"content-encoding", encoding)])
    assert (found.error, passed) == ("undecodable", b"no such bytes \xff")
    assert found.missing


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_a_bomb_is_not_unpacked(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MOST_DECODED", 3 * 2**20)
    packed = PACKED[encoding](bytes(20 * 2**20))
    found, passed = through(OPENAI, [packed], [*JSON, (b"content-encoding", encoding.encode())])
    assert (found.error, passed) == ("undecodable", packed)


# What is no usage


def test_errors_are_rows_that_cost_nothing() -> None:
    for name, path, status, error in (
        ("openai/error_429_insufficient_quota.json", OPENAI, 429, "insufficient_quota"),
        ("anthropic/error_529.json", ANTHROPIC, 529, "overloaded_error"),
        ("google/error_429.json", GOOGLE, 429, "RESOURCE_EXHAUSTED"),
    ):
        found, passed = through(path, [example(name)], JSON, status)
        assert (found.error, found.billed, found.record.counts) == (error, False, UsageCounts())
        assert (found.record.model, found.record.requests, passed) == (
            resolve("POST", path.encode()).model or "asked-for" if path != GOOGLE else "asked-for",  # type: ignore[union-attr]
            1,
            example(name),
        )
    page, passed = through(OPENAI, [b"<html>Bad gateway"], [(b"content-type", b"text/html")], 502)
    assert (page.error, page.billed, passed) == ("http_502", False, b"<html>Bad gateway")
    nobody = unanswered(asked(OPENAI), Wanted("m"), AT, "connect_failed")
    assert (nobody.error, nobody.billed, nobody.record.model) == ("connect_failed", False, "m")


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
        "/openai/v1/audio/speech", [b"\xff\xf3", b"\x00"], headers, wanted=replace(Wanted("tts-1"), characters=12)
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
