"""Answers that come otherwise: arrays, lines, unlabelled, compressed."""

import gzip
import json
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from guardian.gateway.metering import decoding
from guardian.records import UsageCounts
from tests.unit.gateway.metered import (
    GOOGLE,
    JSON,
    OPENAI,
    SSE,
    by_full_parse,
    example,
    through,
)


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
