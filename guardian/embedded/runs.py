"""What `guardian up` writes down, so that only one runs, others find its servers, and the next one can clean up."""

import fcntl
import json
import os
import secrets
import signal
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import psutil

from guardian.embedded.home import write_private
from guardian.embedded.processes import StopSteps, stop
from guardian.errors import ConfigurationError

# Every child carries this variable, and so does every process that a child starts: the mark of the run it belongs to.
MARK = "GUARDIAN_RUN"
_STOP: StopSteps = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


@dataclass(frozen=True, slots=True)
class Identified:
    """A process by its number and the moment it was made, which together never come again."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "Identified":
        """Raises psutil.NoSuchProcess when it has already ended."""
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """That very process if it still runs; None when it ended, also when its number was given to another."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 0.01
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None


class RunFolder:
    """`run/` in the data directory: the lock, one file per child, and the environment of the embedded servers."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "run"
        self._lock: TextIO | None = None
        self.mark = secrets.token_hex(8)

    def acquire(self) -> None:
        """Become the only supervisor of this data directory. Raises ConfigurationError when there is one already."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        lock = (self._folder / "supervisor.lock").open("a+", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise ConfigurationError(
                f"`guardian up` already runs for {self._folder.parent} (process {holder}). "
                "Stop it first, or set another GUARDIAN_DATA_DIR."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def record(self, name: str, pid: int) -> None:
        """Write down that this child runs."""
        with suppress(psutil.NoSuchProcess):  # it ended at once, and leaves nothing to clean up
            process = Identified.of(pid)
            facts = {"pid": process.pid, "created": process.created, "run": self.mark}
            write_private(self._folder / f"{name}.json", json.dumps(facts))

    def forget(self, name: str) -> None:
        (self._folder / f"{name}.json").unlink(missing_ok=True)

    def publish(self, environment: Mapping[str, str]) -> None:
        """Tell other commands of this data directory where the embedded servers are."""
        ours = Identified.of(os.getpid())
        facts = {"pid": ours.pid, "created": ours.created, "environment": dict(environment)}
        write_private(self._folder / "embedded.json", json.dumps(facts))

    def published(self) -> dict[str, str]:
        """What a running supervisor published; empty when none runs."""
        facts = _read(self._folder / "embedded.json")
        if facts is None or Identified(facts["pid"], facts["created"]).find() is None:
            return {}
        return facts["environment"]

    def stop_orphans(self) -> list[str]:
        """Stop what a killed supervisor left behind, children of children too, and say the names of what was stopped.

        Call with the lock held: then every child on record is an orphan.
        """
        names: list[str] = []
        orphans: dict[int, psutil.Process] = {}
        for path in sorted(self._folder.glob("*.json")):
            facts = _read(path)
            path.unlink(missing_ok=True)
            if facts is None or "run" not in facts:
                continue
            leader = Identified(facts["pid"], facts["created"]).find()
            if leader is not None:
                names.append(path.stem)
                orphans[leader.pid] = leader
            orphans |= {process.pid: process for process in _marked(facts["run"])}
        stop(orphans.values(), _STOP)
        return names


def _marked(run: str) -> Generator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == run and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
