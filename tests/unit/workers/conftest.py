"""A Redis that a test may stop, and worker and scheduler processes on it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from guardian.embedded.redis import RedisServer
from tests.conftest import ENCRYPTION_KEY, ROOT, forget_caches

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def own_redis(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    server = RedisServer(open_dir / "data")
    monkeypatch.setenv("REDIS_URL", server.start())
    forget_caches()
    yield server
    forget_caches()
    server.stop()


@pytest.fixture
def client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(own_redis.url) as found:
        yield found


@pytest.fixture
def start(own_redis: RedisServer, tmp_path: Path) -> Iterator[Start]:
    """Start `python -c code` or `python -m module` against this Redis; whatever still runs is killed afterwards."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "REDIS_URL": own_redis.url,
            "ENCRYPTION_KEY": ENCRYPTION_KEY,
            "GUARDIAN_LOG_FORMAT": "console",
            "PYTHONPATH": str(ROOT),
        }
        with (tmp_path / f"process-{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
