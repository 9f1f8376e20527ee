"""A server with an application of a test's own, and callers that are plain sockets."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from guardian.gateway.serving import Application, Listening, Patience, Receive, Scope, Send

JSON = (b"content-type", b"application/json")
GET = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
QUICK = Patience(kept=0.2, head=0.2, body=0.2, written=0.2)


class Caller:
    """A plain socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def answer(self) -> tuple[bytes, bytes]:
        """Head and body of an answer of a stated length."""
        head = await self.head()
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return head, await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """Until the connection is closed."""
        return await self.reader.read(-1)


class Stage:
    def __init__(self, listening: Listening, port: int) -> None:
        self.listening, self.port = listening, port
        self.callers: list[Caller] = []

    async def call(self) -> Caller:
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port))
        self.callers.append(caller)
        return caller


@asynccontextmanager
async def serving(application: Application, patience: Patience | None = None) -> AsyncGenerator[Stage]:
    listening = Listening(application, patience)
    stage = Stage(listening, await listening.start("127.0.0.1", 0))
    try:
        yield stage
    finally:
        for caller in stage.callers:
            caller.writer.close()
        await listening.close(0)


async def body_of(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        assert message["type"] == "http.request"
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)


async def answer(send: Send, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    told = f"{scope['method']} {scope['raw_path'].decode()} {scope['query_string'].decode()} ".encode()
    await answer(send, told + await body_of(receive), JSON)


async def in_pieces(scope: Scope, receive: Receive, send: Send) -> None:
    await body_of(receive)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in (b"one", b"", b"three"):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})
