"""`guardian up` whole: one URL when ready, what dies comes back, all is stopped at the end, kill -9 loses nothing."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from guardian.embedded.postgres import PostgresServer
from guardian.embedded.processes import free_port, wait_until
from guardian.embedded.redis import RedisServer
from guardian.embedded.runs import RunFolder
from guardian.ui import build
from tests.conftest import ROOT

pytestmark = pytest.mark.e2e

READY = "AI Cost Guardian is ready: "
CHILDREN = {"gateway", "mailbox", "scheduler", "web", "worker-1", "worker-2"}
# On a busy machine with two cores the pages take most of it.
SECONDS = 180


class Installation:
    """A data directory and two ports, on which `guardian up` is started, watched and stopped."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.web, self.gateway = free_port(), free_port()
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self.listener = threading.Thread()

    @property
    def environment(self) -> dict[str, str]:
        configured = ("DATABASE_URL", "REDIS_URL", "SMTP_HOST", "ENCRYPTION_KEY", "PUBLIC_URL")
        return {name: value for name, value in os.environ.items() if name not in configured} | {
            "GUARDIAN_DATA_DIR": str(self.data_dir),
            "GUARDIAN_PORT": str(self.web),
            "GUARDIAN_GATEWAY_PORT": str(self.gateway),
        }

    def up(self) -> None:
        """Start it and wait until it says that it is ready."""
        self.lines = []
        self.process = self.start("up")
        self.listener = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self.listener.start()
        assert wait_until(lambda: self.said(READY) == 1 or self.ended, SECONDS)
        assert not self.ended, "\n".join(self.lines)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "guardian.cli", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "guardian.cli", *arguments]
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    @property
    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def said(self, text: str) -> int:
        return sum(text in line for line in self.lines)

    def stop(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(SECONDS)
        self.listener.join(SECONDS)
        return status

    def family(self) -> list[psutil.Process]:
        """The supervisor and every process below it."""
        assert self.process is not None
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def is_ready(self) -> bool:
        try:
            return all(
                httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
                for port in (self.web, self.gateway)
            )
        except httpx.TransportError:
            return False

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            self.lines.extend(line.rstrip() for line in process.stdout)


@pytest.fixture
def installation() -> Iterator[Installation]:
    if not build.is_built():
        build.build()
    folder = Path(tempfile.mkdtemp(prefix="guardian-up-"))
    folder.chmod(0o711)
    found = Installation(folder)
    yield found
    if not found.ended:
        found.stop(signal.SIGTERM)
    shutil.rmtree(folder)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def people(installation: Installation) -> list[str]:
    url = RunFolder(installation.data_dir).published()["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT email FROM users ORDER BY email")]


def add_person(installation: Installation, email: str) -> None:
    done = installation.command(
        "users", "create", "--email", email, "--password-stdin", stdin="correct horse battery\n"
    )
    assert done.returncode == 0, done.stderr


def test_it_starts_says_one_url_and_ends_with_everything_stopped(installation: Installation) -> None:
    installation.up()
    assert f"{READY}http://127.0.0.1:{installation.web}" in installation.lines
    assert installation.is_ready()
    family = installation.family()
    assert len(family) > len(CHILDREN)
    doctor = installation.command("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "FAIL" not in doctor.stdout
    assert doctor.stdout.count("\nok ") >= 6
    second = installation.command("up")
    assert second.returncode == 1
    assert re.fullmatch(r"guardian: `guardian up` already runs for .* \(process \d+\).*\n", second.stderr)
    assert installation.stop(signal.SIGINT) == 0
    assert alive(family) == []
    stops = [line.removeprefix("· stopping ") for line in installation.lines if line.startswith("· stopping ")]
    assert stops == ["scheduler", "worker-2", "worker-1", "web", "gateway", "mailbox", "Redis", "PostgreSQL"]
    assert installation.said(READY) == 1
    assert installation.lines[-1] == "· stopping PostgreSQL"


def test_after_kill_9_the_next_one_recovers_without_orphans_or_loss(installation: Installation) -> None:
    installation.up()
    key = (installation.data_dir / "encryption.key").read_text()
    add_person(installation, "first@example.com")
    before = installation.family()
    assert installation.stop(signal.SIGKILL) == -signal.SIGKILL
    installation.up()
    assert alive(before) == []
    assert people(installation) == ["first@example.com"]
    assert (installation.data_dir / "encryption.key").read_text() == key
    add_person(installation, "second@example.com")
    assert people(installation) == ["first@example.com", "second@example.com"]
    assert installation.stop(signal.SIGTERM) == 0


def test_whatever_is_killed_comes_back(installation: Installation) -> None:
    installation.up()
    add_person(installation, "first@example.com")
    records = installation.data_dir / "run"

    def pid_of(name: str) -> int:
        return int(json.loads((records / f"{name}.json").read_text())["pid"])

    for name in sorted(CHILDREN | {"PostgreSQL", "Redis"}):
        killed = pid_of(name)
        os.kill(killed, signal.SIGKILL)
        assert wait_until(lambda name=name, killed=killed: pid_of(name) != killed, SECONDS), name
    assert wait_until(installation.is_ready, SECONDS)
    assert people(installation) == ["first@example.com"]
    doctor = installation.command("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert not installation.ended
    family = installation.family()
    assert installation.stop(signal.SIGTERM) == 0
    assert alive(family) == []


@pytest.mark.parametrize("variable", ["GUARDIAN_PORT", "GUARDIAN_GATEWAY_PORT"])
def test_a_taken_port_is_named_with_its_variable(installation: Installation, variable: str) -> None:
    port = installation.web if variable == "GUARDIAN_PORT" else installation.gateway
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = installation.command("up")
    assert done.returncode == 1
    assert done.stderr == (
        f"guardian: Port {port} on 127.0.0.1 is taken by another program. "
        f"Stop that program, or set {variable} to a free port.\n"
    )


def test_it_uses_the_servers_that_are_configured(installation: Installation) -> None:
    postgres, redis = PostgresServer(installation.data_dir / "theirs"), RedisServer(installation.data_dir / "theirs")
    try:
        mine = {"DATABASE_URL": postgres.start(), "REDIS_URL": redis.start()}
        environment = installation.environment
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Installation, "environment", property(lambda _self: environment | mine))
            installation.up()
            assert not (installation.data_dir / "postgres").exists()
            assert not (installation.data_dir / "redis").exists()
            assert installation.stop(signal.SIGTERM) == 0
        assert installation.said("· stopping PostgreSQL") == 0
        with psycopg.connect(mine["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
    finally:
        redis.stop()
        postgres.stop()
