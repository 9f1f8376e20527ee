"""The writer's connection, kept while more waits: to take it anew and see that it lives costs as much as ten events."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlmodel import Session

from guardian import db


class KeptConnection:
    """Of one thread. One that failed is given back, so that the pool looks at it before it is used again."""

    def __init__(self) -> None:
        self._kept: Connection | None = None

    @contextmanager
    def session(self, more: Callable[[], bool]) -> Generator[Session]:
        """As db.session; the connection is kept for the next one if there is `more` to do once it is committed."""
        connection = self._kept or db.engine().connect()
        self._kept = None
        try:
            with db.session(connection) as opened:
                yield opened
            if more():
                self._kept = connection
        finally:
            if self._kept is None:
                connection.close()

    def give_back(self) -> None:
        """To the pool, before there is nothing to do for a while."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()
