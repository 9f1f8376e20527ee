"""The real worker as a process of its own, to be killed; everything is found by the pid that was started here."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from guardian.embedded.processes import wait_until
from tests.conftest import ROOT


class WorkerProcess:
    """`python -m workers.worker` in this test's environment; its log goes to `log`, each process appending to it."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workers.worker"],
                cwd=ROOT,
                env={**os.environ, "GUARDIAN_LOG_FORMAT": "json"},
                stdout=output,
                stderr=output,
            )
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.kill()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def horses(self) -> list[psutil.Process]:
        """The processes in which it runs jobs."""
        if self._process is None:
            return []
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def kill_horses(self) -> None:
        for horse in self.horses():
            try:
                horse.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue

    def kill(self, *, horses_too: bool = True) -> None:
        """SIGKILL; without `horses_too` the kernel tells them, as it would after an out-of-memory kill."""
        if self._process is None:
            return
        family = self.horses()
        self._process.kill()
        self._process.wait()
        if horses_too:
            for horse in family:
                if horse.is_running():
                    horse.kill()
        psutil.wait_procs(family, timeout=10)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def wait_for(ready: Callable[[], bool], what: str, seconds: float = 120, every: float = 0.02) -> None:
    """Poll; fails with `what` when it does not come true."""
    assert wait_until(ready, seconds, every), f"never happened: {what}"
