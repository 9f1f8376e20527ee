"""An answer while it arrives: status and headers at once, the body as it comes or whole, as fast as it is read."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from guardian.gateway.http.failures import UpstreamFailure
from guardian.gateway.http.headers import Header

# A caller that reads slower than the provider writes stops the provider, once this much waits.
HIGH_WATER = 256 * 1024


class Source(Protocol):
    """The connection that an answer comes from."""

    def resume(self) -> None: ...

    def abort(self) -> None: ...


class Answer:
    """`headers` are as sent, those of the connection among them; `trailers` are there once the body has ended.

    Whoever does not read to the end calls `abort`, else the connection stays open until the provider closes it.
    """

    __slots__ = (
        "_source",
        "_waiter",
        "content_length",
        "ended",
        "failure",
        "headers",
        "parts",
        "size",
        "status",
        "trailers",
    )

    def __init__(self, source: Source) -> None:
        self.status = 0
        self.headers: list[Header] = []
        self.trailers: list[Header] = []
        # What the server promised; None for chunks and for bodies that end with the connection.
        self.content_length: int | None = None
        self.ended = False
        self.failure: UpstreamFailure | None = None
        self._source = source
        # What has come of the body and was not read yet: the connection puts it there, for each chunk of a stream.
        self.parts: list[bytes] = []
        self.size = 0
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all of the body has arrived: read() does not wait, and a single chunk follows at most."""
        return self.ended and self.failure is None

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header; `name` in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    async def read(self) -> bytes:
        """All of the body that has not been read yet. Raises UpstreamFailure when it does not end as promised."""
        if self.is_whole:
            return self._take()
        found = [chunk async for chunk in self.chunks()]
        return b"".join(found)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, in pieces of any size. Raises UpstreamFailure after the last piece of a broken one."""
        while True:
            if self.parts:
                yield self._take()
            elif self.failure is not None:
                raise self.failure
            elif self.ended:
                return
            else:
                await self.changed()

    def abort(self) -> None:
        """Close the connection, if the body has not ended; nothing more is read."""
        self.parts.clear()
        if not self.ended:
            self._source.abort()

    def _take(self) -> bytes:
        chunks = self.parts
        found = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        if self.size >= HIGH_WATER and not self.ended:
            self._source.resume()
        self.size = 0
        return found

    # What follows is for the connection.

    @property
    def is_full(self) -> bool:
        return self.size >= HIGH_WATER

    async def changed(self) -> None:
        """Wait until `wake`."""
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
