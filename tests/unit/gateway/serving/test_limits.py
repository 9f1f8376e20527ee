"""What is no request, who stalls, who never reads, and how a server ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from guardian.gateway.serving import Application, Receive, Scope, Send
from tests.unit.gateway.http.servers import run
from tests.unit.gateway.serving.stage import GET, QUICK, Caller, answer, body_of, echo, serving


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"hello\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nA b: c\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000, b"431"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"a" * 600_000, b"400"),
    ],
)
def test_what_is_no_request_is_told_so_and_closed(request_bytes: bytes, status: bytes) -> None:
    async def test() -> None:
        async with serving(echo) as stage:
            caller = await stage.call()
            await caller.say(request_bytes)
            head, body = await caller.answer()
            assert head.startswith(b"HTTP/1.1 " + status)
            assert b"connection: close\r\n" in head
            assert body
            assert await caller.rest() == b""

    run(test())


def test_rubbish_behind_a_request_takes_nothing_from_its_answer() -> None:
    async def test() -> None:
        async with serving(echo) as stage:
            caller = await stage.call()
            await caller.say(b"GET /x HTTP/1.1\r\n\r\n\x00\x01rubbish\r\n\r\n")
            assert (await caller.answer())[1] == b"GET /x  "
            assert await caller.rest() == b""

    run(test())


@pytest.mark.parametrize(
    ("begun", "answered"),
    [
        (b"", b""),
        (b"GET / HT", b"HTTP/1.1 408 Request Timeout"),
        (b"GET / HTTP/1.1\r\nA: b\r\n", b"HTTP/1.1 408 Request Timeout"),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe", b"HTTP/1.1 408 Request Timeout"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe", b"HTTP/1.1 408 Request Timeout"),
    ],
)
def test_who_stops_talking_is_closed(begun: bytes, answered: bytes) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "http.disconnect":
            if not message["more_body"]:
                await answer(send, b"")
                return

    async def test() -> None:
        async with serving(application, QUICK) as stage:
            caller = await stage.call()
            await caller.say(begun)
            found = await caller.rest()
            assert found.startswith(answered)
            assert bool(found) == bool(answered)

    run(test())


def test_a_head_that_drips_is_not_waited_for() -> None:
    async def test() -> None:
        async with serving(echo, QUICK) as stage:
            caller = await stage.call()
            await caller.say(b"GET / HTTP/1.1\r\n")
            drips = asyncio.ensure_future(drip(caller))
            assert (await caller.rest()).startswith(b"HTTP/1.1 408 ")
            drips.cancel()

    async def drip(caller: Caller) -> None:
        while True:
            await asyncio.sleep(0.05)
            caller.writer.write(b"A: b\r\n")

    run(test())


def test_a_long_wait_for_an_answer_is_nobodys_fault() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await body_of(receive)
        await asyncio.sleep(1)
        await answer(send, b"at last")

    async def test() -> None:
        async with serving(application, QUICK) as stage:
            caller = await stage.call()
            await caller.say(GET)
            assert (await caller.answer())[1] == b"at last"

    run(test())


def test_who_never_reads_its_answer_is_cut_off() -> None:
    async def test() -> None:
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while not over.done():
                await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
                if (message := await gone(receive)) is not None:
                    assert message == "http.disconnect"
                    over.set_result(None)

        async def gone(receive: Receive) -> str | None:
            try:
                async with asyncio.timeout(0.01):
                    while (message := await receive())["type"] != "http.disconnect":
                        pass
                    return message["type"]
            except TimeoutError:
                return None

        async with serving(application, QUICK) as stage:
            caller = await stage.call()
            await caller.say(GET)
            await over

    run(test())


def test_closing_lets_answers_end_and_takes_nothing_new(loop: str) -> None:
    async def test() -> None:
        go, asked = asyncio.Event(), asyncio.Event()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            asked.set()
            await go.wait()
            await answer(send, b"done")

        async with serving(application) as stage:
            idle, busy = await stage.call(), await stage.call()
            await busy.say(GET)
            await asked.wait()
            closing = asyncio.ensure_future(stage.listening.close(10))
            assert await idle.rest() == b""
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", stage.port)
            go.set()
            head, body = await busy.answer()
            assert (b"connection: close\r\n" in head, body) == (True, b"done")
            assert await closing == 0

    run(test(), loop)


def never_answering(asked: asyncio.Event) -> Application:
    """Says when it was asked, and nothing more."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        await asyncio.get_running_loop().create_future()

    return application


def test_closing_does_not_wait_for_ever(loop: str) -> None:
    async def test() -> None:
        asked = asyncio.Event()
        async with serving(never_answering(asked)) as stage:
            caller = await stage.call()
            await caller.say(GET)
            await asked.wait()
            closing: Coroutine[Any, Any, int] = stage.listening.close(0.1)
            assert await closing == 1
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await caller.head()

    run(test(), loop)


def test_a_second_word_hurries_the_closing() -> None:
    async def test() -> None:
        asked = asyncio.Event()
        async with serving(never_answering(asked)) as stage:
            caller = await stage.call()
            await caller.say(GET)
            await asked.wait()
            closing = asyncio.ensure_future(stage.listening.close(1_000))
            await asyncio.sleep(0)
            stage.listening.hurry()
            assert await closing == 1

    run(test())
