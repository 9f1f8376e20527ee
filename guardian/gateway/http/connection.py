"""One connection to a provider's server: a request at a time is written, and its answer is parsed as it arrives."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from guardian.gateway.http.answer import Answer
from guardian.gateway.http.failures import CutShort, Malformed, UpstreamFailure

# Vendors send some 2 KB of headers; a head without end must not fill the memory.
MOST_HEAD_BYTES = 64 * 1024
# A header's colon, space and line break; and what the status line of an interim answer counts for at least.
_AROUND, _INTERIM = 4, 64
_HEAD = b"HEAD"


class _BrokenHead(Exception):
    """Raised within the parser's callbacks, to leave it."""


class Connection(asyncio.Protocol):
    """Made by the pool. `on_free` is called when another request may be sent, `on_lost` once the socket is closed."""

    def __init__(self, on_free: "Callable[[Connection], None]", on_lost: "Callable[[Connection], None]") -> None:
        self._on_free = on_free
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._parser: HttpResponseParser | None = None
        self._answer: Answer | None = None
        self._method = b""
        self._head_done = False
        self._head_bytes = self._unparsed = 0
        self._interim = self._touched = False
        self._until_close = False
        self._reusable = True
        self._paused = False
        self._sending = False
        # What writes the rest of a request; it ends with the connection.
        self.pump: asyncio.Task[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        # Since when it is free, or neither request nor answer has moved; whether the final answer has begun.
        self.moved = 0.0
        self.answered = False
        # Seconds to the first byte, where this request has a limit of its own.
        self.first_byte: float | None = None

    # The pool's side.

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def is_waiting_for_reader(self) -> bool:
        """Whether the provider is held back by us; then its silence is not its fault."""
        return self._paused

    def begin(self, method: bytes, request: bytes, body: bytes, *, more: bool) -> Answer:
        """Write a request, or its first part when `more` of its body follows through `write`."""
        transport = cast("asyncio.Transport", self._transport)
        answer = self._answer = Answer(self)
        self._method = method
        self._head_done = self.answered = self._interim = self._touched = self._until_close = False
        self._head_bytes = self._unparsed = 0
        self._sending = more
        self.moved = monotonic()
        # uvloop gathers both into one system call, without a copy of a large body.
        transport.writelines((request, body)) if body else transport.write(request)
        return answer

    async def write(self, data: bytes) -> None:
        """Another part of the request's body. Waits while the server does not take it; does nothing once closed."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        self.moved = monotonic()
        if self._drained is not None:
            await self._drained

    def finish(self) -> None:
        """The request is all written."""
        self._sending = False
        self.pump = None
        self.moved = monotonic()

    def fail(self, failure: UpstreamFailure) -> None:
        """End the exchange with a failure, and the connection with it."""
        answer = self._answer
        if answer is not None and not answer.ended:
            answer.failure = failure
            answer.ended = True
            answer.wake()
        self.abort()

    # The answer's side.

    def abort(self) -> None:
        self._reusable = False
        if self._transport is not None:
            self._transport.abort()

    def resume(self) -> None:
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self.moved = monotonic()
            self._transport.resume_reading()

    # The event loop's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        answer, parser = self._answer, self._parser
        if answer is None or parser is None:  # bytes that nobody asked for: a timeout's 408, or garbage
            self.abort()
            return
        self.moved = monotonic()
        self.answered = self._touched = True
        self._unparsed += len(data)
        try:
            parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if answer.ended:  # more than was promised: the answer is whole, what follows it is not ours
                self._reusable = False
            else:
                self.fail(
                    Malformed(f"The provider's server does not speak HTTP: {error or 'it changes the protocol'}.")
                )
                return
        if answer.ended:
            self._release()
        elif self._unparsed > MOST_HEAD_BYTES:
            self.fail(Malformed("The headers of the provider's answer do not end."))
            return
        elif not self._head_done:
            return
        elif answer.is_full and not self._paused:
            self._paused = True
            cast("asyncio.Transport", self._transport).pause_reading()
        answer.wake()

    def pause_writing(self) -> None:
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        self.moved = monotonic()
        if drained is not None and not drained.done():
            drained.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        answer = self._answer
        if answer is not None and not answer.ended:
            answer.ended = True
            if not (self._head_done and self._until_close and exc is None):
                where = "in its answer" if self.answered else "without an answer"
                answer.failure = CutShort(
                    f"The provider's server closed the connection {where}.", untouched=not self._touched
                )
            answer.wake()
        self.resume_writing()
        if self.pump is not None:
            self.pump.cancel()
        self._transport = self._parser = self._answer = None
        self._on_lost(self)

    def _release(self) -> None:
        """The answer is whole. Free for another request only when nothing of this one is left on either side."""
        transport = cast("asyncio.Transport", self._transport)
        self._answer = None
        if self._reusable and not self._sending and not transport.get_write_buffer_size():
            self.moved = monotonic()
            self._on_free(self)
        else:
            transport.abort()

    # The parser's side.

    def on_message_begin(self) -> None:
        answer = self._answer
        if answer is None or answer.ended:
            raise _BrokenHead("a second answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        answer = cast("Answer", self._answer)
        if self._head_done:
            answer.trailers.append((name, value))
        else:
            answer.headers.append((name, value))
        self._head_bytes += len(name) + len(value) + _AROUND
        if self._head_bytes > MOST_HEAD_BYTES:
            raise _BrokenHead("headers without end")

    def on_headers_complete(self) -> None:
        answer, parser = cast("Answer", self._answer), cast("HttpResponseParser", self._parser)
        status = parser.get_status_code()
        self._unparsed = 0
        if status < 100:
            raise _BrokenHead("a status that is none")
        if status < 200:
            self._interim = True
            self._head_bytes += _INTERIM
            if self._head_bytes > MOST_HEAD_BYTES:
                raise _BrokenHead("interim answers without end")
            answer.headers.clear()
            return
        answer.status = status
        self._head_done = True
        self._head_bytes = 0
        self._reusable = parser.should_keep_alive()
        framed = False
        for name, value in answer.headers:
            size = len(name)
            if size == 14 and name.lower() == b"content-length":
                answer.content_length, framed = int(value), True
            elif size == 17 and name.lower() == b"transfer-encoding":
                framed = value.strip().lower().endswith(b"chunked")
        self._until_close = not framed
        if self._method == _HEAD:
            # The parser waits for the body that the headers speak of; it cannot be told that none follows.
            self._reusable = False
            answer.ended = True

    def on_body(self, chunk: bytes) -> None:
        answer = self._answer
        self._unparsed = 0
        if answer is not None and not answer.ended:
            answer.parts.append(chunk)
            answer.size += len(chunk)

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            self.answered = False
            return
        cast("Answer", self._answer).ended = True
