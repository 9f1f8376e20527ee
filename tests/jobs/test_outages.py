"""PostgreSQL or Redis goes away in the middle of a pull: it is finished afterwards, once."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from redis.exceptions import RedisError
from sqlmodel import Session

from guardian import db, queue
from guardian.embedded.postgres import PostgresServer
from guardian.embedded.redis import RedisServer
from guardian.embedded.server import EmbeddedServer
from guardian.jobs.usage import resume_syncs
from guardian.models import Organization
from guardian.models.enums import Plan, SyncStatus, TeamRole
from tests.conftest import ENCRYPTION_KEY, ROOT, People, forget_caches, make_actor
from tests.fakes.provider_server import FakeProvider
from tests.jobs.conftest import FIRST_DAY, Pulls
from tests.jobs.processes import WorkerProcess, wait_for

# A step in the middle: rows were written before it, and the costs come after it.
GATE = "/organization/usage/images"
# How long a server stays away once its absence was noticed, in seconds.
OUTAGE = 30 if os.environ.get("GUARDIAN_FULL") else 0


@dataclass(frozen=True)
class Stage:
    """Servers of this test's own, a worker that uses them, and a provider that holds an answer back on request."""

    postgres: PostgresServer
    redis: RedisServer
    fake: FakeProvider
    pulls: Pulls
    worker: WorkerProcess

    def at_the_gate(self) -> tuple[threading.Event, threading.Event]:
        """(reached, open): the first is set when the gate's report is asked for, which is answered once `open` is."""
        reached, opened = threading.Event(), threading.Event()

        def hold(_body: object) -> None:
            reached.set()
            opened.wait(60)

        self.fake.alter(GATE, hold, times=1)
        return reached, opened

    def finish(self, run_id: str) -> None:
        wait_for(
            lambda: self.pulls.get(run_id).status is SyncStatus.FINISHED,
            f"the end of the run; the worker said:\n{self.worker.said()[-4000:]}",
            every=0.2,
        )


@pytest.fixture
def stage(open_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Stage]:
    postgres = PostgresServer(open_dir / "data", options={"fsync": "off", "full_page_writes": "off"})
    redis = RedisServer(open_dir / "data")
    worker = WorkerProcess(tmp_path / "worker.log")
    try:
        with FakeProvider() as fake:
            monkeypatch.setenv("DATABASE_URL", postgres.start())
            monkeypatch.setenv("REDIS_URL", redis.start())
            monkeypatch.setenv("ENCRYPTION_KEY", ENCRYPTION_KEY)
            monkeypatch.setenv("OPENAI_BASE_URL", fake.openai_url)
            monkeypatch.setenv("PROVIDER_ATTEMPTS", "1")
            monkeypatch.setenv("SYNC_LEASE_SECONDS", "2")
            forget_caches()
            subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env=os.environ, check=True)
            with Session(db.engine(), expire_on_commit=False) as session:
                acme = Organization(name="Acme", plan=Plan.ENTERPRISE)
                session.add(acme)
                session.flush()
                alice = make_actor(session, acme, "alice", TeamRole.OWNER)
                session.commit()
            fake.load_examples("openai", FIRST_DAY)
            yield Stage(postgres, redis, fake, Pulls(People(alice, alice, alice)), worker.start())
    finally:
        worker.kill()
        redis.stop()
        postgres.stop()
        forget_caches()


def outage(stage: Stage, server: EmbeddedServer, noticed: Callable[[], bool]) -> str:
    """Stop the server while a pull waits at the gate, start it once the pull has noticed; gives the run's id."""
    reached, opened = stage.at_the_gate()
    asked = stage.pulls.request(stage.pulls.add_key())
    wait_for(reached.is_set, "the gate's request")
    server.stop()
    opened.set()
    wait_for(noticed, f"a sign that the outage is noticed; the worker said:\n{stage.worker.said()[-4000:]}", every=0.1)
    time.sleep(OUTAGE)
    server.start()
    return asked.id


def assert_pulled_once(stage: Stage, run_id: str) -> None:
    run = stage.pulls.get(run_id)
    assert (run.error, run.attempt, run.failures) == (None, 1, 0)
    asked = [(r.path, tuple(sorted(r.query))) for r in stage.fake.log]
    assert len(asked) == len(set(asked))
    ledger = stage.pulls.ledger()
    assert len(ledger["usage_logs"]) == 3
    again = stage.pulls.finished(run.api_key_id)
    assert (again.rows_added, again.rows_changed, again.rows_removed) == (0, 0, 0)
    assert stage.pulls.ledger() == ledger


def test_postgresql_is_stopped_and_started_during_a_pull(stage: Stage) -> None:
    # Several tries, and several leases: the run is nobody else's although its lease has run out meanwhile.
    run_id = outage(
        stage,
        stage.postgres,
        lambda: stage.worker.said().count("database.away") > 4 and "sync.lease_not_renewed" in stage.worker.said(),
    )
    stage.finish(run_id)
    assert_pulled_once(stage, run_id)


def test_redis_is_stopped_and_started_during_a_pull(stage: Stage) -> None:
    run_id = outage(stage, stage.redis, lambda: "live.publish_failed" in stage.worker.said())
    stage.finish(run_id)
    # The worker takes up jobs again.
    queue.connection().close()
    assert_pulled_once(stage, run_id)
    asked = stage.pulls.request(stage.pulls.get(run_id).api_key_id)
    stage.finish(asked.id)


def test_redis_loses_everything_and_the_run_is_brought_back(stage: Stage) -> None:
    stage.worker.kill()
    asked = stage.pulls.request(stage.pulls.add_key())
    queue.connection().flushall()
    stage.worker.start()

    def back() -> bool:
        try:
            resume_syncs()
        except RedisError:
            return False
        return stage.pulls.get(asked.id).status is SyncStatus.FINISHED

    with db.session() as session:
        run = stage.pulls.get(asked.id)
        run.created_at -= timedelta(days=365)
        session.merge(run)
    wait_for(back, "the end of the run", every=0.5)
    assert stage.pulls.get(asked.id).attempt == 1
