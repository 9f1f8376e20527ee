"""The database: one engine per process, one transaction per service call, callbacks that run only after its commit.

Nothing here outlives its transaction on the server: no SET without LOCAL, no lock of a session, no LISTEN. So PgBouncer
may give each transaction another connection (DATABASE_POOLING=transaction).
"""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import lru_cache
from threading import Lock
from typing import Any

import psycopg
import structlog
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlmodel import Session

from guardian.config import settings
from guardian.errors import UnavailableError

_AFTER_COMMIT = "guardian.after_commit"
_PREFERS, _REPLICA, _IS_REPLICA = "guardian.prefers_replica", "guardian.replica", "guardian.is_replica"
CONNECT_TIMEOUT_SECONDS = 5
# A replica is asked this often whether it keeps up, and one that does not, or is away, is left alone as long.
_LOOK_SECONDS = 5.0
# How far behind it is. What was received is replayed, and more would come: then nothing happens at the primary, however
# long ago the last transaction was.
_LAG = text(
    "SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0 "
    "WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0 "
    "ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END"
)
_making = Lock()
_next_look: dict[str, float] = {}  # by the replica's address: when to ask again whether it keeps up
_keeps_up: dict[str, bool] = {}

log = structlog.get_logger(__name__)


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
        if _replica_engine.cache_info().currsize and (replica := _replica_engine()) is not None:
            replica.dispose()
        _replica_engine.cache_clear()
        _next_look.clear()
        if _engine.cache_info().currsize:
            _engine().dispose()
        _engine.cache_clear()


@lru_cache(maxsize=1)
def _engine() -> Engine:
    return _make_engine(settings().require_database_url())


@lru_cache(maxsize=1)
def _replica_engine() -> Engine | None:
    url = settings().database_replica_url
    return None if url is None else _make_engine(url.get_secret_value())


def _make_engine(url: str) -> Engine:
    """`pool_pre_ping` replaces connections that a restarted server has closed."""
    # libpq sends it when it connects, and PgBouncer keeps it for the client; `options` it would refuse.
    os.environ["PGTZ"] = "UTC"
    return create_engine(
        engine_url(url),
        pool_size=10,
        max_overflow=10,
        pool_timeout=10,
        pool_pre_ping=True,
        # An error's text goes to the log; the values of its statement may be a mailed link or a hash.
        hide_parameters=True,
        connect_args=connect_options(),
    )


def connect_options() -> dict[str, Any]:
    """How psycopg connects, whoever calls it."""
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": "guardian",
        # A dead network must not hold a worker: TCP gives up after some 30 s instead of two hours.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 4,
    }
    if is_pooled():
        options["prepare_threshold"] = None  # the next transaction may be on a connection that does not know it
    return options


def is_pooled() -> bool:
    """Whether each transaction may be on another connection of the server."""
    return settings().database_pooling == "transaction"


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
            _leave_replica_alone(opened)
            raise UnavailableError("The database does not answer. Nothing was changed; try again shortly.") from error
        except BaseException:
            opened.rollback()
            raise
        finally:
            _close_replica(opened)
        callbacks: list[Callable[[], object]] = opened.info.pop(_AFTER_COMMIT, [])
    for callback in callbacks:
        callback()


def after_commit(opened: Session, callback: Callable[[], object]) -> None:
    """Run `callback` once the session's transaction is committed; never when it is rolled back."""
    opened.info.setdefault(_AFTER_COMMIT, []).append(callback)


def has_changes(opened: Session) -> bool:
    """Whether this transaction has changed something that others are to hear of, or is about to write rows."""
    return bool(opened.info.get(_AFTER_COMMIT) or opened.new or opened.dirty or opened.deleted)


def prefer_replica(opened: Session) -> None:
    """What this session's services read by `reading` may be as old as DATABASE_REPLICA_LAG_SECONDS says."""
    opened.info[_PREFERS] = True


def only_reads(opened: Session) -> bool:
    """Whether it was said that this session changes nothing, and may read what is a moment old: see prefer_replica."""
    return bool(opened.info.get(_PREFERS))


def reading(opened: Session) -> Session:
    """Where to read: a transaction on the replica that lasts as long as this one, or this one itself.

    This one where it does not prefer the replica (see prefer_replica), none is named, or it is away or lags behind.
    """
    if not opened.info.get(_PREFERS) or is_replica(opened):
        return opened
    if _REPLICA not in opened.info:
        opened.info[_REPLICA] = _open_replica()
    replica: Session | None = opened.info[_REPLICA]
    return opened if replica is None else replica


def is_replica(opened: Session) -> bool:
    """Whether this reads from the replica: what it says may be outdated already."""
    return bool(opened.info.get(_IS_REPLICA))


def _open_replica() -> Session | None:
    with _making:
        found = _replica_engine()
    if found is None:
        return None
    name, now = str(found.url), time.monotonic()
    if now < _next_look.get(name, 0.0):
        return Session(found, expire_on_commit=False, info={_IS_REPLICA: True}) if _keeps_up[name] else None
    _next_look[name] = now + _LOOK_SECONDS
    replica = Session(found, expire_on_commit=False, info={_IS_REPLICA: True})
    try:
        lag = float(replica.connection().execute(_LAG).scalar_one() or 0)
        problem = f"it is {lag:.0f} s behind" if lag > settings().database_replica_lag_seconds else None
    except SQLAlchemyError as error:
        problem = str(error).partition("\n")[0]
    if problem is not None and _keeps_up.get(name, True):
        log.warning("database.replica_not_used", problem=problem)
    _keeps_up[name] = problem is None
    if problem is None:
        return replica
    replica.close()
    return None


def _leave_replica_alone(opened: Session) -> None:
    replica: Session | None = opened.info.get(_REPLICA)
    if replica is not None:
        name = str(replica.get_bind().engine.url)
        _keeps_up[name], _next_look[name] = False, time.monotonic() + _LOOK_SECONDS


def _close_replica(opened: Session) -> None:
    replica: Session | None = opened.info.pop(_REPLICA, None)
    if replica is not None:
        with suppress(SQLAlchemyError):
            replica.close()


def lock(opened: Session, *name: str) -> None:
    """Wait for the named lock and hold it until the transaction ends, however it ends."""
    opened.connection().execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": "\x1f".join(name)}
    )


def ping() -> None:
    """One round trip. Raises UnavailableError."""
    with session() as opened:
        opened.connection().execute(text("SELECT 1"))
