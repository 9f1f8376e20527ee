"""One request and its answer, in the two functions of ASGI: `receive` and `send`."""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

from guardian.gateway.serving.framing import frame

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]

# A body that is not taken as fast as it comes waits in the kernel, and then at its sender's, past this much.
HIGH_WATER = 256 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LEFT: Message = {"type": "http.disconnect"}


class Line(Protocol):
    """The connection that an exchange is on."""

    @property
    def peer(self) -> str | None: ...
    def write(self, data: bytes) -> None: ...
    async def drained(self) -> None: ...
    def take_more(self) -> None: ...
    def answered(self) -> None: ...


class Exchange:
    """`whole` once all of the request has come; `left` when its caller has gone; `done` once its answer is written.

    `on_leave` is called when the caller leaves: whoever sets it takes it away again.
    """

    __slots__ = (
        "_chunked",
        "_head",
        "_length",
        "_line",
        "_method",
        "_old",
        "_parts",
        "_size",
        "_told_end",
        "_waiter",
        "begun",
        "closes",
        "done",
        "expects",
        "left",
        "on_leave",
        "whole",
    )

    def __init__(self, line: Line, method: str, *, old: bool, closes: bool, expects: bool) -> None:
        self._line, self._method, self._old = line, method, old
        self.closes = closes
        # The caller waits for our word before it sends the body.
        self.expects = expects
        self.begun = self.done = self.left = self.whole = False
        self.on_leave: Callable[[], None] | None = None
        self._told_end = False
        self._parts: list[bytes] = []
        self._size = 0
        self._length: int | None = None
        self._chunked = False
        # The answer's head, until what is sent right after it goes with it.
        self._head = b""
        self._waiter: asyncio.Future[None] | None = None

    # The application's side.

    @property
    def peer(self) -> str | None:
        """The address that the request came from."""
        return self._line.peer

    async def receive(self) -> Message:
        """A part of the body, `more_body` unless it is the last; after that, and once the answer is done, waits until
        the caller leaves.
        """
        while not (self._parts or self.left or (self.whole and not self._told_end)):
            if self.done:
                return _LEFT
            if self.expects and not self.begun:
                self.expects = False
                self._line.write(_CONTINUE)
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            await waiter
        if self.left:
            return _LEFT
        parts = self._parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        if self._size >= HIGH_WATER:
            self._line.take_more()
        self._size = 0
        self._told_end = self.whole
        return {"type": "http.request", "body": body, "more_body": not self.whole}

    async def send(self, message: Message) -> None:
        """Waits while the caller does not read. Does nothing once it has left.

        Raises ValueError for an answer that is none: headers with line breaks, a body that is longer than it promised.
        """
        if self.left or self.done:
            return
        if not self.begun:
            self._begin(message)
            return
        body: bytes = message.get("body", b"")
        more: bool = message.get("more_body", False)
        if self._chunked:
            self._write_chunk(body, last=not more)
        elif body and self._method != "HEAD":
            self._write_counted(body)
        if more:
            await self._line.drained()
        elif self._length:
            raise ValueError("The body of this answer is shorter than it promised.")
        else:
            self.flush()
            self.done = True
            self._wake()
            self._line.answered()

    def _write_chunk(self, body: bytes, *, last: bool) -> None:
        if body:
            end = b"\r\n0\r\n\r\n" if last else b"\r\n"
            self._write(b"%x\r\n%b%b" % (len(body), body, end))
        elif last:
            self._write(b"0\r\n\r\n")

    def _write_counted(self, body: bytes) -> None:
        if self._length is not None:
            self._length -= len(body)
            if self._length < 0:
                raise ValueError("The body of this answer is longer than it promised.")
        self._write(body)

    def _begin(self, message: Message) -> None:
        # Whoever waits for our word to send a body does not know now whether to.
        closes = self.closes or self.expects
        framed = frame(message["status"], message["headers"], method=self._method, old=self._old, closes=closes)
        self.begun = True
        self.closes, self._length, self._chunked = framed.closes, framed.length, framed.chunked
        self._head = framed.head
        asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """The head goes, where nothing was sent right after it."""
        if self._head:
            self._write(b"")

    def _write(self, body: bytes) -> None:
        """Together with the head, if that is still to go."""
        head, self._head = self._head, b""
        self._line.write(head + body)

    # The connection's side.

    @property
    def is_full(self) -> bool:
        return self._size >= HIGH_WATER

    def put(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        self._wake()

    def end(self) -> None:
        """The request is whole."""
        self.whole = True
        self.expects = False
        self._wake()

    def leave(self) -> None:
        """The caller has gone."""
        self.left = True
        self._wake()
        if self.on_leave is not None:
            self.on_leave()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
