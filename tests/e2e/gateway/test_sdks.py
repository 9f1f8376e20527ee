"""The official Python SDKs, blocking and asynchronous: the same objects with the gateway as without it."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from guardian.periods import utcnow
from tests.e2e.gateway.stage import Stage, in_thread
from tests.fakes.inference import KEYS

MESSAGES: Any = [{"role": "user", "content": "Hello!"}]
MINI, SONNET, FLASH, EMBED = "gpt-5.4-mini", "claude-sonnet-4-6", "gemini-2.5-flash", "text-embedding-3-small"
SOUND = ("speech.mp3", b"\xff\xfb" * 2_000, "audio/mpeg")
PICTURE = ("cat.png", b"\x89PNG" * 500, "image/png")
Ask = Callable[[Any], Any]

# Each is written once, for both kinds of client: what it gives is awaited, or walked through, where it has to be.
OPENAI: dict[str, Ask] = {
    "chat": lambda c: c.chat.completions.create(model=MINI, messages=MESSAGES),
    "chat-stream": lambda c: c.chat.completions.create(model=MINI, messages=MESSAGES, stream=True),
    "responses": lambda c: c.responses.create(model=MINI, input="Hello!"),
    "responses-stream": lambda c: c.responses.create(model=MINI, input="Hello!", stream=True),
    "embeddings": lambda c: c.embeddings.create(model=EMBED, input="Hello!"),
    "images": lambda c: c.images.generate(model="gpt-image-1", prompt="A cat"),
    "edits": lambda c: c.images.edit(model="gpt-image-1", image=PICTURE, prompt="A dog"),
    "transcription": lambda c: c.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=SOUND),
    "speech": lambda c: c.audio.speech.create(model="tts-1", input="Hello!", voice="alloy"),
    "moderation": lambda c: c.moderations.create(model="omni-moderation-latest", input="Hello!"),
}
OPENAI_UNMETERED: dict[str, Ask] = {
    "batches": lambda c: c.batches.create(
        input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h"
    ),
    "batch": lambda c: c.batches.retrieve("batch_7"),
    "models": lambda c: c.models.list(),
}
ANTHROPIC: dict[str, Ask] = {
    "messages": lambda c: c.messages.create(model=SONNET, max_tokens=50, messages=MESSAGES),
    "messages-stream": lambda c: c.messages.create(model=SONNET, max_tokens=50, messages=MESSAGES, stream=True),
}
ANTHROPIC_UNMETERED: dict[str, Ask] = {
    "count": lambda c: c.messages.count_tokens(model=SONNET, messages=MESSAGES),
    "batches": lambda c: c.messages.batches.create(
        requests=[{"custom_id": "1", "params": {"model": SONNET, "max_tokens": 5, "messages": MESSAGES}}]
    ),
}
GOOGLE: dict[str, Ask] = {
    "content": lambda c: c.models.generate_content(model=FLASH, contents="Hello!"),
    "content-stream": lambda c: c.models.generate_content_stream(model=FLASH, contents="Hello!"),
    "embedding": lambda c: c.models.embed_content(model="gemini-embedding-001", contents="Hello!"),
    "interactions": lambda c: c.interactions.create(model=FLASH, input="Hello!"),
    "interactions-stream": lambda c: c.interactions.create(model=FLASH, input="Hello!", stream=True),
}
GOOGLE_UNMETERED: dict[str, Ask] = {"count": lambda c: c.models.count_tokens(model=FLASH, contents="Hello!")}


def plain(found: Any) -> Any:
    """What an object of an SDK says; binary answers as their bytes. Google's HTTP details differ by what we add."""
    if hasattr(found, "sdk_http_response"):
        found.sdk_http_response = None
    if hasattr(found, "model_dump"):
        return found.model_dump(exclude={"sdk_http_response"})
    return found.read() if hasattr(found, "read") else found


def asked(client: Any, ask: Ask) -> Any:
    found = ask(client)
    if hasattr(found, "model_dump") or hasattr(found, "read"):
        return plain(found)
    return [plain(event) for event in found]


async def asked_async(client: Any, ask: Ask) -> Any:
    found = ask(client)
    if isinstance(found, Awaitable):
        found = await found
    if hasattr(found, "__aiter__") and not hasattr(found, "model_dump"):
        return [plain(event) async for event in found]
    return plain(found)


def closed(make: Callable[[], Any], ask: Ask) -> Any:
    """Ask with a client that is closed afterwards, of either kind."""

    async def run() -> Any:
        client = make()
        try:
            return await asked_async(client, ask)
        finally:
            await (client.aclose() if hasattr(client, "aclose") else client.close())

    if "Async" in type(probe := make()).__name__:
        return in_thread(run())
    try:
        return asked(probe, ask)
    finally:
        probe.close()


def compare(stage: Stage, direct: Any, through: Any, metered: bool, since: Any) -> None:
    """The same objects, and the row of the second."""
    assert through == direct
    assert through
    served = stage.fake.served[-1]
    if not metered:
        assert stage.rows() == [] or stage.rows()[-1].timestamp < since
        return
    row = stage.last_row(since)
    assert (row.status_code, row.error) == (200, None)
    assert row.session == "the session"
    assert row.tags == {"team": "web"}
    assert row.access_token_id is not None
    assert row.api_key_id is not None
    assert row.response_time is not None
    if served.cost is not None:
        assert (row.model, row.input_tokens, row.output_tokens) == (served.model, served.input, served.output)
        assert row.cost == served.cost


HEADERS = {"x-guardian-session": "the session", "x-guardian-tags": "team=web"}


def cases(metered: dict[str, Ask], unmetered: dict[str, Ask]) -> list[Any]:
    found = [(ask, True, name) for name, ask in metered.items()] + [(a, False, n) for n, a in unmetered.items()]
    return [pytest.param(ask, counts, id=name) for ask, counts, name in found]


@pytest.mark.parametrize("kind", [openai.OpenAI, openai.AsyncOpenAI])
@pytest.mark.parametrize(("ask", "metered"), cases(OPENAI, OPENAI_UNMETERED))
def test_openai(stage: Stage, kind: Any, ask: Ask, metered: bool) -> None:
    direct = closed(lambda: kind(base_url=stage.fake.url("openai"), api_key=KEYS["openai"]), ask)
    since = utcnow()
    base = stage.base("openai")
    through = closed(lambda: kind(base_url=base, api_key=stage.token, default_headers=HEADERS), ask)
    compare(stage, direct, through, metered, since)


@pytest.mark.parametrize("kind", [anthropic.Anthropic, anthropic.AsyncAnthropic])
@pytest.mark.parametrize(("ask", "metered"), cases(ANTHROPIC, ANTHROPIC_UNMETERED))
def test_anthropic(stage: Stage, kind: Any, ask: Ask, metered: bool) -> None:
    direct = closed(lambda: kind(base_url=stage.fake.url("anthropic"), api_key=KEYS["anthropic"]), ask)
    since = utcnow()
    base = stage.base("anthropic")
    through = closed(lambda: kind(base_url=base, api_key=stage.token, default_headers=HEADERS), ask)
    compare(stage, direct, through, metered, since)


@pytest.mark.parametrize("kind", ["blocking", "async"])
@pytest.mark.parametrize(("ask", "metered"), cases(GOOGLE, GOOGLE_UNMETERED))
def test_google(stage: Stage, kind: str, ask: Ask, metered: bool) -> None:
    direct = with_google(stage.fake.url("google"), KEYS["google"], {}, kind, ask)
    since = utcnow()
    through = with_google(stage.base("google"), stage.token, HEADERS, kind, ask)
    compare(stage, direct, through, metered, since)


def with_google(base: str, key: str, headers: dict[str, str], kind: str, ask: Ask) -> Any:
    @contextmanager
    def client() -> Iterator[Any]:
        made = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=base, headers=headers))
        try:
            yield made
        finally:
            made.close()

    async def run() -> Any:
        with client() as made:
            aio = made.aio
            try:
                return await asked_async(aio, ask)
            finally:
                await aio.aclose()

    if kind == "async":
        return in_thread(run())
    with client() as made:
        return asked(made, ask)


def test_the_vendors_errors_come_through_as_they_are(stage: Stage) -> None:
    """Statuses and bodies that SDKs turn into their own classes."""
    client = openai.OpenAI(base_url=stage.base("openai"), api_key=stage.token, max_retries=0)
    claude = anthropic.Anthropic(base_url=stage.base("anthropic"), api_key=stage.token, max_retries=0)
    expected: list[tuple[int, str, type[openai.APIError]]] = [
        (400, "invalid_value", openai.BadRequestError),
        (401, "invalid_api_key", openai.AuthenticationError),
        (403, "insufficient_permissions", openai.PermissionDeniedError),
        (429, "rate_limit_exceeded", openai.RateLimitError),
        (500, "server_error", openai.InternalServerError),
    ]
    with client, claude:
        for status, code, kind in expected:
            error = {"message": f"fake {status}", "type": "requests", "param": None, "code": code}
            headers = {"retry-after": "7", "x-ratelimit-remaining-tokens": "9"}
            stage.fake.fail("/openai/v1/chat/*", times=1, status=status, body={"error": error}, headers=headers)
            with pytest.raises(kind) as caught:
                client.chat.completions.create(model=MINI, messages=MESSAGES)
            found = caught.value
            assert isinstance(found, openai.APIStatusError)
            assert (found.status_code, found.code, found.body) == (status, code, error)
            assert {name: found.response.headers[name] for name in headers} == headers
            row = stage.row(found.response.headers["x-guardian-request-id"])
            assert (row.status_code, row.error, row.cost, row.input_tokens) == (status, code, 0, 0)
        body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}
        stage.fake.fail("/anthropic/*", times=1, status=529, body=body)
        with pytest.raises(anthropic.APIStatusError) as refused:
            claude.messages.create(model=SONNET, max_tokens=5, messages=MESSAGES)
        assert (refused.value.status_code, refused.value.body) == (529, body)
        row = stage.row(refused.value.response.headers["x-guardian-request-id"])
        assert (row.status_code, row.error, row.cost) == (529, "overloaded_error", 0)
