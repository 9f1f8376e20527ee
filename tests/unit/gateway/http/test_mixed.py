"""Hundreds of requests at once to a server of moods: everybody gets the answer to his own request, or a failure."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from guardian.gateway.http import Pool, UpstreamFailure
from tests.unit.gateway.http.servers import LOOPS, Reader, Script, Server, Writer, pool, run, serve, until

REQUESTS = 400
AT_ONCE = 40


def framed(moods: random.Random, body: bytes) -> bytes:
    if moods.random() < 0.5:
        return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    wire, at = b"Transfer-Encoding: chunked\r\n\r\n", 0
    while at < len(body):
        size = moods.randint(1, 4_000)
        part = body[at : at + size]
        wire += b"%x\r\n%b\r\n" % (len(part), part)
        at += size
    return wire + b"0\r\n\r\n"


async def body_of(reader: Reader) -> bytes:
    """The body of one request, however it is framed."""
    head = await reader.readuntil(b"\r\n\r\n")
    if b"content-length: " in head:
        return await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0]))
    found = b""
    while size := int(await reader.readline(), 16):
        found += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return found


def moody(moods: random.Random) -> Script:
    """Sends each body back; one of twenty times it closes, cuts, babbles, hints or does not keep the connection."""

    async def script(reader: Reader, writer: Writer) -> None:
        last = False
        while not last:
            wire = b"HTTP/1.1 200 OK\r\n" + framed(moods, await body_of(reader))
            mood = int(moods.random() * 20)
            wire = {
                0: b"",
                1: wire[: moods.randint(1, len(wire) - 1)],
                2: wire + b"surplus",
                3: b"HTTP/1.1 103 Early Hints\r\n\r\n" + wire,
            }.get(mood, wire)
            last = mood in (0, 1, 4)
            at = moods.randint(0, len(wire))
            writer.write(wire[:at])
            await writer.drain()
            await asyncio.sleep(moods.choice((0, 0, 0.002)))
            writer.write(wire[at:])

    return script


class Caller:
    """Asks with bodies of his own, whole or in parts, and leaves some answers unread."""

    def __init__(self, moods: random.Random, client: Pool, server: Server) -> None:
        self._moods = moods
        self._client = client
        self._server = server
        self.outcomes: dict[str, int] = {}

    async def ask(self, number: int) -> None:
        outcome = "whole"
        try:
            await self._ask(b"%d " % number * self._moods.choice((1, 100, 5_000)))
        except UpstreamFailure as failure:
            outcome = failure.error_class
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    async def _ask(self, text: bytes) -> None:
        async def parts() -> AsyncIterator[bytes]:
            for at in range(0, len(text), 1_000):
                yield text[at : at + 1_000]

        body = parts() if self._moods.random() < 0.3 else text
        answer = await self._client.send(self._server.upstream(), b"POST", b"/x", [], body)
        if self._moods.random() < 0.1:
            answer.abort()
        else:
            assert await answer.read() == text


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("seed", [1, 2])
def test_answers_never_reach_another_caller(seed: int, loop: str) -> None:
    async def test() -> None:
        moods = random.Random(seed)
        async with serve(moody(moods)) as server, pool() as client:
            caller = Caller(moods, client, server)

            async def some(first: int) -> None:
                for number in range(first, REQUESTS, AT_ONCE):
                    await caller.ask(number)

            await asyncio.gather(*(some(first) for first in range(AT_ONCE)))
            await until(lambda: client.counts[0] == 0)
        found = caller.outcomes
        assert sum(found.values()) == REQUESTS
        assert set(found) <= {"whole", "cut_short", "malformed"}
        assert found["whole"] > REQUESTS / 2
        assert found["cut_short"] > 0

    run(test(), loop)
