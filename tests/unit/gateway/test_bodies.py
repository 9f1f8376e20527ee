"""What is read from a request's bytes, and that a change of one field leaves all other bytes alone."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.errors import ValidationError
from guardian.gateway import bodies
from guardian.gateway.bodies.editing import members, without
from guardian.gateway.bodies.wanted import TOKENS_A_FILE
from guardian.gateway.paths import Asked, resolve

CHAT = "/openai/v1/chat/completions"


def asked(path: str = CHAT, method: str = "POST") -> Asked:
    found = resolve(method, path.encode())
    assert found is not None
    return found


def wanted(body: dict[str, Any], path: str = CHAT) -> bodies.Wanted:
    return bodies.wanted_of(asked(path), json.dumps(body).encode())


def test_a_chat_request() -> None:
    body = {
        "model": "gpt-6-sol",
        "messages": [{"role": "user", "content": "model stream"}],
        "stream": True,
        "max_completion_tokens": 100,
        "n": 3,
        "user": "u-1",
        "metadata": {"tags": ["a", "team=web", 7]},
    }
    found = wanted(body)
    assert (found.model, found.stream, found.asks_for_usage) == ("gpt-6-sol", True, False)
    assert (found.most_output_tokens, found.answers) == (100, 3)
    assert (found.user, found.tags, found.background) == ("u-1", ("a", "team=web"), False)
    assert found.input_estimate == -(-len(json.dumps(body)) // 4)


def test_other_dialects() -> None:
    message = wanted(
        {"model": "claude-opus-5", "max_tokens": 64, "metadata": {"user_id": "u"}}, "/anthropic/v1/messages"
    )
    assert (message.model, message.most_output_tokens, message.user, message.stream) == (
        "claude-opus-5",
        64,
        "u",
        False,
    )
    google = wanted(
        {"contents": [], "generationConfig": {"maxOutputTokens": 50, "candidateCount": 2}},
        "/google/v1beta/models/gemini-3.8-flash:streamGenerateContent",
    )
    assert (google.model, google.stream) == ("gemini-3.8-flash", True)
    assert (google.most_output_tokens, google.answers) == (50, 2)
    response = wanted({"model": "m", "max_output_tokens": 9, "background": True}, "/openai/v1/responses")
    assert (response.most_output_tokens, response.background) == (9, True)
    assert wanted({"model": "tts-1", "input": "Grüße"}, "/openai/v1/audio/speech").characters == 5


@pytest.mark.parametrize(
    ("body", "answers"),
    [
        ({"n": 4}, 4),
        ({"n": "4"}, 4),
        ({"n": 2, "best_of": 20}, 20),
        ({"n": 2, "prompt": ["one", "two", "three"]}, 6),
        ({"prompt": [[1, 2], [3]]}, 2),
        ({"prompt": [1, 2, 3]}, 1),
        ({"prompt": "one", "n": 0}, 1),
        ({"prompt": []}, 1),
        ({"generationConfig": {"candidateCount": "8"}}, 8),
        ({"generation_config": {"candidate_count": 3.0}}, 3),
        ({"n": 10**6, "best_of": 10**12, "prompt": ["a"] * 9}, 10**9),
    ],
)
def test_each_answer_that_is_billed_counts(body: dict[str, Any], answers: int) -> None:
    assert wanted(body).answers == answers


def test_a_number_as_text_is_a_number_as_google_reads_it() -> None:
    assert wanted({"generationConfig": {"maxOutputTokens": "100"}}).most_output_tokens == 100
    assert wanted({"max_tokens": "9" * 5_000}).most_output_tokens is None


@pytest.mark.parametrize(
    "body",
    [
        {"model": 5, "stream": "yes", "max_tokens": "many", "n": -1, "user": {}, "metadata": [], "stream_options": 1},
        {"model": None, "stream": None, "max_tokens": True, "stream_options": None, "metadata": {"tags": "a"}},
        {"generationConfig": "big", "max_tokens": 1.5, "n": None},
    ],
)
def test_fields_of_wrong_types_count_as_absent(body: dict[str, Any]) -> None:
    found = wanted(body)
    assert (found.model, found.stream, found.most_output_tokens, found.user, found.tags) == ("", False, None, None, ())


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"text"', b"{} x", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError, match="not"):
        bodies.wanted_of(asked(), body)


def test_json_that_only_lenient_parsers_take_is_read() -> None:
    assert bodies.wanted_of(asked(), b'\xef\xbb\xbf{"model": "m"}').model == "m"
    assert bodies.wanted_of(asked(), b'{"model": "m", "x": "\\ud800", "y": NaN}').model == "m"


def test_a_picture_in_the_body_is_not_counted_as_text() -> None:
    picture = base64.b64encode(bytes(300_000)).decode()
    url = f"data:image/png;base64,{picture}"
    found = wanted({"model": "m", "messages": [{"content": [{"image_url": {"url": url}}, {"text": "what is it?"}]}]})
    assert TOKENS_A_FILE < found.input_estimate < TOKENS_A_FILE + 100


def test_who_is_asked_for_usage() -> None:
    streamed = bodies.wanted_of(asked(), b'{"stream":true}')
    chat = {"openai": "/openai/v1", "xai": "/xai/v1", "anthropic": "/anthropic/v1", "google": "/google/v1beta/openai"}
    for base in (*chat.values(), "/custom/vllm/v1"):
        assert bodies.must_ask(asked(f"{base}/chat/completions"), streamed, server_takes_it=True)
    assert not bodies.must_ask(asked("/custom/mistral/v1/chat/completions"), streamed, server_takes_it=False)
    for path in ("/openai/v1/responses", "/anthropic/v1/messages", "/perplexity/chat/completions", "/openai/v1/files"):
        assert not bodies.must_ask(asked(path), streamed, server_takes_it=True)
    for body in (b"{}", b'{"stream":false}', b'{"stream":true,"stream_options":{"include_usage":true}}'):
        assert not bodies.must_ask(asked(), bodies.wanted_of(asked(), body), server_takes_it=True)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"m"}', b'{"stream_options":{"include_usage":true},"model":"m"}'),
        (b' {\n "a": 1}', b' {"stream_options":{"include_usage":true},\n "a": 1}'),
        (b"{ }", b'{"stream_options":{"include_usage":true} }'),
        (b'{"stream_options":null,"a":1}', b'{"stream_options":{"include_usage":true},"a":1}'),
        (b'{"a":1, "stream_options" : {} }', b'{"a":1, "stream_options" : {"include_usage":true} }'),
        (
            b'{"stream_options": {"include_obfuscation": false}}',
            b'{"stream_options": {"include_usage":true,"include_obfuscation": false}}',
        ),
        (b'{"stream_options":{"include_usage":false}}', b'{"stream_options":{"include_usage":true}}'),
        (
            b'{"messages":[{"content":"\\"stream_options\\":{}"}],"x":{"stream_options":1}}',
            b'{"stream_options":{"include_usage":true},'
            b'"messages":[{"content":"\\"stream_options\\":{}"}],"x":{"stream_options":1}}',
        ),
    ],
)
def test_usage_is_asked_for_and_no_other_byte_changes(body: bytes, expected: bytes) -> None:
    assert bodies.with_usage_asked(body) == expected


def test_another_model() -> None:
    body = b'{ "messages": [{"model": "inner"}], "model" : "a\\"b", "n":1.0 , "model":null}'
    assert bodies.with_model(body, "c") == (
        b'{ "messages": [{"model": "inner"}], "model" : "c", "n":1.0 , "model":"c"}'
    )
    assert bodies.with_model(b'{"contents":[]}', "c") == b'{"contents":[]}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["model", "stream_options", "usage", "a", 'q"x', "b\\", "ü"])


@given(st.dictionaries(NAMES, JSON, max_size=5), st.booleans(), st.sampled_from([None, (",", ":"), (" ,\n ", " : ")]))
def test_fields_are_found_where_a_parser_finds_them(
    body: dict[str, Any], ascii_only: bool, separators: tuple[str, str] | None
) -> None:
    text = json.dumps(body, ensure_ascii=ascii_only, separators=separators).encode()
    found = members(text)
    assert {m.name: json.loads(text[m.start : m.end]) for m in found} == body
    assert json.loads(without(text, "usage")) == {name: value for name, value in body.items() if name != "usage"}
    changed = json.loads(bodies.with_model(text, "new"))
    assert changed == ({**body, "model": "new"} if "model" in body else body)
    options = body.get("stream_options")
    expected = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    assert json.loads(bodies.with_usage_asked(text)) == {**body, "stream_options": expected}


def upload(*parts: tuple[str, str | None, bytes], boundary: str = "b0") -> bytes:
    whole = b""
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename else ""
        whole += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"
        )
    return whole + f"--{boundary}--\r\n".encode()


UPLOAD = upload(
    ("file", "a.wav", b"\x00\r\n--b\r\n" * 500),
    ("model", None, b"whisper-1"),
    ("prompt", None, b"p" * 9_000),
    ("user", None, b"u"),
)


@pytest.mark.parametrize("size", [1, 7, 1_000, 100_000])
def test_an_uploads_model_is_found_behind_the_file_too(size: int) -> None:
    form = bodies.Form(b'multipart/form-data; boundary="b0"')
    for at in range(0, len(UPLOAD), size):
        form.feed(UPLOAD[at : at + size])
    assert (form.fields, form.files, form.whole, form.has_model) == ({"model": "whisper-1", "user": "u"}, 1, True, True)
    found = bodies.wanted_of_form(asked("/openai/v1/audio/transcriptions"), form)
    assert (found.model, found.user, found.stream) == ("whisper-1", "u", False)


def test_nothing_of_a_file_is_kept() -> None:
    form = bodies.Form(b"multipart/form-data; boundary=b0")
    form.feed(UPLOAD[:80])
    for _ in range(1_000):
        form.feed(bytes(10_000))
    assert len(form._value) == 0
    assert not form.has_model


def test_what_is_no_form_is_refused() -> None:
    with pytest.raises(ValidationError, match="boundary"):
        bodies.Form(b"multipart/form-data")
    form = bodies.Form(b"multipart/form-data; boundary=b0")
    with pytest.raises(ValidationError, match="multipart"):
        form.feed(b"no form at all\r\n\r\n")
