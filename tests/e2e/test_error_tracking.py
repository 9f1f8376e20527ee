"""Every process sends what nobody foresaw to the error tracker, and nothing that is nobody's business."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlmodel import Session

from guardian import queue
from guardian.embedded.processes import free_port, wait_until
from guardian.queue import REPORT_QUEUE
from tests.conftest import ROOT, Servers
from tests.fakes.tracker import Tracker, tracking

PASSWORD = "a-password-that-nobody-may-see"
SECRETS = (PASSWORD, "ada@example.com", "session-in-a-cookie", "gdn_in-a-header-123456", "key-in-a-query")


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    with tracking() as found:
        yield found


class Processes:
    """Commands of ours with the tracker's address in their environment."""

    def __init__(self, dsn: str) -> None:
        self._environment = {**os.environ, "SENTRY_DSN": dsn, "PYTHONPATH": str(ROOT), "GUARDIAN_METRICS_PORT": "0"}
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, **changes: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "guardian.cli", *arguments],
            cwd=ROOT,
            env={**self._environment, **changes},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._started.append(process)
        return process

    def stop(self) -> None:
        for process in self._started:
            process.terminate()
        for process in self._started:
            process.wait(30)


@pytest.fixture
def processes(environment: Servers, tracker: Tracker) -> Iterator[Processes]:
    found = Processes(tracker.dsn)
    yield found
    found.stop()


def _process_of(event: dict[str, object]) -> str:
    tags = event["tags"]
    return str(tags["process"] if isinstance(tags, dict) else dict(tags)["process"])  # type: ignore[call-overload]


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live").status_code == 200
    except httpx.TransportError:
        return False


def test_a_route_that_fails(processes: Processes, tracker: Tracker, session: Session) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    processes.start("web", GUARDIAN_PORT=str(port), PUBLIC_URL=url)
    assert wait_until(lambda: _answers(url), 60)
    assert httpx.get(f"{url}/api/v1/keys").status_code == 401
    assert httpx.post(f"{url}/api/v1/auth/login", json={"email": "ada@example.com"}).status_code == 400
    assert tracker.events == []  # what was foreseen is not sent
    session.connection().execute(text("DROP TABLE users CASCADE"))
    session.commit()
    answer = httpx.post(
        f"{url}/api/v1/auth/login?token=key-in-a-query",
        json={"email": "ada@example.com", "password": PASSWORD},
        headers={"Cookie": "guardian_session=session-in-a-cookie", "X-Api-Key": "gdn_in-a-header-123456"},
    )
    assert answer.status_code == 500
    assert wait_until(lambda: bool(tracker.events), 20)
    (event,) = tracker.events
    assert _process_of(event) == "web"
    assert event["exception"]["values"][-1]["type"] == "ProgrammingError"
    sent = b"".join(tracker.bodies).decode()
    for secret in SECRETS:
        assert secret not in sent, secret
    assert "headers" not in event.get("request", {})
    assert "data" not in event.get("request", {})
    assert "cookies" not in event.get("request", {})
    assert '"vars"' not in sent


def test_a_job_that_fails(processes: Processes, tracker: Tracker, session: Session) -> None:
    session.connection().execute(text("DROP TABLE organizations CASCADE"))
    session.commit()
    processes.start("worker", REPORT_QUEUE)
    queue.enqueue(REPORT_QUEUE, "guardian.jobs.monitoring.measure_ledger", job_id="measure-once")
    assert wait_until(lambda: bool(tracker.events), 60)
    event = tracker.events[0]
    assert _process_of(event) == "worker"
    assert event["exception"]["values"][-1]["type"] == "ProgrammingError"
    assert len(tracker.events) == 1


@pytest.mark.parametrize("kind", ["gateway", "scheduler", "worker"])
def test_a_process_that_cannot_begin(kind: str, processes: Processes, tracker: Tracker, tmp_path: Path) -> None:
    """On a machine that is broken in a way that nobody foresaw: it does not tell how busy it is."""
    (tmp_path / "sitecustomize.py").write_text(
        "import psutil\n"
        "def unknown(self):\n"
        "    raise RuntimeError('nothing is known of redis://user:hunter2@127.0.0.1/0')\n"
        "psutil.Process.cpu_percent = unknown\n"
    )
    process = processes.start(kind, PYTHONPATH=os.pathsep.join((str(tmp_path), str(ROOT))))
    assert process.wait(60) != 0
    assert wait_until(lambda: bool(tracker.events), 20)
    assert {_process_of(event) for event in tracker.events} == {kind}
    assert "hunter2" not in json.dumps(tracker.events)


@pytest.mark.parametrize("kind", ["gateway", "scheduler", "worker"])
def test_what_is_set_wrongly_is_nobodys_mistake_but_the_callers(
    kind: str, processes: Processes, tracker: Tracker
) -> None:
    assert processes.start(kind, REDIS_URL="no-such-scheme://user:hunter2@127.0.0.1/0").wait(60) != 0
    assert tracker.events == []
