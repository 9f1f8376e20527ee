"""Connections through a proxy of the environment: a tunnel, in which TLS and what a user may reach stay as they are."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest

from guardian.gateway.http import AddressRefused, ConnectFailed, TlsFailed, Upstream
from tests.unit.gateway.http.servers import LOOPS, Reader, Server, Writer, pool, run, serve
from tests.unit.gateway.http.test_tls import Authority, authority

__all__ = ["authority"]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
DONE = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n"


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def proxy_to(target: Server, answer: bytes = DONE) -> AsyncIterator[Server]:
    """A proxy that connects to `target`, whatever it is asked for."""
    place = urlsplit(target.url)

    async def pump(reader: Reader, writer: Writer) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def script(reader: Reader, writer: Writer) -> None:
        await asked_of.request(reader)
        for part in (answer[:9], answer[9:]):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if answer is not DONE:
            return
        onward, backward = await asyncio.open_connection(place.hostname, place.port)
        try:
            await asyncio.gather(pump(reader, backward), pump(onward, writer))
        finally:
            backward.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await backward.wait_closed()

    async with serve(script) as asked_of:
        yield asked_of


@pytest.mark.parametrize("loop", LOOPS)
def test_tls_goes_through_it_under_the_providers_name(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    async def test() -> None:
        context = authority.server("provider.invalid")
        async with serve(ANSWER, tls=context) as server, proxy_to(server) as proxy, pool() as client:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://us%20er:word@"))
            upstream = Upstream.of("https://provider.invalid/v1")
            for _ in range(2):
                answer = await client.send(upstream, b"POST", b"/x", [(b"authorization", b"Bearer secret")], b"{}")
                assert await answer.read() == b"ok"
            assert (proxy.connections, server.connections, len(server.requests)) == (1, 1, 2)
            head = proxy.requests[0]
            assert head.startswith(b"CONNECT provider.invalid:443 HTTP/1.1\r\nhost: provider.invalid:443\r\n")
            assert b"proxy-authorization: Basic " + b64encode(b"us er:word") + b"\r\n" in head
            assert b"secret" not in head
            assert b"proxy-authorization" not in server.requests[0].lower()
            with pytest.raises(TlsFailed, match=r"other\.invalid"):
                await client.send(Upstream.of("https://other.invalid/v1"), b"POST", b"/x", [], b"{}")

    run(test(), loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_plain_http_goes_through_a_tunnel_too_and_no_proxy_around_it(
    monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    async def test() -> None:
        async with serve(ANSWER) as server, proxy_to(server) as proxy, pool() as client:
            monkeypatch.setenv("HTTP_PROXY", urlsplit(proxy.url).netloc)
            answer = await client.send(Upstream.of("http://provider.invalid:81/v1"), b"GET", b"/x", [])
            assert await answer.read() == b"ok"
            assert proxy.requests[0].startswith(b"CONNECT provider.invalid:81 HTTP/1.1\r\n")
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            assert await (await client.send(server.upstream("/v1"), b"GET", b"/x", [])).read() == b"ok"
            assert (proxy.connections, server.connections) == (1, 2)

    run(test(), loop)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "answered 407"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1", "does not speak HTTP"),
    ],
)
def test_a_proxy_that_does_not_connect_is_named(monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str) -> None:
    async def test() -> None:
        async with serve(ANSWER) as server, proxy_to(server, answer) as proxy, pool() as client:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with pytest.raises(ConnectFailed, match=f"proxy did not connect to provider.invalid: .*{said}") as found:
                await client.send(Upstream.of("https://provider.invalid/v1"), b"POST", b"/x", [], b"{}")
            assert not found.value.sent
            assert client.counts == (0, 0)

    run(test())


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("http://127.0.0.1:1", "127.0.0.1:1 cannot be connected to"),
        ("socks5://127.0.0.1:1", "no address that looks like"),
        ("http://127.0.0.1:port", "no address that looks like"),
    ],
)
def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch, told: str, said: str) -> None:
    async def test() -> None:
        monkeypatch.setenv("HTTPS_PROXY", told)
        async with pool() as client:
            with pytest.raises(ConnectFailed, match=said):
                await client.send(Upstream.of("https://provider.invalid/v1"), b"POST", b"/x", [], b"{}")

    run(test())


def test_it_does_not_lead_around_what_a_user_may_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with serve(ANSWER) as server, proxy_to(server) as proxy, pool() as client:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            with pytest.raises(AddressRefused, match="OUTBOUND_ALLOWLIST"):
                await client.send(Upstream.of(server.url, checked=True), b"GET", b"/x", [])
            assert proxy.connections == 0
            # A name that only the proxy knows is the proxy's to judge.
            answer = await client.send(Upstream.of("http://inside.invalid", checked=True), b"GET", b"/x", [])
            assert await answer.read() == b"ok"

    run(test())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_server_without_tls_behind_it_is_named_so(monkeypatch: pytest.MonkeyPatch, loop: str) -> None:
    async def script(reader: Reader, writer: Writer) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def test() -> None:
        async with serve(script) as server, proxy_to(server) as proxy, pool() as client:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with pytest.raises(TlsFailed, match=r"provider\.invalid"):
                await client.send(Upstream.of("https://provider.invalid"), b"GET", b"/x", [])

    run(test(), loop)
