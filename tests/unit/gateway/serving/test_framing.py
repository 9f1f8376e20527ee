"""Requests and answers over real sockets: framing, kept connections, what has no body, what breaks a line."""

import asyncio

import pytest

from guardian.gateway.serving import Receive, Scope, Send
from tests.unit.gateway.http.servers import run
from tests.unit.gateway.serving.stage import GET, answer, echo, in_pieces, serving


def test_a_connection_is_kept_for_request_after_request(loop: str) -> None:
    async def test() -> None:
        async with serving(echo) as stage:
            caller = await stage.call()
            for number in range(3):
                await caller.say(b"POST /a%%20b/%d?x=1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" % number)
                head, body = await caller.answer()
                assert head.startswith(b"HTTP/1.1 200 OK\r\ncontent-length: ")
                assert b"content-type: application/json\r\n" in head
                assert b"connection" not in head.lower()
                assert body == b"POST /a%%20b/%d x=1 hello" % number

    run(test(), loop)


def test_names_of_headers_come_in_lower_case() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, repr(scope["headers"]).encode())

    async def test() -> None:
        async with serving(application) as stage:
            caller = await stage.call()
            await caller.say(b"GET / HTTP/1.1\r\nX-One:  Two \r\nX-ONE: 3\r\n\r\n")
            assert (await caller.answer())[1] in (
                b"[(b'x-one', b'Two'), (b'x-one', b'3')]",
                b"[(b'x-one', b'Two '), (b'x-one', b'3')]",
            )

    run(test())


def test_a_body_comes_in_chunks_cut_anywhere(loop: str) -> None:
    async def test() -> None:
        async with serving(echo) as stage:
            caller = await stage.call()
            request = (
                b"PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n"
            )
            for place in range(len(request)):
                await caller.say(request[place : place + 1])
            assert (await caller.answer())[1] == b"PUT /c  hello!"
            await caller.say(request)
            assert (await caller.answer())[1] == b"PUT /c  hello!"

    run(test(), loop)


def test_an_answer_without_a_length_goes_out_in_chunks(loop: str) -> None:
    async def test() -> None:
        async with serving(in_pieces) as stage:
            caller = await stage.call()
            for _ in range(2):
                await caller.say(GET)
                assert b"transfer-encoding: chunked\r\n" in await caller.head()
                assert await caller.reader.readuntil(b"0\r\n\r\n") == b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"

    run(test(), loop)


def test_http_1_0_gets_an_answer_that_ends_with_the_connection() -> None:
    async def test() -> None:
        async with serving(in_pieces) as stage:
            caller = await stage.call()
            await caller.say(b"GET / HTTP/1.0\r\n\r\n")
            assert b"connection: close\r\n" in (head := await caller.head())
            assert b"chunked" not in head
            assert await caller.rest() == b"onethree"

    run(test())


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_answers_that_have_no_body_keep_the_connection_in_step(method: str, status: int) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"9")] if status != 204 else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"nine byte" if method == "HEAD" else b""})

    async def test() -> None:
        async with serving(application) as stage:
            caller = await stage.call()
            for _ in range(2):
                await caller.say(f"{method} / HTTP/1.1\r\n\r\n".encode())
                head = await caller.head()
                assert head.startswith(b"HTTP/1.1 %d " % status)
                assert b"chunked" not in head

    run(test())


def test_who_asks_to_close_is_closed() -> None:
    async def test() -> None:
        async with serving(echo) as stage:
            caller = await stage.call()
            await caller.say(b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n")
            head, body = await caller.answer()
            assert b"connection: close\r\n" in head
            assert body == b"GET /x  "
            assert await caller.rest() == b""

    run(test())


def test_a_request_before_its_turn_is_not_answered(loop: str) -> None:
    asked: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await asyncio.sleep(0.05)
        await answer(send, b"once")

    async def test() -> None:
        async with serving(application) as stage:
            caller = await stage.call()
            await caller.say(b"GET /first HTTP/1.1\r\n\r\nGET /second HTTP/1.1\r\n\r\n")
            head, body = await caller.answer()
            assert (b"connection: close\r\n" in head, body) == (True, b"once")
            assert await caller.rest() == b""

    run(test(), loop)
    assert asked == ["/first"]


def test_an_offer_of_another_protocol_is_passed_over() -> None:
    async def test() -> None:
        async with serving(echo) as stage:
            caller = await stage.call()
            await caller.say(b"GET /x HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n")
            assert (await caller.answer())[1] == b"GET /x  "

    run(test())


def test_an_answer_that_stops_halfway_is_cut_off_quietly(loop: str, caplog: pytest.LogCaptureFixture) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    async def test() -> None:
        async with serving(application) as stage:
            caller = await stage.call()
            await caller.say(GET)
            await caller.head()
            assert await caller.rest() == b"4\r\nhalf\r\n"

    run(test(), loop)
    assert not caplog.records


def test_what_nobody_foresaw_is_an_error_of_ours() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/late":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        raise RuntimeError("nobody foresaw this")

    async def test() -> None:
        async with serving(application) as stage:
            caller = await stage.call()
            await caller.say(GET)
            assert (await caller.answer())[0].startswith(b"HTTP/1.1 500 ")
            await caller.say(b"GET /late HTTP/1.1\r\n\r\n")
            await caller.head()
            assert await caller.rest() == b""

    run(test())


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\x00b"])
def test_no_header_breaks_out_of_its_line(value: bytes) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"", (b"x", value))

    async def test() -> None:
        async with serving(application) as stage:
            caller = await stage.call()
            await caller.say(GET)
            head, _ = await caller.answer()
            assert head.startswith(b"HTTP/1.1 500 ")
            assert b"cookie" not in head

    run(test())


@pytest.mark.parametrize("body", [b"long", b"lo"])
def test_a_body_is_as_long_as_it_was_promised(body: bytes) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
        await send({"type": "http.response.body", "body": body})

    async def test() -> None:
        async with serving(application) as stage:
            caller = await stage.call()
            await caller.say(GET)
            await caller.head()
            assert len(await caller.rest()) < 3

    run(test())


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (b"http://there/a/b?c=d", b"GET /a/b c=d "),
        (b"http://there/", b"GET /  "),
        (b"/a//b?c?d#e", b"GET /a//b c?d#e "),
    ],
)
def test_an_absolute_address_is_its_path(address: bytes, told: bytes) -> None:
    async def test() -> None:
        async with serving(echo) as stage:
            caller = await stage.call()
            await caller.say(b"GET %b HTTP/1.1\r\n\r\n" % address)
            assert (await caller.answer())[1] == told

    run(test())
