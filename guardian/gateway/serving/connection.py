"""One caller's connection: its requests are parsed as they arrive, and given to the application one after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import cast

import structlog
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from guardian.gateway.serving.exchange import Exchange, Message, Scope
from guardian.gateway.serving.framing import plain
from guardian.gateway.serving.heads import Head
from guardian.gateway.serving.patience import Patience
from guardian.gateway.serving.writing import Writing

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_EMPTY = ((b"content-length", b"0"),)
_MALFORMED, _SILENT, _LONG_HEAD, _FAILED = 400, 408, 431, 500

log = structlog.get_logger(__name__)


class Connection(Writing):
    """`everyone` are the connections that are open."""

    def __init__(self, application: Application, everyone: "set[Connection]", patience: Patience) -> None:
        super().__init__()
        self._application, self._everyone, self._patience = application, everyone, patience
        self._parser: HttpRequestParser | None = None
        self._exchange: Exchange | None = None
        # What answers the request that is under way.
        self.task: asyncio.Task[None] | None = None
        self._head = Head()
        self._in_head = self._refused = self._ending = False
        # Bytes since the head began, or since the body last moved; what came of a body that nobody wants.
        self._unparsed = self._surplus = 0

    @property
    def peer(self) -> str | None:
        """The address of who called; None once they are gone."""
        found = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(found[0]) if found else None

    # The server's side.

    def end(self) -> None:
        """No request after the one that is under way."""
        self._ending = True
        if self._exchange is None:
            self.close()
        else:
            self._exchange.closes = True

    def check(self, now: float) -> None:
        """End it where it has been silent for too long."""
        limit, exchange = self._limit(), self._exchange
        if limit is None or now - self.moved <= limit:
            return
        if self.is_deaf or self._drained is not None or (exchange is not None and exchange.begun):
            self.abort()
        elif self._in_head:
            self._refuse(_SILENT, "The head of this request did not come to its end in time.")
        elif exchange is None:
            self.close()
        else:
            self._give_up(_SILENT, "The body of this request stopped coming.")

    def _limit(self) -> float | None:
        """How many seconds it may be silent as it is now; None while we are the ones who are waited for."""
        patience, exchange = self._patience, self._exchange
        if self._drained is not None:
            return patience.written
        if self._in_head or self._refused:
            return patience.head
        if exchange is None:
            return patience.kept
        return None if exchange.whole or self._paused else patience.body

    # The event loop's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._parser = HttpRequestParser(self)
        self._everyone.add(self)

    def data_received(self, data: bytes) -> None:
        parser = self._parser
        if self.is_deaf or parser is None:
            return
        if not self._in_head:  # of a head, its first byte counts
            self.moved = monotonic()
        self._unparsed += len(data)
        try:
            parser.feed_data(data)
        except HttpParserUpgrade:
            # Answered as if it had not asked; what follows on such a connection could be of either protocol.
            self.is_deaf = True
            if self._exchange is not None:
                self._exchange.closes = True
        except HttpParserError:
            self._malformed()
        else:
            if self._unparsed > self._patience.most_head:
                if self._in_head:
                    self._give_up(_LONG_HEAD, "The head of this request is too long.")
                else:  # what stands around the chunks of its body
                    self._malformed()

    def connection_lost(self, exc: Exception | None) -> None:
        self._everyone.discard(self)
        self._parser = None
        if self._exchange is not None:
            self._exchange.leave()
        super().connection_lost(exc)

    # The parser's side.

    def on_message_begin(self) -> None:
        if self.is_deaf:
            return
        if self._exchange is not None:
            # The one before it is not answered yet: this one never will be.
            self.is_deaf = True
            self._exchange.closes = True
            return
        self._in_head = True
        self._head = Head()

    def on_url(self, url: bytes) -> None:
        if not self.is_deaf:
            self._head.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head and not self.is_deaf:  # others stand behind the last chunk: nobody reads those
            self._head.add(name, value)

    def on_headers_complete(self) -> None:
        parser, transport = self._parser, self._transport
        if self.is_deaf or parser is None or transport is None:
            return
        self._in_head = False
        head = self._head
        if self._unparsed > self._patience.most_head and head.size > self._patience.most_head:
            self._give_up(_LONG_HEAD, "The head of this request is too long.")
            return
        self._unparsed = self._surplus = 0
        scope = head.scope(parser)
        old = parser.get_http_version() != "1.1"
        closes = self._ending or old or not parser.should_keep_alive()
        exchange = self._exchange = Exchange(self, scope["method"], old=old, closes=closes, expects=head.expects)
        scope["exchange"] = exchange  # a task that waits for a caller to leave would cost more than a callback
        self.task = asyncio.get_running_loop().create_task(self._answer(scope, exchange))

    def on_body(self, body: bytes) -> None:
        exchange = self._exchange
        if self.is_deaf or exchange is None:
            return
        self._unparsed = 0
        if exchange.done:
            self._surplus += len(body)
            if self._surplus > self._patience.most_surplus:
                self.abort()
            return
        exchange.put(body)
        if exchange.is_full:
            self.hold()

    def on_message_complete(self) -> None:
        exchange = self._exchange
        if self.is_deaf or exchange is None:
            return
        self._unparsed = 0
        exchange.end()
        if exchange.done:
            self._next()

    # The exchange's side.

    def answered(self) -> None:
        """The answer is all written. What is left of the request is read, so that its caller comes to read the answer;
        but one that was told to close does not send it.
        """
        exchange = cast("Exchange", self._exchange)
        if exchange.whole:
            self._next()
        elif exchange.expects or self.is_deaf:
            self.close()
        else:
            self.take_more()

    def _next(self) -> None:
        """Ready for another request, or closed."""
        exchange, self._exchange = self._exchange, None
        self.task = None
        self.moved = monotonic()
        if self._ending or exchange is None or exchange.closes:
            self.close()
        else:
            self.take_more()

    async def _answer(self, scope: Scope, exchange: Exchange) -> None:
        try:
            await self._application(scope, exchange.receive, exchange.send)
        except Exception:  # whatever the application lets out ends here: its caller hears of it, nobody else does
            log.exception("gateway.failed")
            if exchange.begun or exchange.left:
                self._cut(exchange)
            else:
                await exchange.send({"type": "http.response.start", "status": _FAILED, "headers": _EMPTY})
                await exchange.send({"type": "http.response.body"})
        else:
            if not exchange.done:
                self._cut(exchange)

    def _cut(self, exchange: Exchange) -> None:
        """An answer that does not come to its end is cut off, which is how its caller learns that it did not."""
        exchange.flush()
        exchange.done = True
        self._exchange = None
        if not self._refused:
            self.close()

    def _malformed(self) -> None:
        """What came is no HTTP: of a request that was whole before it, the answer is still given."""
        exchange = self._exchange
        if exchange is None or not (exchange.begun or exchange.whole):
            self._give_up(_MALFORMED, "This is not HTTP/1.1.")
            return
        self.is_deaf = exchange.closes = True
        if not exchange.whole:
            self.abort()

    def _give_up(self, status: int, message: str) -> None:
        if self._exchange is not None:
            self._exchange.leave()
        self._refuse(status, message)

    def _refuse(self, status: int, message: str) -> None:
        """What is not even a request is told so in plain text, and its connection closed."""
        self.is_deaf = True
        self.write(plain(status, message))
        # The socket is closed once the caller has read that: closed over bytes that nobody read, it may take it back.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()
        self._refused = True
        self.moved = monotonic()
