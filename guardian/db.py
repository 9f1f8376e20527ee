"""The database: one engine per process, one transaction per service call, callbacks that run only after its commit."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock

import psycopg
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from guardian.config import settings
from guardian.errors import UnavailableError

_AFTER_COMMIT = "guardian.after_commit"
CONNECT_TIMEOUT_SECONDS = 5
_making = Lock()


def engine_url(url: str) -> str:
    """Any PostgreSQL address as SQLAlchemy's psycopg 3 address. `postgres://` (Heroku's spelling) means the same."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url)
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def engine() -> Engine:
    """The engine of this process."""
    # The cache alone lets two threads make one each, and nobody closes the connections of the one that is lost.
    with _making:
        return _engine()


def forget_engine() -> None:
    """Close the engine's idle connections; whoever asks next gets a new engine, by the settings of then."""
    with _making:
        if _engine.cache_info().currsize:
            _engine().dispose()
        _engine.cache_clear()


@lru_cache(maxsize=1)
def _engine() -> Engine:
    """`pool_pre_ping` replaces connections that a restarted server has closed."""
    return create_engine(
        engine_url(settings().require_database_url()),
        pool_size=10,
        max_overflow=10,
        pool_timeout=10,
        pool_pre_ping=True,
        # An error's text goes to the log; the values of its statement may be a mailed link or a hash.
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": "guardian",
            # A dead network must not hold a worker: TCP gives up after some 30 s instead of two hours.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 4,
            "options": "-c timezone=UTC",
        },
    )


@contextmanager
def session(on: Connection | None = None) -> Generator[Session]:
    """One transaction: committed when the block ends well, rolled back when it raises; `on` a connection, or its own.

    Callbacks given to `after_commit` run after the commit, so that a job never looks for a row that is not there yet.
    Raises UnavailableError when the database cannot be reached.
    """
    with Session(engine() if on is None else on, expire_on_commit=False) as opened:
        try:
            yield opened
            opened.commit()
        except (OperationalError, psycopg.OperationalError) as error:  # the second one of what is asked of the driver
            opened.rollback()
            raise UnavailableError("The database does not answer. Nothing was changed; try again shortly.") from error
        except BaseException:
            opened.rollback()
            raise
        callbacks: list[Callable[[], object]] = opened.info.pop(_AFTER_COMMIT, [])
    for callback in callbacks:
        callback()


def after_commit(opened: Session, callback: Callable[[], object]) -> None:
    """Run `callback` once the session's transaction is committed; never when it is rolled back."""
    opened.info.setdefault(_AFTER_COMMIT, []).append(callback)


def lock(opened: Session, *name: str) -> None:
    """Wait for the named lock and hold it until the transaction ends, however it ends."""
    opened.connection().execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": "\x1f".join(name)}
    )


def ping() -> None:
    """One round trip. Raises UnavailableError."""
    with session() as opened:
        opened.connection().execute(text("SELECT 1"))
