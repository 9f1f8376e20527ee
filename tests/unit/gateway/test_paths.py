"""Every route of the six providers, what of it is metered, and that no path leads anywhere else."""

import posixpath
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardian.gateway.paths import Asked, dialect_of, resolve, without_key
from guardian.models.enums import Provider
from guardian.providers.inference import Endpoint
from guardian.providers.usage import FLAVOURS

METERED = [
    ("/openai/v1/chat/completions", "OPENAI", "/chat/completions", "openai", "chat", "completion"),
    ("/openai/v1/completions", "OPENAI", "/completions", "openai", "chat", "completion"),
    ("/openai/v1/responses", "OPENAI", "/responses", "openai", "responses", "completion"),
    ("/openai/v1/responses/compact", "OPENAI", "/responses/compact", "openai", "responses", "completion"),
    ("/openai/v1/decisions", "OPENAI", "/decisions", "openai", "responses", "decision"),
    ("/openai/v1/embeddings", "OPENAI", "/embeddings", "openai", "embeddings", "embedding"),
    ("/openai/v1/images/generations", "OPENAI", "/images/generations", "openai", "images", "image"),
    ("/openai/v1/images/edits", "OPENAI", "/images/edits", "openai", "images", "image"),
    ("/openai/v1/audio/speech", "OPENAI", "/audio/speech", "openai", "speech", "speech"),
    ("/openai/v1/audio/transcriptions", "OPENAI", "/audio/transcriptions", "openai", "transcription", "transcription"),
    ("/openai/v1/audio/translations", "OPENAI", "/audio/translations", "openai", "transcription", "translation"),
    ("/openai/v1/moderations", "OPENAI", "/moderations", "openai", "moderation", "moderation"),
    ("/anthropic/v1/messages", "ANTHROPIC", "/v1/messages", "anthropic", "messages", "message"),
    ("/anthropic/v1/chat/completions", "ANTHROPIC", "/v1/chat/completions", "openai", "chat", "completion"),
    ("/google/v1beta/interactions", "GOOGLE", "/v1beta/interactions", "google", "interactions", "interaction"),
    (
        "/google/v1beta/openai/chat/completions",
        "GOOGLE",
        "/v1beta/openai/chat/completions",
        "openai",
        "chat",
        "completion",
    ),
    (
        "/google/v1beta/openai/embeddings",
        "GOOGLE",
        "/v1beta/openai/embeddings",
        "openai",
        "embeddings",
        "embedding",
    ),
    ("/xai/v1/chat/completions", "XAI", "/chat/completions", "openai", "chat", "completion"),
    ("/xai/v1/responses", "XAI", "/responses", "openai", "responses", "completion"),
    ("/xai/v1/messages", "XAI", "/messages", "anthropic", "messages", "message"),
    ("/xai/v1/images/generations", "XAI", "/images/generations", "openai", "images", "image"),
    ("/perplexity/v1/responses", "PERPLEXITY", "/v1/responses", "openai", "responses", "completion"),
    ("/perplexity/v1/agent", "PERPLEXITY", "/v1/agent", "openai", "responses", "completion"),
    ("/perplexity/v1/embeddings", "PERPLEXITY", "/v1/embeddings", "openai", "embeddings", "embedding"),
    (
        "/perplexity/v1/contextualizedembeddings",
        "PERPLEXITY",
        "/v1/contextualizedembeddings",
        "openai",
        "embeddings",
        "embedding",
    ),
    ("/perplexity/search", "PERPLEXITY", "/search", "openai", "search", "web_search"),
    ("/perplexity/chat/completions", "PERPLEXITY", "/chat/completions", "openai", "sonar", "completion"),
    ("/custom/lab/v1/chat/completions", "CUSTOM", "/chat/completions", "openai", "chat", "completion"),
    ("/custom/lab/v1/messages", "CUSTOM", "/messages", "anthropic", "messages", "message"),
    ("/custom/lab/v1/api/chat", "CUSTOM", "/api/chat", "openai", "ollama", "completion"),
    (
        "/custom/lab/v1/deployments/gpt/chat/completions",
        "CUSTOM",
        "/deployments/gpt/chat/completions",
        "openai",
        "chat",
        "completion",
    ),
]


@pytest.mark.parametrize(("path", "provider", "target", "dialect", "flavour", "operation"), METERED)
def test_metered_routes(path: str, provider: str, target: str, dialect: str, flavour: str, operation: str) -> None:
    asked = resolve("POST", path.encode())
    assert asked is not None
    assert (asked.provider, asked.target, asked.dialect) == (Provider(provider), target.encode(), dialect)
    assert asked.endpoint == Endpoint(flavour, operation)
    assert (asked.provider, flavour) in FLAVOURS
    assert resolve("DELETE", path.encode()) == asked._replace(endpoint=None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/openai/v1/models"),
        ("POST", "/openai/v1/batches"),
        ("POST", "/openai/v1/files"),
        ("GET", "/openai/v1/responses"),
        ("POST", "/openai/v1/responses/input_tokens"),
        ("GET", "/openai/v1/responses/resp_1/input_items"),
        ("GET", "/openai/v1/models/meta%2Fllama"),
        ("POST", "/anthropic/v1/messages/count_tokens"),
        ("POST", "/anthropic/v1/messages/batches"),
        ("GET", "/anthropic/v1/messages/batches/msgbatch_1/results"),
        ("POST", "/google/v1beta/models/gemini-2.5-flash:countTokens"),
        ("POST", "/google/v1beta/models/gemini-2.5-flash:batchGenerateContent"),
        ("POST", "/google/upload/v1beta/files"),
        ("POST", "/google/v1beta/openai/images/generations"),
        ("POST", "/xai/v1/videos/generations"),
        ("POST", "/perplexity/async/chat/completions"),
        ("POST", "/custom/lab/v1/threads/thread_1/messages"),
    ],
)
def test_other_routes_are_forwarded_unmetered(method: str, path: str) -> None:
    asked = resolve(method, path.encode())
    assert asked is not None
    assert asked.endpoint is None
    assert path.encode().endswith(asked.target)


@pytest.mark.parametrize(
    ("path", "model", "flavour", "streamed"),
    [
        ("/google/v1beta/models/gemini-2.5-flash:generateContent", "gemini-2.5-flash", "generate_content", False),
        ("/google/v1/models/gemini-2.5-flash:streamGenerateContent", "gemini-2.5-flash", "generate_content", True),
        ("/google/v1beta/models/gemini-2.5-flash%3AgenerateContent", "gemini-2.5-flash", "generate_content", False),
        ("/google/v1beta/tunedModels/Mine:generateContent", "tunedModels/Mine", "generate_content", False),
        ("/google/v1beta/models/gemini-embedding-001:embedContent", "gemini-embedding-001", "embed_content", False),
        ("/google/v1beta/models/text-004:batchEmbedContents", "text-004", "embed_content", False),
        ("/google/v1beta/models/imagen-4:predict", "imagen-4", "predict", False),
        (
            "/google/v1/projects/p/locations/l/publishers/google/models/gemini-3:generateContent",
            "gemini-3",
            "generate_content",
            False,
        ),
    ],
)
def test_google_names_model_and_method_in_the_path(path: str, model: str, flavour: str, streamed: bool) -> None:
    asked = resolve("POST", path.encode())
    assert asked is not None
    assert asked.endpoint is not None
    assert (asked.model, asked.endpoint.flavour, asked.streamed) == (model, flavour, streamed)
    assert (Provider.GOOGLE, flavour) in FLAVOURS


def test_a_google_stream_is_an_array_unless_it_is_asked_as_events() -> None:
    path = b"/google/v1beta/models/m:streamGenerateContent"
    arrays = {query: resolve("POST", path, query) for query in (b"", b"alt=sse", b"key=x&ALT=SSE", b"alt=json")}
    assert [asked is not None and asked.in_array for asked in arrays.values()] == [True, False, False, True]


@pytest.mark.parametrize(
    ("method", "path", "flavour", "polled"),
    [
        ("GET", "/openai/v1/responses/resp_1", "responses", "resp_1"),
        ("POST", "/openai/v1/responses/resp_1/cancel", "responses", "resp_1"),
        ("GET", "/google/v1beta/interactions/int_1", "interactions", "int_1"),
        ("GET", "/google/v1beta/models/veo-3/operations/op1", "predict", "op1"),
        ("GET", "/xai/v1/chat/deferred-completion/req_1", "chat", "req_1"),
        ("GET", "/xai/v1/videos/vid_1", "images", "vid_1"),
        ("GET", "/perplexity/v1/responses/resp_p", "responses", "resp_p"),
        ("GET", "/perplexity/async/chat/completions/req_1", "sonar", "req_1"),
        ("GET", "/custom/lab/v1/responses/resp_1", "responses", "resp_1"),
    ],
)
def test_work_in_the_background_is_metered_when_it_is_asked_after(
    method: str, path: str, flavour: str, polled: str
) -> None:
    asked = resolve(method, path.encode())
    assert asked is not None
    assert asked.endpoint is not None
    assert (asked.endpoint.flavour, asked.polled) == (flavour, polled)


@pytest.mark.parametrize(
    "path",
    [
        "/openai/v1/chat%2Fcompletions",
        "/openai/v1/%63hat/completions",
        "/openai/v1/%2563hat/completions",
        "/openai/v1/Chat/Completions/",
        "/openai/v1/chat;x=1/completions",
        "/openai/v1/chat/completions%3Fx",
    ],
)
def test_no_other_spelling_escapes_the_meter(path: str) -> None:
    asked = resolve("POST", path.encode())
    assert asked is not None
    assert asked.endpoint == Endpoint("chat")
    assert path.encode().endswith(asked.target)


def test_the_query_goes_out_byte_for_byte() -> None:
    asked = resolve("GET", b"/openai/v1/models", b"a=%2e%2E&b=/../x&&c=[1]%0d%0a+")
    assert asked is not None
    assert asked.target == b"/models?a=%2e%2E&b=/../x&&c=[1]%0d%0a+"
    assert resolve("GET", b"/openai/v1/models", b"a b") is None
    assert resolve("GET", b"/openai/v1/models", b"a\r\nX: y") is None
    assert resolve("GET", b"/openai/v1/models", b"a#b") is None


@pytest.mark.parametrize(
    ("query", "key", "target"),
    [
        (b"key=gdn_x", b"gdn_x", b"/v1beta/models"),
        (b"a=%20&key=gdn_x&&b=1", b"gdn_x", b"/v1beta/models?a=%20&&b=1"),
        (b"%6bEy=gdn%5fx&key=gdn_y&pagekey=1", b"gdn_x", b"/v1beta/models?pagekey=1"),
        (b"pageSize=1", None, b"/v1beta/models?pageSize=1"),
        (b"", None, b"/v1beta/models"),
    ],
)
def test_a_token_in_a_query_to_google_does_not_go_out(query: bytes, key: bytes | None, target: bytes) -> None:
    asked = resolve("GET", b"/google/v1beta/models", query)
    assert asked is not None
    assert without_key(asked) == (key, asked._replace(target=target))
    other = resolve("GET", b"/custom/lab/v1/models", query)
    assert other is not None
    assert without_key(other) == (None, other)


def test_a_label_is_decoded_once() -> None:
    asked = resolve("GET", b"/custom/my%20l%C3%A4b%2F%2531/v1/models")
    assert asked is not None
    assert (asked.label, asked.target) == ("my läb/%31", b"/models")
    assert resolve("GET", b"/custom/%ff/v1/models") is None


@pytest.mark.parametrize(
    "path",
    [
        "/", "/openai", "/openai/v1", "/openai/v2/models", "/openai/v1x/models", "/openai/v1@evil.com/x",
        "/health/live",
        "//evil.com/openai/v1/models", "http://evil.com/openai/v1/models", "*", "evil.com:443", "/custom//v1/models",
        "/custom/lab/models", "/custom/lab/v1",
        "/openai/v1/..", "/openai/v1/../x", "/openai/v1/./x", "/openai/v1/a/../../x", "/anthropic//evil.com/x",
        "/anthropic/v1//messages", "/openai/v1//", "/openai/v1/%2e%2e/x", "/openai/v1/.%2E/x",
        "/openai/v1/%252e%252e/x",
        "/openai/v1/%25252e%25252e/x", "/openai/v1/..%2fx", "/openai/v1/a%2f..%2f..%2fx", "/openai/v1/%2f/x",
        "/openai/v1/..%5cx", "/openai/v1/..\\x", "/openai/v1/\\evil.com", "/openai/v1/..;/x", "/openai/v1/..;a=b/x",
        "/openai/v1/%2e%2e%3b/x", "/openai/v1/.. /x", "/openai/v1/..%20/x", "/openai/v1/..%00/x", "/openai/v1/a%0d%0ab",
        "/openai/v1/%c0%ae%c0%ae/x", "/openai/v1/%ef%bc%8e%ef%bc%8e/x", "/openai/v1/a%ef%bc%8f..%ef%bc%8fx",
        "/openai/v1/%u002e%u002e/x", "/openai/v1/%", "/openai/v1/%2", "/openai/v1/a b", "/openai/v1/a\r\nHost: evil",
        "/openai/v1/a\tb", "/openai/v1/a#b", "/openai/v1/a?b", "/openai/v1/ä", "/openai/v1/%" + "25" * 9 + "2e",
        "/openai/v1/" + "a" * 2_100,
    ],
)  # fmt: skip
def test_paths_that_could_leave_the_base_url_are_refused(path: str) -> None:
    assert resolve("GET", path.encode()) is None


def test_a_path_that_does_not_resolve_is_refused_in_its_vendors_words() -> None:
    paths = [b"/anthropic/../x", b"/google//x", b"/openai/v1/..", b"/custom/x", b"/nothing"]
    assert [dialect_of(path) for path in paths] == ["anthropic", "google", "openai", "openai", "openai"]


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "PRI", "get", "", "GET /x HTTP/1.1\r\nX:"])
def test_methods_that_no_vendor_has_are_refused(method: str) -> None:
    assert resolve(method, b"/openai/v1/models") is None


PREFIXES = ["/openai/v1", "/anthropic", "/google", "/xai/v1", "/perplexity", "/custom/lab/v1"]
PIECES = [
    "/", "//", ".", "..", "%2e", "%2E", "%252e", "%2f", "%5c", "\\", ";", ":", "@", "?", "#", "%", "%25", "%00",
    "%0d%0a", "\r\n", " ", "%20", "http://", "evil.com", "v1", "models", "%c0%ae", "%ef%bc%8e", "．", "%e2%80%a5", "‥",
    "a", "x=1",
]  # fmt: skip


@settings(max_examples=1_500)
@given(
    prefix=st.sampled_from(PREFIXES),
    pieces=st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=9),
    query=st.one_of(st.just(b""), st.binary(max_size=12), st.sampled_from([b"../..", b"x=\r\n", b"@evil.com"])),
    base=st.sampled_from([b"", b"/v1", b"/api/v1"]),
)
@example(prefix="/openai/v1", pieces=["/", "%252e", "%252e", "/x"], query=b"", base=b"/v1")
def test_a_target_never_leaves_its_base(prefix: str, pieces: list[str], query: bytes, base: bytes) -> None:
    asked = resolve("POST", (prefix + "".join(pieces)).encode("utf-8", "surrogatepass"), query)
    if asked is not None:
        check(asked, base)


def check(asked: Asked, base: bytes) -> None:
    """As servers see it: none, one or several decodings, dot segments removed, backslashes taken for slashes."""
    target = base + asked.target
    assert target.startswith(base + b"/")
    assert not target.startswith(b"//")
    assert all(0x21 <= byte <= 0x7E for byte in target)
    assert b"#" not in target
    path = target.partition(b"?")[0]
    for _ in range(6):
        for seen in (path, path.replace(b"\\", b"/"), b"/".join(part.partition(b";")[0] for part in path.split(b"/"))):
            resolved = posixpath.normpath(seen)
            assert resolved.startswith(base + b"/") or resolved == (base or b"/")
            assert not resolved.startswith(b"//")
            assert b"\r" not in seen
            assert b"\n" not in seen
        path = unquote_to_bytes(path)
