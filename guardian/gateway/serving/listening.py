"""The listening socket and its connections, from the first one to the last."""

import asyncio
from time import monotonic

from guardian.gateway.serving.connection import Application, Connection
from guardian.gateway.serving.patience import Patience

_LOOK_SECONDS = 1.0
_BACKLOG = 4_096


class Listening:
    """`start` takes connections for the application; `close` lets what is under way come to its end."""

    def __init__(self, application: Application, patience: Patience | None = None) -> None:
        self._application, self._patience = application, patience or Patience()
        self._open: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._look: asyncio.TimerHandle | None = None
        self._until = 0.0

    async def start(self, host: str, port: int) -> int:
        """Gives the port, which 0 leaves to the system. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._application, self._open, self._patience), host, port, backlog=_BACKLOG
        )
        self._check()
        return self._server.sockets[0].getsockname()[1]

    async def close(self, seconds: float) -> int:
        """Take no more connections or requests, and wait at most so long for the answers that are under way.

        Gives how many were cut off.
        """
        if self._server is not None:
            self._server.close()
        for connection in list(self._open):
            connection.end()
        self._until = monotonic() + seconds
        while self._open and monotonic() < self._until:
            await asyncio.sleep(0.05)
        left = list(self._open)
        tasks = [each.task for each in left if each.task is not None]
        for task in tasks:
            task.cancel()
        for connection in left:
            connection.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._look is not None:
            self._look.cancel()
        return len(tasks)

    def hurry(self) -> None:
        """Cut short what `close` waits for."""
        self._until = 0.0

    def _check(self) -> None:
        """One look at all connections costs less than a timer for each."""
        now = monotonic()
        for connection in list(self._open):
            connection.check(now)
        patience = self._patience
        shortest = min(patience.kept, patience.head, patience.body, patience.written)
        self._look = asyncio.get_running_loop().call_later(min(_LOOK_SECONDS, shortest / 4), self._check)
