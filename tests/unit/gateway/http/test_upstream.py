"""What a base URL says of a server, which headers travel on, and what is no base URL."""

import pytest

from guardian.errors import ConfigurationError
from guardian.gateway.http import Upstream, end_to_end


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "prefix", "authority"),
    [
        ("https://api.openai.com/v1", "https", "api.openai.com", 443, b"/v1", b"api.openai.com"),
        ("https://api.anthropic.com", "https", "api.anthropic.com", 443, b"", b"api.anthropic.com"),
        ("https://api.anthropic.com/", "https", "api.anthropic.com", 443, b"", b"api.anthropic.com"),
        ("http://127.0.0.1:8080/a/b/", "http", "127.0.0.1", 8080, b"/a/b", b"127.0.0.1:8080"),
        ("https://host:443/v1", "https", "host", 443, b"/v1", b"host"),
        ("http://[::1]:9/v1", "http", "::1", 9, b"/v1", b"[::1]:9"),
    ],
)
def test_a_base_url(url: str, scheme: str, host: str, port: int, prefix: bytes, authority: bytes) -> None:
    assert Upstream.of(url) == Upstream(scheme, host, port, True, False, prefix, authority)


@pytest.mark.parametrize(
    "url",
    [
        "", "api.openai.com", "ftp://host/x", "https://", "https://user:secret@host/v1", "https://host/v1?x=1",
        "https://host/v1#x", "https://host:port/", "https://ho st/", "https://host/v1\r\nx: y", "https://host\\@evil/",
        "https://hóst/",
    ],
)  # fmt: skip
def test_what_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError) as found:
        Upstream.of(url)
    assert "secret" not in found.value.message


def test_connections_are_shared_by_place_and_trust() -> None:
    one = Upstream.of("https://host/v1")
    assert one.place == Upstream.of("https://host/v2").place
    others = [
        Upstream.of("http://host/v1"),
        Upstream.of("https://host:8443/v1"),
        Upstream.of("https://host/v1", verify_tls=False),
        Upstream.of("https://host/v1", checked=True),
    ]
    assert len({one.place, *(other.place for other in others)}) == 5


def test_headers_of_a_connection_do_not_travel_on() -> None:
    sent = [
        (b"Connection", b"close, X-Private"),
        (b"Keep-Alive", b"timeout=5"),
        (b"x-private", b"1"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Content-Type", b"text/event-stream"),
        (b"X-Request-Id", b"req_1"),
    ]
    assert end_to_end(sent) == [(b"Content-Type", b"text/event-stream"), (b"X-Request-Id", b"req_1")]
