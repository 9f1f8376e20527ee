"""Reads from a replica: used while it keeps up, left alone when it is away, never for what has to be true now."""

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlmodel import Session

from guardian import db
from guardian.errors import UnavailableError
from guardian.services.ledger import queries
from guardian.services.ledger.queries.rows import UsageFilter
from tests.conftest import People, Servers, forget_caches
from tests.unit.guard.ledger import add_calls


@pytest.fixture
def replica(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Another database that has what the first one had, and nothing that came after: a replica that lags."""
    name = environment.databases.take(None)
    url = environment.database_url(name)
    monkeypatch.setenv("DATABASE_REPLICA_URL", url)
    forget_caches()
    yield url
    forget_caches()
    environment.databases.give_back(name)


def _where(session: Session) -> str:
    return str(session.connection().execute(text("SELECT current_database()")).scalar_one())


def test_only_who_prefers_it_reads_there(replica: str) -> None:
    main, other = os.environ["DATABASE_URL"].rsplit("/", 1)[1], replica.rsplit("/", 1)[1]
    with db.session() as session:
        assert db.reading(session) is session
        db.prefer_replica(session)
        reads = db.reading(session)
        assert reads is db.reading(session) is db.reading(reads)
        assert (_where(session), _where(reads)) == (main, other)
        assert (db.is_replica(session), db.is_replica(reads)) == (False, True)


def test_lists_and_exports_read_there(replica: str, people: People, session: Session) -> None:
    from guardian.periods import utcnow

    add_calls(session, people.alice, utcnow(), "1")
    session.commit()
    with db.session() as one:
        assert len(queries.list_usage(one, people.alice, UsageFilter()).items) == 1
        db.prefer_replica(one)
        assert queries.list_usage(one, people.alice, UsageFilter()).items == ()


def test_without_one_all_is_read_here(environment: Servers) -> None:
    with db.session() as session:
        db.prefer_replica(session)
        assert db.reading(session) is session


def test_one_that_is_away_is_not_waited_for(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_REPLICA_URL", "postgresql://nobody@127.0.0.1:1/none")
    forget_caches()
    for _ in range(2):
        with db.session() as session:
            db.prefer_replica(session)
            assert db.reading(session) is session


def test_one_that_lags_is_not_used(replica: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "_LAG", text("SELECT 11"))
    with db.session() as session:
        db.prefer_replica(session)
        assert db.reading(session) is session
    monkeypatch.setattr(db, "_LAG", text("SELECT 9"))
    db._next_look.clear()
    with db.session() as session:
        db.prefer_replica(session)
        assert db.reading(session) is not session


def test_one_that_dies_under_a_question_fails_it_once(replica: str, environment: Servers) -> None:
    with pytest.raises(UnavailableError):
        _read_while_it_dies()
    with db.session() as session:
        db.prefer_replica(session)
        assert db.reading(session) is session


def _read_while_it_dies() -> None:
    with db.session() as session:
        db.prefer_replica(session)
        reads = db.reading(session)
        pid = reads.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
        session.connection().execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        reads.connection().execute(text("SELECT 1"))
