"""Every way to frame an answer, read whole and in pieces, split wherever a network may split it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.gateway.http.servers import LOOPS, Reader, Server, Writer, pool, post, run, serve

PLAIN = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n"
    b"X-Twice: a\r\nx-twice: b\r\n\r\nhello world"
)
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;note=x\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX-Sum: 7\r\n\r\n"
)
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + PLAIN


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("wire", [PLAIN, CHUNKED, INTERIM], ids=["length", "chunks", "interim"])
def test_an_answer_split_at_every_byte_is_the_same(wire: bytes, loop: str) -> None:
    async def test() -> None:
        splits = iter(range(1, len(wire)))

        async def script(reader: Reader, writer: Writer) -> None:
            while True:
                await server.request(reader)
                at = next(splits)
                writer.write(wire[:at])
                await writer.drain()
                await asyncio.sleep(0)
                writer.write(wire[at:])

        async with serve(script) as server, pool() as client:
            for _ in range(1, len(wire)):
                answer = await post(client, server)
                assert answer.status == 200
                assert await answer.read() == b"hello world"
                assert (b"link", b"</a>") not in answer.headers
            assert server.connections == 1

    run(test(), loop)


def test_an_answer_byte_by_byte_is_the_same() -> None:
    async def test() -> None:
        async def script(reader: Reader, writer: Writer) -> None:
            await server.request(reader)
            for at in range(len(CHUNKED)):
                writer.write(CHUNKED[at : at + 1])
                await writer.drain()
                await asyncio.sleep(0.0005)

        async with serve(script) as server, pool() as client:
            answer = await post(client, server)
            pieces = [piece async for piece in answer.chunks()]
            assert b"".join(pieces) == b"hello world"
            assert len(pieces) > 1
            assert answer.trailers == [(b"X-Sum", b"7")]

    run(test())


def test_headers_come_as_they_were_sent() -> None:
    async def test() -> None:
        async with serve(PLAIN) as server, pool() as client:
            answer = await post(client, server)
            assert answer.headers == [
                (b"Content-Type", b"application/json"),
                (b"Content-Length", b"11"),
                (b"X-Twice", b"a"),
                (b"x-twice", b"b"),
            ]
            assert answer.content_length == 11
            assert answer.header(b"content-type") == b"application/json"
            assert answer.header(b"missing") is None
            assert await answer.read() == b"hello world"
            assert await answer.read() == b""

    run(test())


def test_the_request_is_one_write_with_framing_of_our_own() -> None:
    async def test() -> None:
        async with serve(PLAIN) as server, pool() as client:
            headers = [
                (b"Authorization", b"Bearer k"),
                (b"Host", b"evil.com"),
                (b"Content-Length", b"999"),
                (b"transfer-encoding", b"chunked"),
                (b"connection", b"upgrade"),
            ]
            answer = await client.send(server.upstream("/v1"), b"POST", b"/a?b=%20", headers, b"body")
            await answer.read()
            await (await client.send(server.upstream(), b"GET", b"/models", [])).read()
            host = server.url.removeprefix("http://").encode()
            first = (
                b"POST /v1/a?b=%20 HTTP/1.1\r\nhost: "
                + host
                + b"\r\nAuthorization: Bearer k\r\ncontent-length: 4\r\n\r\nbody"
            )
            assert server.requests == [first, b"GET /models HTTP/1.1\r\nhost: " + host + b"\r\n\r\n"]

    run(test())


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (b"/a\r\nx: y", []),
        (b"/a", [(b"x", b"1\r\ny: 2")]),
        (b"/a", [(b"x", b"1\ny: 2")]),
        (b"/a", [(b"x", b"1\x00")]),
        (b"/a", [(b"x: 1\r\ny", b"2")]),
        (b"/a", [(b"transfer-encoding ", b"chunked")]),
        (b"/a", [(b"", b"2")]),
        (b"http://evil.com/a", []),
        (b"", []),
        (b"/a b", []),
    ],
)
def test_no_header_and_no_path_breaks_out_of_its_line(target: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    async def test() -> None:
        async with serve(PLAIN) as server, pool() as client:
            with pytest.raises(ValueError, match="request"):
                await client.send(server.upstream(), b"POST", target, headers, b"{}")
            assert server.connections == 0

    run(test())


@pytest.mark.parametrize(
    ("method", "wire"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (b"DELETE", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"),
        (b"POST", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_answers_without_a_body_end_at_their_headers(method: bytes, wire: bytes) -> None:
    async def test() -> None:
        async with serve(wire) as server, pool() as client:
            for _ in range(2):
                answer = await post(client, server, b"", method)
                assert answer.is_whole
                assert await answer.read() == b""
            assert server.connections == (2 if method == b"HEAD" else 1)

    run(test())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_body_may_end_with_the_connection(loop: str) -> None:
    async def test() -> None:
        async def script(reader: Reader, writer: Writer) -> None:
            await server.request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>")
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(b"sorry</html>")

        async with serve(script) as server, pool() as client:
            for _ in range(2):
                answer = await post(client, server)
                assert await answer.read() == b"<html>sorry</html>"
            assert server.connections == 2

    run(test(), loop)


def test_redirects_are_answers_like_any_other() -> None:
    async def test() -> None:
        wire = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        async with serve(wire) as server, pool() as client:
            answer = await post(client, server)
            assert (answer.status, answer.header(b"location")) == (307, b"http://127.0.0.1:1/")
            assert len(server.requests) == 1

    run(test())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_slow_reader_holds_the_provider_back(loop: str) -> None:
    async def test() -> None:
        total, part = 64 * 1024 * 1024, b"x" * 65_536
        sent = 0

        async def script(reader: Reader, writer: Writer) -> None:
            nonlocal sent
            await server.request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
            while sent < total:
                writer.write(part)
                await writer.drain()
                sent += len(part)

        # The reader's pause is longer than the limit for silence: it is our own doing.
        async with serve(script) as server, pool(idle=1.0) as client:
            answer = await post(client, server)
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.3)
            assert sent < total / 2
            await asyncio.sleep(1.3)
            read = 0
            async for piece in answer.chunks():
                read += len(piece)
            assert read == total

    run(test(), loop)


@pytest.mark.parametrize("length", [None, 300_000])
def test_a_body_is_sent_as_it_comes(length: int | None) -> None:
    async def test() -> None:
        got = bytearray()

        async def script(reader: Reader, writer: Writer) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"transfer-encoding: chunked" in head:
                while size := int(await reader.readline(), 16):
                    got.extend((await reader.readexactly(size + 2))[:-2])
            else:
                assert b"content-length: 300000" in head
                got.extend(await reader.readexactly(300_000))
            writer.write(PLAIN)

        async def parts() -> AsyncIterator[bytes]:
            for _ in range(30):
                yield b"p" * 10_000
                await asyncio.sleep(0)

        async with serve(script) as server, pool() as client:
            answer = await client.send(server.upstream(), b"POST", b"/x", [], parts(), length=length)
            assert await answer.read() == b"hello world"
            assert bytes(got) == b"p" * 300_000

    run(test())


def test_a_server_that_does_not_read_holds_the_sender_back() -> None:
    async def test() -> None:
        given = 0
        go = asyncio.Event()

        async def parts() -> AsyncIterator[bytes]:
            nonlocal given
            for _ in range(1_000):
                given += 65_536
                yield b"p" * 65_536

        async def script(reader: Reader, writer: Writer) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await go.wait()
            await reader.readexactly(65_536_000)
            writer.write(PLAIN)

        async with serve(script) as server, pool() as client:
            sending = asyncio.ensure_future(
                client.send(server.upstream(), b"POST", b"/x", [], parts(), length=65_536_000)
            )
            before = -1
            while before != given:
                before = given
                await asyncio.sleep(0.2)
            assert given < 65_536_000 / 2
            go.set()
            assert (await (await sending).read()) == b"hello world"

    run(test())


def test_an_early_answer_is_had_and_its_connection_not_used_again() -> None:
    async def test() -> None:
        forever = asyncio.Event()
        closed = asyncio.Event()

        async def parts() -> AsyncIterator[bytes]:
            try:
                yield b"first"
                await forever.wait()
            finally:
                closed.set()

        async def script(reader: Reader, writer: Writer) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(PLAIN.replace(b"200 OK", b"413 Too Large"))
            await reader.read()

        async with serve(script) as server, pool() as client:
            answer = await client.send(server.upstream(), b"POST", b"/x", [], parts())
            assert (answer.status, await answer.read()) == (413, b"hello world")
            await closed.wait()
            assert client.counts == (0, 0)

    run(test())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_large_request_that_is_refused_at_its_head_gets_the_refusal(loop: str) -> None:
    async def test() -> None:
        async def script(reader: Reader, writer: Writer) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(PLAIN.replace(b"200 OK", b"413 Too Large"))
            await writer.drain()

        async with serve(script) as server, pool() as client:
            for _ in range(5):
                answer = await post(client, server, b"x" * 20_000_000)
                assert (answer.status, await answer.read()) == (413, b"hello world")
            assert server.connections == 5

    run(test(), loop)


def test_many_requests_share_few_connections() -> None:
    async def test() -> None:
        async with serve(PLAIN) as server, pool() as client:

            async def some() -> None:
                for _ in range(20):
                    assert await (await post(client, server)).read() == b"hello world"

            await asyncio.gather(*(some() for _ in range(8)))
            assert server.connections <= 8
            assert client.counts == (0, server.connections)
            assert len(server.requests) == 160

    run(test())


def test_servers_do_not_share_connections() -> None:
    async def test() -> None:
        async with serve(PLAIN) as one, serve(CHUNKED) as other, pool() as client:
            for server in (one, other, one, other):
                await (await post(client, server)).read()
            assert [one.connections, other.connections] == [1, 1]
            assert [len(one.requests), len(other.requests)] == [2, 2]
            assert isinstance(one, Server)

    run(test())
