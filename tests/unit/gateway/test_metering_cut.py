"""Streams that end before their numbers do, and errors in the middle of them."""

from guardian.records import UsageCounts
from tests.unit.gateway.metered import ANTHROPIC, OPENAI, by_full_parse, example, through


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


def test_a_comment_behind_the_last_numbers_takes_nothing_back() -> None:
    body = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6,"total_tokens":11}}\n\n'
    found, _ = through(OPENAI, [body + b": keep-alive\n\n"], cut=True)
    assert (found.record.counts, found.record.doubts) == (UsageCounts(input_tokens=5, output_tokens=6), ())


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
