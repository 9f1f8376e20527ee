"""Every example answer through the meter: the numbers of a full parse, and the bytes that came, however cut."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.records import UsageCounts
from tests.fakes.reporting import EXAMPLES
from tests.unit.gateway.metered import BODIES, JSON, OPENAI, STREAMS, UNFINISHED, by_full_parse, example, through


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


@settings(max_examples=300)
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
