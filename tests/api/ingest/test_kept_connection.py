"""A writer's connection stays its own only while there is more to write, and never after it has failed."""

from typing import Any

import pytest
from sqlalchemy import text

from guardian import db
from guardian.api.ingest.kept_connection import KeptConnection
from guardian.errors import UnavailableError


def _process(connections: KeptConnection, *, more: bool) -> int:
    with connections.session(lambda: more) as opened:
        found: int = opened.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
        return found


def _fail(connections: KeptConnection) -> None:
    with connections.session(lambda: True) as opened:
        opened.connection().execute(text("INSERT INTO kept_here VALUES (1)"))
        raise ZeroDivisionError


def _taken() -> int:
    with db.session() as session:
        query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state ~ 'idle in'")
        found: int = session.connection().execute(query).scalar_one()
        return found


def test_a_connection_is_kept_while_there_is_more_and_holds_no_transaction(environment: object) -> None:
    connections = KeptConnection()
    pool: Any = db.engine().pool
    before = pool.checkedout()
    one = _process(connections, more=True)
    assert pool.checkedout() == before + 1
    assert _taken() == 0
    assert _process(connections, more=False) == one
    assert pool.checkedout() == before


def test_what_is_done_with_a_kept_connection_is_committed_or_undone(environment: object) -> None:
    connections = KeptConnection()
    with connections.session(lambda: True) as opened:
        opened.connection().execute(text("CREATE TABLE kept_here (number integer)"))
    with pytest.raises(ZeroDivisionError):
        _fail(connections)
    with db.session() as other:
        assert other.connection().execute(text("SELECT count(*) FROM kept_here")).scalar() == 0
        other.connection().execute(text("DROP TABLE kept_here"))
    connections.give_back()


def test_a_connection_that_failed_is_another_one_next_time(environment: object) -> None:
    connections = KeptConnection()
    lost = _process(connections, more=True)
    with db.session() as other:
        other.connection().execute(text("SELECT pg_terminate_backend(:lost)"), {"lost": lost})
    with pytest.raises(UnavailableError):
        _process(connections, more=True)
    assert _process(connections, more=False) != lost
