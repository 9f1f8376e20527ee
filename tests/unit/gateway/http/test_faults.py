"""Servers that cut, stall, lie, babble or are not there: each failure by its name, and no connection used after it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from guardian.embedded.processes import free_port
from guardian.gateway.http import (
    AddressRefused,
    ConnectFailed,
    CutShort,
    FirstByteTimeout,
    IdleTimeout,
    Limits,
    Malformed,
    Pool,
    Upstream,
    UpstreamFailure,
)
from guardian.gateway.http.connection import MOST_HEAD_BYTES
from tests.unit.gateway.http.servers import LOOPS, Reader, Server, Writer, pool, post, run, serve, until

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"


def script_of(*parts: bytes | float) -> Callable[[Reader, Writer], Awaitable[None]]:
    """Reads a head and writes the parts; a number is a pause in seconds, the end is a close."""

    async def script(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2 if b"content-length: 2" in head else 0)
        for part in parts:
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
            else:
                await asyncio.sleep(part)

    return script


async def failure_of(client: Pool, server: Server) -> tuple[bytes, UpstreamFailure]:
    """What came of the body, and how it ended."""
    found = bytearray()
    try:
        answer = await post(client, server)
        async for piece in answer.chunks():
            found += piece
    except UpstreamFailure as failure:
        await until(lambda: client.counts == (0, 0))
        return bytes(found), failure
    raise AssertionError("the answer was taken for whole")


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("wire", [LENGTH, CHUNKS], ids=["length", "chunks"])
def test_an_answer_cut_at_any_byte_is_never_taken_for_whole(wire: bytes, loop: str) -> None:
    async def test() -> None:
        cuts = iter(range(len(wire)))
        head = wire.index(b"\r\n\r\n") + 4

        async def script(reader: Reader, writer: Writer) -> None:
            await server.request(reader)
            writer.write(wire[: next(cuts)])

        async with serve(script) as server, pool() as client:
            for cut in range(len(wire)):
                body, failure = await failure_of(client, server)
                assert isinstance(failure, CutShort)
                assert failure.sent
                assert failure.untouched == (cut == 0)
                assert b"hello world".startswith(body)
                assert cut > head or not body
            assert server.connections == len(wire)  # a fresh connection is never tried twice

    run(test(), loop)


def test_a_reset_in_a_body_that_ends_with_the_connection_is_a_cut() -> None:
    async def test() -> None:
        async def script(reader: Reader, writer: Writer) -> None:
            await server.request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
            await writer.drain()
            await asyncio.sleep(0.05)
            found: socket.socket = writer.get_extra_info("socket")
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            writer.transport.abort()

        async with serve(script) as server, pool() as client:
            body, failure = await failure_of(client, server)
            assert (body, type(failure)) == (b"half", CutShort)

    run(test())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("parts", "kind", "body"),
    [
        ((9.0,), FirstByteTimeout, b""),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", 9.0), FirstByteTimeout, b""),
        ((b"HTTP/1.1 200 OK\r\nConte", 9.0), IdleTimeout, b""),
        ((LENGTH[:-5], 9.0), IdleTimeout, b"hello "),
        ((CHUNKS[:-5], 9.0), IdleTimeout, b"hello world"),
    ],
    ids=["silent", "interim", "head", "length", "chunks"],
)
def test_a_server_that_stalls_is_left(
    parts: tuple[bytes | float, ...], kind: type[UpstreamFailure], body: bytes, loop: str
) -> None:
    async def test() -> None:
        async with serve(script_of(*parts)) as server, pool(first_byte=0.5, idle=0.5) as client:
            found, failure = await failure_of(client, server)
            assert (found, type(failure)) == (body, kind)
            assert failure.status_code == 504

    run(test(), loop)


def test_a_request_may_have_a_limit_of_its_own() -> None:
    async def test() -> None:
        async with serve(script_of(9.0)) as server, pool() as client:
            with pytest.raises(FirstByteTimeout, match=r"within 0\.2 s"):
                await client.send(server.upstream(), b"GET", b"/x", [], first_byte=0.2)

    run(test())


def test_a_caller_who_leaves_at_the_last_moment_disturbs_nobody() -> None:
    """The answer is whole and its connection serves another request by the time that the caller is told."""

    async def test() -> None:
        async with serve(LENGTH) as server, pool() as client:
            for _ in range(200):
                leaving = asyncio.ensure_future(post(client, server))
                await asyncio.sleep(0)
                while client.counts[0]:
                    await asyncio.sleep(0)
                other = asyncio.ensure_future(post(client, server))
                leaving.cancel()
                assert await (await other).read() == b"hello world"
            assert server.connections == 1

    run(test())


def test_a_slow_stream_is_not_a_stalled_one() -> None:
    async def test() -> None:
        parts = [part for at in range(len(CHUNKS)) for part in (CHUNKS[at : at + 1], 0.02)]
        async with serve(script_of(*parts)) as server, pool(first_byte=1, idle=1) as client:
            assert await (await post(client, server)).read() == b"hello world"

    run(test())


@pytest.mark.parametrize(
    "wire",
    [
        b"<html><body>502 Bad Gateway</body></html>",
        b"SSH-2.0-OpenSSH_9.7\r\n",
        b"\x00\xff" * 50,
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: eleven\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n" + b"x" * (MOST_HEAD_BYTES + 70_000),
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 30_000 + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 30_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"x" * (MOST_HEAD_BYTES + 300_000),
    ],
)
def test_what_is_no_http_is_named_so(wire: bytes) -> None:
    async def test() -> None:
        async with serve(script_of(wire, 9.0)) as server, pool(first_byte=2, idle=2) as client:
            _, failure = await failure_of(client, server)
            assert isinstance(failure, Malformed)
            assert len(failure.message) < 200

    run(test())


def test_large_headers_within_the_limit_are_fine() -> None:
    async def test() -> None:
        head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: %b\r\n" % (n, b"v" * 900) for n in range(60))
        wire = head + b"Content-Length: 2\r\n\r\nok"
        parts = [wire[at : at + 1_000] for at in range(0, len(wire), 1_000)]
        async with serve(script_of(*parts)) as server, pool() as client:
            answer = await post(client, server)
            assert len(answer.headers) == 61
            assert await answer.read() == b"ok"

    run(test())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    "more", [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"surplus", b"\x00"], ids=["answer", "text", "zero"]
)
def test_more_than_was_promised_never_reaches_anybody(more: bytes, loop: str) -> None:
    async def test() -> None:
        async with serve(LENGTH + more) as server, pool() as client:
            for _ in range(3):
                assert await (await post(client, server)).read() == b"hello world"
            assert server.connections == 3

    run(test(), loop)


def test_bytes_on_a_kept_connection_close_it() -> None:
    async def test() -> None:
        go = asyncio.Event()

        async def script(reader: Reader, writer: Writer) -> None:
            await server.request(reader)
            writer.write(LENGTH)
            await go.wait()
            writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
            await reader.read()

        async with serve(script) as server, pool() as client:
            assert await (await post(client, server)).read() == b"hello world"
            assert client.counts == (0, 1)
            go.set()
            await until(lambda: client.counts == (0, 0))
            assert await (await post(client, server)).read() == b"hello world"

    run(test())


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nConnection: close", b"HTTP/1.0 200 OK"])
def test_a_connection_is_kept_only_when_the_server_keeps_it(head: bytes) -> None:
    async def test() -> None:
        async with serve(head + b"\r\nContent-Length: 2\r\n\r\nok") as server, pool() as client:
            for _ in range(2):
                assert await (await post(client, server)).read() == b"ok"
            assert server.connections == 2
            assert client.counts == (0, 0)

    run(test())


def test_kept_connections_are_closed_when_they_are_not_used() -> None:
    async def test() -> None:
        async with serve(LENGTH) as server, pool(keep_alive=0.1) as client:
            await (await post(client, server)).read()
            assert client.counts == (0, 1)
            await until(lambda: client.counts == (0, 0))

    run(test())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_that_the_server_closed_while_it_was_kept_is_replaced(loop: str) -> None:
    async def test() -> None:
        async def script(reader: Reader, writer: Writer) -> None:
            await server.request(reader)
            writer.write(LENGTH)
            await writer.drain()

        async with serve(script) as server, pool() as client:
            for _ in range(50):  # the close comes before, with, or after the next request
                assert await (await post(client, server)).read() == b"hello world"
            assert len(server.requests) == 50

    run(test(), loop)


def crossing(requests: int) -> Callable[[Reader, Writer], Awaitable[None]]:
    """Answers the first request of all, closes at sight of the second on the same connection, then answers on."""
    seen = 0

    async def script(reader: Reader, writer: Writer) -> None:
        nonlocal seen
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.read(10) if b"chunked" in head else await reader.readexactly(2)
            seen += 1
            if 1 < seen <= requests:
                return
            writer.write(LENGTH)

    return script


def test_a_request_that_crossed_the_close_is_sent_once_more() -> None:
    async def test() -> None:
        async with serve(crossing(2)) as server, pool() as client:
            await (await post(client, server)).read()
            assert await (await post(client, server)).read() == b"hello world"
            assert server.connections == 2

    run(test())


def test_it_is_sent_once_more_and_never_again() -> None:
    async def test() -> None:
        async with serve(crossing(99)) as server, pool() as client:
            await (await post(client, server)).read()
            _, failure = await failure_of(client, server)
            assert isinstance(failure, CutShort)
            assert server.connections == 2

    run(test())


def test_a_body_that_cannot_be_had_again_is_not_sent_again() -> None:
    async def test() -> None:
        async def parts() -> AsyncIterator[bytes]:
            yield b"once"

        async with serve(crossing(2)) as server, pool() as client:
            await (await post(client, server)).read()
            with pytest.raises(CutShort):
                await client.send(server.upstream(), b"POST", b"/x", [], parts())
            assert server.connections == 1

    run(test())


def test_a_server_that_may_have_worked_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A POST whose kept connection is closed after a while may have been billed; a GET changes nothing."""
    monkeypatch.setattr("guardian.gateway.http.pool._CROSSING_SECONDS", 0.0)

    async def test() -> None:
        async with serve(crossing(2)) as server, pool() as client:
            await (await post(client, server)).read()
            assert isinstance((await failure_of(client, server))[1], CutShort)
        async with serve(crossing(2)) as server, pool() as client:
            await (await post(client, server)).read()
            assert await (await post(client, server, b"{}", b"PUT")).read() == b"hello world"

    run(test())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_caller_who_leaves_closes_the_connection(loop: str) -> None:
    async def test() -> None:
        gone = asyncio.Event()

        async def script(reader: Reader, writer: Writer) -> None:
            await server.request(reader)
            if len(server.requests) == 2:
                writer.write(LENGTH[:-3])
            await reader.read()
            gone.set()

        async with serve(script) as server, pool() as client:
            waiting = asyncio.ensure_future(post(client, server))
            await until(lambda: len(server.requests) == 1)
            waiting.cancel()
            await gone.wait()
            gone.clear()
            answer = await post(client, server)
            answer.abort()
            await gone.wait()
            with pytest.raises(CutShort):
                await answer.read()
            await until(lambda: client.counts == (0, 0))

    run(test(), loop)


def test_a_body_that_breaks_off_breaks_off_the_request() -> None:
    async def test() -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"half"
            raise ConnectionResetError("the caller is gone")

        async def short() -> AsyncIterator[bytes]:
            yield b"half"

        async def long() -> AsyncIterator[bytes]:
            yield b"half"
            yield b"and more"

        async def script(reader: Reader, writer: Writer) -> None:
            await reader.read()

        async with serve(script) as server, pool() as client:
            with pytest.raises(ConnectionResetError):
                await client.send(server.upstream(), b"POST", b"/x", [], broken())
            with pytest.raises(ValueError, match="shorter"):
                await client.send(server.upstream(), b"POST", b"/x", [], short(), length=9)
            with pytest.raises(ValueError, match="longer"):
                await client.send(server.upstream(), b"POST", b"/x", [], long(), length=9)
            await until(lambda: client.counts == (0, 0))

    run(test())


def test_closing_ends_what_is_under_way() -> None:
    async def test() -> None:
        async with serve(script_of(9.0)) as server:
            client = Pool(Limits())
            waiting = asyncio.ensure_future(post(client, server))
            await until(lambda: server.connections == 1)
            await client.close()
            with pytest.raises(CutShort):
                await waiting
            with pytest.raises(ConnectFailed):
                await post(client, server)

    run(test())


@pytest.mark.parametrize("loop", LOOPS)
def test_nobody_there(loop: str) -> None:
    async def test() -> None:
        async with pool(connect=0.3) as client:
            for url in (f"http://127.0.0.1:{free_port()}", "http://nobody.invalid"):
                with pytest.raises(ConnectFailed) as found:
                    await client.send(Upstream.of(url), b"GET", b"/x", [])
                assert not found.value.sent
            with socket.socket() as full:  # a backlog that is full: nobody answers the handshake
                full.bind(("127.0.0.1", 0))
                full.listen(0)
                others = [socket.socket() for _ in range(4)]
                for other in others:
                    other.setblocking(False)
                    other.connect_ex(full.getsockname())
                with pytest.raises(ConnectFailed, match=r"within 0\.3 s"):
                    await client.send(Upstream.of(f"http://127.0.0.1:{full.getsockname()[1]}"), b"GET", b"/x", [])
                for other in others:
                    other.close()

    run(test(), loop)


def test_an_address_that_a_user_gave_must_be_public_or_allowed() -> None:
    async def test() -> None:
        async with serve(LENGTH) as server, pool() as client:
            given = Upstream.of(server.url, checked=True)
            with pytest.raises(AddressRefused, match="OUTBOUND_ALLOWLIST") as found:
                await client.send(given, b"GET", b"/x", [])
            assert not found.value.sent
            assert server.connections == 0
            allowing = Pool(allowed=("127.0.0.1",))
            assert await (await allowing.send(given, b"GET", b"/x", [])).read() == b"hello world"
            await allowing.close()

    run(test())


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """localhost is ::1 and 127.0.0.1 here; the server listens on the second one only."""

    async def test() -> None:
        async with serve(LENGTH) as server, pool() as client:
            port = int(server.url.rpartition(":")[2])
            found = [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")
            ]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            upstream = Upstream.of(f"http://two.example:{port}")
            assert await (await client.send(upstream, b"GET", b"/x", [])).read() == b"hello world"

    run(test(), "uvloop")
