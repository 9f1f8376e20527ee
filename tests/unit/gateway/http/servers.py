"""A server on a real socket that does exactly what a test tells it, and a run of a test in either event loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext
from typing import Any

import uvloop

from guardian.gateway.http import Answer, Limits, Pool, Upstream

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Script = Callable[[Reader, Writer], Awaitable[None]]

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def run(test: Coroutine[Any, Any, None], loop: str = "uvloop") -> None:
    """Run a test to its end; 20 s is a deadlock."""

    async def bounded() -> None:
        async with asyncio.timeout(20):
            await test

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(bounded())


class Server:
    """`connections` counts those that were made; `requests` are the heads and bodies that were read with `request`."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.url = ""

    def upstream(self, path: str = "") -> Upstream:
        return Upstream.of(self.url + path)

    async def request(self, reader: Reader) -> bytes:
        """One whole request with a Content-Length, or without a body."""
        found = await reader.readuntil(b"\r\n\r\n")
        for line in found.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                found += await reader.readexactly(int(line.partition(b":")[2]))
        self.requests.append(found)
        return found


@asynccontextmanager
async def serve(script: Script | bytes, *, tls: SSLContext | None = None) -> AsyncIterator[Server]:
    """Runs `script` for each connection, then closes it. Bytes are the answer to each request on a kept connection."""
    found = Server()

    async def answer_all(reader: Reader, writer: Writer) -> None:
        assert isinstance(script, bytes)
        while True:
            await found.request(reader)
            writer.write(script)

    async def handle(reader: Reader, writer: Writer) -> None:
        found.connections += 1
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await (answer_all if isinstance(script, bytes) else script)(reader, writer)
        except asyncio.CancelledError:  # the server of a test that is over
            pass
        finally:
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    host, port = server.sockets[0].getsockname()[:2]
    found.url = f"{'https' if tls else 'http'}://{host}:{port}"
    try:
        yield found
    finally:
        server.close()
        others = [task for task in asyncio.all_tasks() if "handle" in repr(task.get_coro())]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@asynccontextmanager
async def pool(**limits: float) -> AsyncIterator[Pool]:
    found = Pool(Limits(**limits))  # type: ignore[arg-type]
    try:
        yield found
    finally:
        await found.close()


async def post(pool: Pool, server: Server, body: bytes = b"{}", method: bytes = b"POST") -> Answer:
    return await pool.send(server.upstream("/v1"), method, b"/x", [(b"content-type", b"application/json")], body)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds; the run's own limit ends a wait in vain."""
    while not condition():
        await asyncio.sleep(0.002)
