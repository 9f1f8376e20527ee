"""The half of a connection that writes, and waits where the other side does not read."""

import asyncio
from time import monotonic
from typing import cast


class Writing(asyncio.Protocol):
    """`moved` is when the connection last did, of the monotonic clock; `is_deaf` once nothing more is read of it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._drained: asyncio.Future[None] | None = None
        self._paused = False
        self.is_deaf = False
        self.moved = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.moved = monotonic()

    def pause_writing(self) -> None:
        self._drained = asyncio.get_running_loop().create_future()
        self.moved = monotonic()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        self.moved = monotonic()
        if drained is not None and not drained.done():
            drained.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.resume_writing()

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait until the other side has taken enough of what was written."""
        if self._drained is not None:
            await self._drained

    def hold(self) -> None:
        """Read nothing until `take_more`: what comes waits in the kernel, and then at its sender's."""
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def take_more(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self.moved = monotonic()
            self._transport.resume_reading()

    def close(self) -> None:
        """Behind what is written."""
        self.is_deaf = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        self.is_deaf = True
        if self._transport is not None:
            self._transport.abort()
