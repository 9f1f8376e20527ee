"""What was acknowledged is there, whatever dies: the server by SIGKILL, and PostgreSQL in between."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from guardian.embedded.postgres import PostgresServer
from guardian.embedded.processes import free_port, wait_until
from tests.api.conftest import execute
from tests.api.ingest.conftest import Tokens, rows
from tests.api.ingest.making import event
from tests.conftest import ROOT, forget_caches


@contextmanager
def server() -> Generator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "guardian.api:create_api", "--factory", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ.copy())
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:

        def answers() -> bool:
            try:
                return client.get("/health/live").status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_until(answers, 60)
            yield process, client
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)


def test_what_was_answered_survives_sigkill(token: Tokens) -> None:
    headers = {"authorization": f"Bearer {token()}"}
    with server() as (process, client):
        for first in range(0, 300, 100):
            batch = [event(number) for number in range(first, first + 100)]
            assert client.post("/api/v1/usage", json=batch, headers=headers).status_code == 200
        os.kill(process.pid, signal.SIGKILL)
    assert len(rows()) == 300


@pytest.fixture
def own_postgres(open_dir: Path, environment: object, monkeypatch: pytest.MonkeyPatch) -> Generator[PostgresServer]:
    """A server that this test alone may stop."""
    postgres = PostgresServer(open_dir / "data", options={"fsync": "off"})
    monkeypatch.setenv("DATABASE_URL", postgres.start())
    forget_caches()
    subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env=os.environ.copy(), check=True)
    yield postgres
    forget_caches()
    postgres.stop()


def test_events_wait_on_disk_while_postgresql_is_away(own_postgres: PostgresServer, token: Tokens) -> None:
    headers = {"authorization": f"Bearer {token()}"}
    with server() as (process, client):
        assert client.post("/api/v1/usage", json=event(0), headers=headers).status_code == 200
        own_postgres.stop()
        forget_caches()
        answer = client.post("/api/v1/usage", json=[event(0), event(1), event(2, inputTokens=-1)], headers=headers)
        assert answer.status_code == 202, answer.text
        told = answer.json()["data"]
        assert (told["accepted"], told["duplicates"], len(told["errors"])) == (2, None, 1)
        os.kill(process.pid, signal.SIGKILL)
    own_postgres.start()
    forget_caches()
    with server() as (_, client):
        assert client.get("/health/live").status_code == 200
        wait_until(lambda: len(rows()) >= 2, 60)
        assert client.post("/api/v1/usage", json=event(1), headers=headers).json()["data"]["duplicates"] == 1


def test_events_wait_on_disk_while_a_migration_has_the_table(own_postgres: PostgresServer, token: Tokens) -> None:
    """What the driver raises of that is no failure of the connection, and none of the event."""
    headers = {"authorization": f"Bearer {token()}"}
    with server() as (_, client):
        assert client.post("/api/v1/usage", json=event(0), headers=headers).status_code == 200
        execute("ALTER TABLE known_events RENAME TO events_elsewhere")
        answers = [client.post("/api/v1/usage", json=event(number), headers=headers) for number in (0, 1)]
        execute("ALTER TABLE events_elsewhere RENAME TO known_events")
        assert [(answer.status_code, answer.json()["success"]) for answer in answers] == [(202, True)] * 2
        wait_until(lambda: len(rows()) >= 2, 60)
        wait_until(lambda: client.post("/api/v1/usage", json=event(1), headers=headers).status_code == 200, 20)
    assert len(rows()) == 2
