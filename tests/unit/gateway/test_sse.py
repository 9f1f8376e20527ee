"""A stream's events are the same wherever the network cut it, and their bytes are the stream's bytes."""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.gateway import sse
from guardian.gateway.sse import ArrayItems, Event, JsonLines, Splitter, SseEvents, TooLong
from tests.fakes.reporting import EXAMPLES

STREAMS = sorted(EXAMPLES.glob("*/*.sse"))
# data, each with the lines in which it may come
ODD = [
    (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
    (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
    (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    (b"data: a\r\n\ndata: b\n\r\n", [b"a", b"b"]),
    (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    (b": OPENROUTER PROCESSING\n\ndata:a\n\n: keep-alive\n\n\n\ndata: b\n\n", [b"a", b"b"]),
    (b"event: x\nid: 7\nretry: 10\ndata: a\ndata: b\ndata:\n\n", [b"a\nb\n"]),
    (b"data: a\n\ndata: the last", [b"a", b"the last"]),
    (b"data: [DONE]", [b"[DONE]"]),
    (b"data:  two spaces\n\n", [b" two spaces"]),
    (b"datum: a\n\ndata\n\n", []),
    (b"\r\ndata: a\r\n\r\n\r\n", [b"a"]),
    (b"", []),
]


def through(splitter: Splitter, chunks: Sequence[bytes]) -> list[Event]:
    return [event for chunk in chunks for event in splitter.feed(chunk)] + splitter.end()


def feed_forever(splitter: Splitter) -> None:
    for _ in range(200):
        splitter.feed(b'{"data: aaa')


def cut(text: bytes, places: Sequence[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(ends)]


@pytest.mark.parametrize(("text", "data"), ODD)
def test_every_cut_of_every_spelling_gives_the_same_events(text: bytes, data: list[bytes]) -> None:
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1):
            events = through(SseEvents(), [text[:first], text[first:second], text[second:]])
            assert [event.data for event in events if event.data] == data
            assert b"".join(event.raw for event in events) == text


def test_byte_by_byte_is_as_good_as_at_once() -> None:
    for path in STREAMS:
        for line_end in (b"\n", b"\r\n", b"\r"):
            text = path.read_bytes().replace(b"\n", line_end)
            whole = [event.data for event in through(SseEvents(), [text]) if event.data]
            bytewise = through(SseEvents(), [text[at : at + 1] for at in range(len(text))])
            assert [event.data for event in bytewise if event.data] == whole
            assert len(whole) == text.count(b"data: ")
            assert b"".join(event.raw for event in bytewise) == text


@given(
    st.lists(st.sampled_from([b"data: x", b"\n", b"\r", b"\r\n", b": c", b"y", b"\xef\xbb\xbf", b"data:"])), st.data()
)
def test_any_bytes_are_cut_the_same(parts: list[bytes], data: st.DataObject) -> None:
    text = b"".join(parts)
    places = data.draw(st.lists(st.integers(0, 200), max_size=8))
    whole = through(SseEvents(), [text])
    pieces = through(SseEvents(), cut(text, places))
    assert [event.data for event in pieces if event.data] == [event.data for event in whole if event.data]
    assert b"".join(event.raw for event in pieces) == text


def test_what_belongs_to_an_event_that_was_given_away_says_so() -> None:
    splitter = SseEvents()
    assert splitter.feed(b"data: a\r\n\r") == [Event(b"data: a\r\n\r", b"a")]
    assert splitter.feed(b"\ndata: b\r\n\r\n") == [Event(b"\n", b"", belongs=True), Event(b"data: b\r\n\r\n", b"b")]


ARRAY = (
    b'[{\n  "candidates": [{"content": {"parts": [{"text": "a ] } \\" [ { \\\\"}]}}]\n}\n,\r\n'
    b'{"usageMetadata": {"promptTokenCount": 3}}\n]\n'
)


def test_every_cut_of_an_array_gives_its_objects() -> None:
    objects = [json.loads(ARRAY)[0], json.loads(ARRAY)[1]]
    for first in range(len(ARRAY) + 1):
        for second in range(first, len(ARRAY) + 1, 7):
            events = through(ArrayItems(), [ARRAY[:first], ARRAY[first:second], ARRAY[second:]])
            assert [json.loads(event.data) for event in events if event.data] == objects
            assert b"".join(event.raw for event in events) == ARRAY


def test_an_array_that_was_cut_gives_what_was_whole_of_it() -> None:
    events = through(ArrayItems(), [ARRAY[: ARRAY.index(b"usageMetadata")]])
    assert len([event for event in events if event.data]) == 1


def test_an_error_instead_of_an_array_is_its_only_item() -> None:
    text = b'{"error": {"code": 429, "details": [{"a": []}]}}'
    assert [event.data for event in through(ArrayItems(), [text])] == [text]


def test_json_lines() -> None:
    text = b'{"a": 1}\n{"b": 2}\r\n\n{"c": 3}'
    for first in range(len(text) + 1):
        events = through(JsonLines(), [text[:first], text[first:]])
        assert [event.data for event in events if event.data] == [b'{"a": 1}', b'{"b": 2}', b'{"c": 3}']
        assert b"".join(event.raw for event in events) == text


@pytest.mark.parametrize("make", [SseEvents, JsonLines, ArrayItems])
def test_an_event_without_end_does_not_fill_the_memory(
    make: Callable[[], Splitter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "MOST_HELD", 1_000)
    splitter = make()
    with pytest.raises(TooLong):
        feed_forever(splitter)
    assert splitter.held < 1_100
