"""Sends requests over kept connections: newest first, silent ones closed, and a second try where it is harmless."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from time import monotonic
from typing import NamedTuple

from guardian.gateway.http.answer import Answer
from guardian.gateway.http.connecting import Connector
from guardian.gateway.http.connection import Connection
from guardian.gateway.http.failures import ConnectFailed, CutShort, FirstByteTimeout, IdleTimeout
from guardian.gateway.http.headers import Header, head
from guardian.gateway.http.upstream import Upstream

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
_BODILESS = frozenset({b"GET", b"HEAD", b"OPTIONS", b"DELETE"})
# A server that closes a kept connection while our request is on its way does so within a round trip. One that closes
# later may have worked, and billed: such a request is not sent again.
_CROSSING_SECONDS = 2.0


class Limits(NamedTuple):
    """Seconds, but for `most_idle`: connections kept for each upstream."""

    connect: float = 5.0
    first_byte: float = 600.0
    idle: float = 300.0
    keep_alive: float = 30.0
    most_idle: int = 512


class _Request(NamedTuple):
    method: bytes
    head: bytes
    body: bytes | AsyncIterator[bytes]
    length: int | None
    first_byte: float | None


class Pool:
    """One for a process; used within one event loop. `allowed` are the entries of OUTBOUND_ALLOWLIST."""

    def __init__(self, limits: Limits | None = None, *, allowed: Sequence[str] = ()) -> None:
        self._limits = limits or Limits()
        self._connector = Connector(self._limits.connect, allowed)
        self._idle: dict[tuple[object, ...], list[Connection]] = {}
        self._busy: set[Connection] = set()
        self._open: set[Connection] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closing = False

    async def send(
        self,
        upstream: Upstream,
        method: bytes,
        target: bytes,
        headers: Iterable[Header],
        body: bytes | AsyncIterator[bytes] = b"",
        *,
        length: int | None = None,
        first_byte: float | None = None,
    ) -> Answer:
        """The answer, as soon as its headers are there; its body follows. No redirect is followed.

        `target` follows the upstream's path prefix. Of an iterator as `body`, `length` is the promised number of bytes,
        None sends chunks. `first_byte` is a limit in seconds in place of the usual one. Host, framing and
        connection headers among `headers` are replaced by our own.

        Raises UpstreamFailure, ValueError for a request that is none (line breaks), and what the iterator raises.
        A kept connection that turns out to be closed is replaced once, unless an answer had begun, the body is an
        iterator, or the provider may have worked on a request that is not idempotent.
        """
        whole = body if isinstance(body, bytes) else None
        framed = whole is None or bool(whole) or method not in _BODILESS
        size = len(whole) if whole is not None else length
        first = head(method, upstream.path_prefix + target, upstream.authority, headers, size, framed=framed)
        request = _Request(method, first, body, length, first_byte)
        kept = self._kept(upstream)
        if kept is not None:
            began = monotonic()
            try:
                return await self._exchange(kept, request)
            except CutShort as failure:
                crossed = method in _IDEMPOTENT or monotonic() - began < _CROSSING_SECONDS
                if whole is None or not failure.untouched or not crossed:
                    raise
        return await self._exchange(await self._fresh(upstream), request)

    async def close(self) -> None:
        """Close every connection, those in use too, and wait until they are closed."""
        self._closing = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in list(self._open):
            connection.abort()
        for pump in list(self._pumps):
            pump.cancel()
        while self._open or self._pumps:
            await asyncio.sleep(0)

    @property
    def counts(self) -> tuple[int, int]:
        """Connections in use, and kept."""
        return len(self._busy), sum(map(len, self._idle.values()))

    # Exchanges.

    async def _exchange(self, connection: Connection, request: _Request) -> Answer:
        if not connection.is_open:
            raise ConnectFailed("The provider's server closes each connection at once.")
        self._busy.add(connection)
        connection.first_byte = request.first_byte
        body = request.body
        pump: asyncio.Task[None] | None = None
        if isinstance(body, bytes):
            answer = connection.begin(request.method, request.head, body, more=False)
        else:
            answer = connection.begin(request.method, request.head, b"", more=True)
            pump = connection.pump = asyncio.ensure_future(_pump(connection, body, request.length))
            self._pumps.add(pump)
            pump.add_done_callback(lambda done: self._pumped(done, answer))
        try:
            while not answer.status and answer.failure is None:
                await answer.changed()
        except BaseException:  # a cancelled caller; the provider need not go on
            answer.abort()
            raise
        if answer.failure is not None and not answer.status:
            if pump is not None and pump.done() and not pump.cancelled() and (error := pump.exception()):
                raise error
            raise answer.failure
        return answer

    def _pumped(self, pump: asyncio.Task[None], answer: Answer) -> None:
        self._pumps.discard(pump)
        if not pump.cancelled() and pump.exception() is not None:
            answer.abort()

    def _kept(self, upstream: Upstream) -> Connection | None:
        idle = self._idle.get(upstream.place)
        while idle:
            connection = idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _fresh(self, upstream: Upstream) -> Connection:
        if self._closing:
            raise ConnectFailed("This gateway is stopping.")
        if self._sweeper is None:
            self._sweep()

        place = upstream.place

        def free(connection: Connection) -> None:
            self._busy.discard(connection)
            idle = self._idle.setdefault(place, [])
            if len(idle) < self._limits.most_idle and not self._closing:
                idle.append(connection)
            else:
                connection.abort()

        def lost(connection: Connection) -> None:
            self._busy.discard(connection)
            self._open.discard(connection)
            idle = self._idle.get(place)
            if idle is not None and connection in idle:
                idle.remove(connection)
                if not idle:
                    del self._idle[place]

        connection = await self._connector.open(upstream, lambda: Connection(free, lost))
        if connection.is_open:
            self._open.add(connection)
        if self._closing:
            connection.abort()
        return connection

    # Limits.

    def _sweep(self) -> None:
        """Ends what is silent for too long. One look at all of them costs less than a timer for each."""
        limits = self._limits
        now = monotonic()
        for connection in list(self._busy):
            silent = now - connection.moved
            patience = connection.first_byte or limits.first_byte
            if not connection.answered and silent > patience:
                connection.fail(FirstByteTimeout(f"The provider did not answer within {patience:g} s."))
            elif connection.answered and silent > limits.idle and not connection.is_waiting_for_reader:
                connection.fail(IdleTimeout(f"The provider's answer stopped for {limits.idle:g} s."))
        for idle in list(self._idle.values()):
            for connection in [each for each in idle if now - each.moved > limits.keep_alive]:
                idle.remove(connection)
                connection.abort()
        shortest = min(limits.first_byte, limits.idle, limits.keep_alive)
        self._sweeper = asyncio.get_running_loop().call_later(min(1.0, shortest / 10), self._sweep)


async def _pump(connection: Connection, body: AsyncIterator[bytes], length: int | None) -> None:
    """Write the rest of a request's body. Raises ValueError when it is not as long as promised."""
    sent = 0
    async for part in body:
        sent += len(part)
        if length is None:
            if part:
                await connection.write(b"%x\r\n%b\r\n" % (len(part), part))
        elif sent > length:
            raise ValueError("The body of this request is longer than it promised.")
        else:
            await connection.write(part)
        if not connection.is_open:
            return
    if length is None:
        await connection.write(b"0\r\n\r\n")
    elif sent < length:
        raise ValueError("The body of this request is shorter than it promised.")
    connection.finish()
