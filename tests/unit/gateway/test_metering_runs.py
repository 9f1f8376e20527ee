"""Events that are taken many at once: the same bytes, numbers and estimates as of one byte after the other."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.gateway.metering.runs import Runs
from tests.unit.gateway.metered import OPENAI, through

HEAD = b'{"id":"c1","model":"m1","choices":'
TEXT = b'[{"index":0,"delta":{"content":"%b"}}]'
USAGE = b'[],"usage":{"prompt_tokens":5,"completion_tokens":6,"total_tokens":11}'
WORD = st.sampled_from(
    [b" word", b"", b'\\"usage\\":null', b"\\n\\n", b"\\u00e9", "é".encode(), b"}", b"data: ", b"[DONE]"]
)
TAILS = [
    b',"usage":null',
    b',"usage":null,"obfuscation":"aX3"',
    b'  ,"usage":null',
    b'  ,"usage":null,"obfuscation":"aX3"',
    b',"usage":null,"usage":null',
    b',"obfuscation":"a"',
    b',"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}',
    b',"id":"c2"',
    b',"error":{"code":"broken"}',
    b"",
]
TEXTS = st.builds(lambda word, tail: b"data: " + HEAD + TEXT % word + tail + b"}\n\n", WORD, st.sampled_from(TAILS))
USUAL = st.builds(lambda word, tail: b"data: " + HEAD + TEXT % word + tail + b"}\n\n", WORD, st.just(TAILS[0]))
ODD = st.sampled_from(
    [
        b": a comment\n\n",
        b"data: " + HEAD + b'[],\ndata: "usage":null}\n\n',
        b"data: " + HEAD + b"[]}\n\nid: 7\n\n",
        b"data: " + HEAD + b"[]\r\n}\n\n",
        b"data: " + HEAD + b'[],"usage":null}\r\n\r\n',
        b"data: " + HEAD + USAGE + b"}\n\n",
        b'data: {"id":"c3","choices":[],"usage":null}\n\n',
        b"data: [DONE]\n\n",
        b"\n",
        b"data: {no json}\n\n",
    ]
)
EVENTS = st.lists(USUAL | USUAL | TEXTS | ODD, max_size=12)


@settings(max_examples=400)
@given(EVENTS, st.booleans(), st.booleans(), st.lists(st.integers(0, 2_000), max_size=4))
def test_many_at_once_are_as_one_byte_after_the_other(
    events: list[bytes], asks: bool, cut: bool, places: list[int]
) -> None:
    body = b"".join(events)
    ends = [0, *sorted(min(place, len(body)) for place in places), len(body)]
    for path in (OPENAI, "/custom/x/v1/chat/completions", "/xai/v1/chat/completions", "/openai/v1/responses"):
        slow = through(path, [body[at : at + 1] for at in range(len(body))], cut=cut, asked_for_usage=asks)
        for chunks in ([body], events, [body[a:b] for a, b in pairwise(ends)]):
            assert through(path, chunks, cut=cut, asked_for_usage=asks) == slow


@pytest.mark.parametrize("asks", [False, True])
def test_an_estimate_of_a_long_stream_is_the_same(asks: bool) -> None:
    event = b"data: " + HEAD + TEXT % b"some twelve and more letters" + b',"usage":null}\n\n'
    body = event * 1_000
    slow = through(OPENAI, [body[at : at + 7] for at in range(0, len(body), 7)], cut=True, asked_for_usage=asks)
    assert through(OPENAI, [body], cut=True, asked_for_usage=asks) == slow
    assert abs(slow[0].record.counts.output_tokens - 7_000) < 100
    assert len(slow[1]) == len(body) - asks * 1_000 * len(b',"usage":null')


def test_a_run_ends_before_what_states_something() -> None:
    runs = Runs(HEAD, (b"usage",))
    begin = b"data: " + HEAD
    text, last = begin + b'[],"usage":null}\n\n', begin + USAGE + b"}\n\n"
    found = runs.first(text * 3 + last, strips=True)
    assert found is not None
    assert found.passed == (begin + b"[]}\n\n") * 3
    assert (found.seen.joined(), found.rest) == ((HEAD + b"[]}") * 3, last)
    assert found.seen.size == len(HEAD + b"[]}") * 3
    cut = runs.first(text * 2 + text[:-1], strips=False)
    assert cut is not None
    assert (cut.passed, cut.rest) == (text * 2, text[:-1])
    assert runs.first(last, strips=True) is None
    assert runs.first(text[:-1], strips=True) is None
