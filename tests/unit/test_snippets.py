"""The texts to paste lead to this installation's own addresses, parse in their language, and hold no secret."""

import json
import shlex
from urllib.parse import unquote

import pytest

from guardian.config import Settings
from guardian.gateway.paths import resolve
from guardian.models.enums import Provider
from guardian.snippets import TOKEN_VARIABLE, Snippet, snippets

GATEWAY, WEB = "https://guardian.example.com:8001", "https://guardian.example.com"
ALL = {each.name: each for each in snippets(GATEWAY, WEB)}


@pytest.mark.parametrize("snippet", ALL.values(), ids=lambda each: each.name)
def test_every_text_names_our_address_and_the_variable_of_the_token(snippet: Snippet) -> None:
    assert GATEWAY in snippet.text or WEB in snippet.text
    assert TOKEN_VARIABLE in snippet.text
    assert snippet.text == snippet.text.strip()
    if snippet.language == "python":
        compile(snippet.text, snippet.name, "exec")
    if snippet.language == "shell":
        assert shlex.split(snippet.text, comments=True)


@pytest.mark.parametrize(
    ("name", "path", "provider"),
    [
        ("openai-python", "/chat/completions", Provider.OPENAI),
        ("openai-javascript", "/chat/completions", Provider.OPENAI),
        ("anthropic-python", "/v1/messages", Provider.ANTHROPIC),
        ("anthropic-javascript", "/v1/messages", Provider.ANTHROPIC),
        ("claude-code", "/v1/messages", Provider.ANTHROPIC),
        ("google-python", "/v1beta/models/gemini-2.5-flash:generateContent", Provider.GOOGLE),
        ("google-javascript", "/v1beta/models/gemini-2.5-flash:generateContent", Provider.GOOGLE),
        ("litellm", "/chat/completions", Provider.OPENAI),
        ("langchain", "/chat/completions", Provider.OPENAI),
    ],
)
def test_what_an_sdk_adds_to_its_base_url_is_metered(name: str, path: str, provider: Provider) -> None:
    base = ALL[name].text.split(GATEWAY, 1)[1]
    found = resolve("POST", (base[: next(n for n, sign in enumerate(base) if sign in "\"' \n")] + path).encode())
    assert found is not None
    assert found.provider is provider
    assert found.endpoint is not None


def test_the_curl_call_is_one_of_the_gateways_with_json_in_it() -> None:
    words = shlex.split(ALL["curl"].text)
    found = resolve("POST", words[1].removeprefix(GATEWAY).encode())
    assert found is not None
    assert found.endpoint is not None
    assert json.loads(words[words.index("-d") + 1])["model"]


def test_the_header_for_spans_is_read_as_opentelemetry_reads_it() -> None:
    words = shlex.split(ALL["opentelemetry"].text, comments=True)
    header = next(word for word in words if word.startswith("OTEL_EXPORTER_OTLP_TRACES_HEADERS="))
    name, _, value = header.partition("=")[2].partition("=")
    assert (name, unquote(value)) == ("Authorization", f"Bearer ${TOKEN_VARIABLE}")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "http://127.0.0.1:8001"),
        ({"guardian_host": "0.0.0.0", "guardian_gateway_port": 9001}, "http://127.0.0.1:9001"),
        ({"guardian_host": "::1"}, "http://[::1]:8001"),
        ({"public_url": "https://guardian.example.com/"}, "https://guardian.example.com:8001"),
        ({"public_url": "http://10.0.0.7:8000"}, "http://10.0.0.7:8001"),
    ],
)
def test_the_gateways_address_is_the_hosts_at_its_own_port(given: dict[str, object], expected: str) -> None:
    assert Settings(**given).gateway_url == expected
