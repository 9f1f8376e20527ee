"""An ASGI app in a process of its own, as people run it, and a client that keeps its connection."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from guardian.embedded.processes import free_port, wait_until
from tests.bench.place import Place
from tests.conftest import ROOT


@contextmanager
def serving(at: Place, app: str, *options: str, ready: str) -> Iterator[httpx.Client]:
    """Serve `app` with uvicorn until the block ends; it begins once the path `ready` answers with 200."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, *options, "--port", str(port), "--no-access-log"]
    with open(at.folder / f"{app.split(':')[0]}.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=at.environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_until(lambda: process.poll() is not None or _answers(client, ready), 60)
            if process.poll() is not None:
                raise RuntimeError(f"{app} did not start; see its log:\n{_tail(log.name)}")
            yield client
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).status_code == 200
    except httpx.TransportError:
        return False


def _tail(path: str) -> str:
    with open(path, encoding="utf-8") as log:
        return log.read()[-2_000:]
