"""Bodies: asked for, unwanted, faster than they are taken, and left in the middle."""

import asyncio

import pytest

from guardian.gateway.serving import Patience, Receive, Scope, Send
from tests.unit.gateway.http.servers import run
from tests.unit.gateway.serving.stage import GET, Caller, answer, body_of, echo, serving


def test_a_body_is_asked_for_when_its_sender_waits_for_that() -> None:
    async def test() -> None:
        async with serving(echo) as stage:
            caller = await stage.call()
            await caller.say(b"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            assert await caller.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
            await caller.say(b"ok")
            assert (await caller.answer())[1] == b"POST /x  ok"

    run(test())


def test_a_body_that_nobody_asked_for_closes_the_connection() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"no", status=401)

    async def test() -> None:
        async with serving(application) as stage:
            caller = await stage.call()
            await caller.say(b"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            head, _ = await caller.answer()
            assert head.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
            assert b"connection: close\r\n" in head
            assert await caller.rest() == b""

    run(test())


def test_the_rest_of_an_unwanted_body_is_read_so_that_the_answer_arrives(loop: str) -> None:
    refused: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        refused.append(scope["path"])
        await answer(send, b"too large", status=413)

    async def test() -> None:
        async with serving(application) as stage:
            caller = await stage.call()
            size = 3 * 1024 * 1024
            for path in (b"/one", b"/two"):
                await caller.say(b"POST %b HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (path, size) + bytes(size))
                assert (await caller.answer())[1] == b"too large"

    run(test(), loop)
    assert refused == ["/one", "/two"]


def test_more_of_an_unwanted_body_than_is_read_ends_the_connection() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"too large", status=413)

    async def test() -> None:
        async with serving(application, Patience(most_surplus=1_000_000)) as stage:
            caller = await stage.call()
            await caller.say(b"POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n")
            with pytest.raises(ConnectionError):
                await pour(caller)

    async def pour(caller: Caller) -> None:
        while True:
            await caller.say(bytes(100_000))

    run(test())


def test_a_sender_is_stopped_while_nobody_takes_its_body(loop: str) -> None:
    async def test() -> None:
        take = asyncio.Event()
        sizes: list[int] = []

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await take.wait()
            more = True
            while more:
                message = await receive()
                sizes.append(len(message["body"]))
                more = message["more_body"]
            await answer(send, b"taken")

        async with serving(application) as stage:
            caller = await stage.call()
            size = 32 * 1024 * 1024
            caller.writer.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await caller.writer.drain()
            take.set()
            assert (await caller.answer())[1] == b"taken"
            assert sum(sizes) == size
            assert max(sizes) < size / 8

    run(test(), loop)


def test_an_answer_waits_while_its_caller_does_not_read(loop: str) -> None:
    async def test() -> None:
        sent = 0
        pieces = 512

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal sent
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(pieces):
                await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
                sent += 1
            await send({"type": "http.response.body"})

        async with serving(application) as stage:
            caller = await stage.call()
            await caller.say(GET)
            await caller.head()
            before = -1
            while before != sent:  # until it stands still
                before = sent
                await asyncio.sleep(0.2)
            assert sent < pieces
            found = 0
            while sent < pieces or found < pieces * 65_536:
                found += len(await caller.reader.read(1 << 20))
            assert sent == pieces

    run(test(), loop)


def test_who_leaves_is_noticed(loop: str) -> None:
    async def test() -> None:
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await body_of(receive)
            told.set_result((await receive())["type"])
            await answer(send, b"nobody hears that")

        async with serving(application) as stage:
            caller = await stage.call()
            await caller.say(GET)
            caller.writer.close()
            assert await told == "http.disconnect"

    run(test(), loop)


def test_who_leaves_in_the_middle_of_a_body_is_noticed() -> None:
    async def test() -> None:
        told: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            found: list[str] = []
            while "http.disconnect" not in found:
                found.append((await receive())["type"])
            told.set_result(found)

        async with serving(application) as stage:
            caller = await stage.call()
            await caller.say(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
            caller.writer.close()
            assert (await told)[-1] == "http.disconnect"

    run(test())


def test_who_waits_for_a_leaver_stops_when_the_answer_is_done() -> None:
    async def test() -> None:
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await body_of(receive)
            waiting = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            await answer(send, b"done")
            told.set_result((await waiting)["type"])

        async with serving(application) as stage:
            caller = await stage.call()
            await caller.say(GET)
            assert (await caller.answer())[1] == b"done"
            assert await told == "http.disconnect"

    run(test())
