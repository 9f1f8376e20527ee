"""One child process of the supervisor: started with its environment, its words kept in a log, stopped with its own."""

import logging
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

import psutil

from guardian.embedded.processes import dying_with_parent, stop
from guardian.embedded.runs import MARK

_LOG_BYTES = 10_000_000
_LOG_FILES = 3


class Child:
    """A program under the supervisor. Its output goes line by line to `log`, which is rotated at 10 MB.

    `stop_seconds` is how long it may take to end its work after SIGTERM. `echo` also gets each line. Start it from the
    main thread only: the kernel ends it when the starting thread ends.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        folder: Path | None = None,
        stop_seconds: float = 10.0,
        echo: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._environment = dict(environment)
        self._folder = folder
        self._stop_seconds = stop_seconds
        self._echo = echo
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._last: deque[str] = deque(maxlen=12)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs or was never started."""
        return self._process.poll() if self._process is not None else None

    @property
    def last_words(self) -> str:
        """The end of its output."""
        return "\n".join(self._last)

    def start(self) -> None:
        """Start it, anew if it ran before; what an earlier start left running is ended first."""
        self.stop()
        self._last.clear()
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment,
            cwd=self._folder,
            start_new_session=True,  # the terminal's Ctrl-C is for the supervisor, which stops its children in order
            preexec_fn=dying_with_parent(signal.SIGTERM),
        )
        assert process.stdout is not None
        self._process = process
        self._reader = threading.Thread(target=self._keep, args=(process.stdout,), name=f"{self.name}-log", daemon=True)
        self._reader.start()

    def wait(self) -> int:
        """Wait until it ends by itself and return its exit status."""
        assert self._process is not None
        status = self._process.wait()
        self._finish()
        return status

    def stop(self) -> None:
        """Ask it to end, and after its time is over end it, with every process that it started."""
        if self._process is None:
            return
        if self.pid is not None:
            stop([psutil.Process(self.pid)], ((signal.SIGTERM, self._stop_seconds),))
        stop(self._session(), ((signal.SIGKILL, 5.0),))
        self._process.wait()
        self._finish()
        self._process = None

    def _session(self) -> list[psutil.Process]:
        """The child and what it started: the session it leads, told by our mark from a later one of that number."""
        assert self._process is not None
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            with suppress(OSError, psutil.Error):
                same = os.getsid(process.pid) == self._process.pid
                if same and process.environ().get(MARK) == self._environment.get(MARK):
                    found.append(process)
        return found

    def _finish(self) -> None:
        if self._reader is not None:
            self._reader.join(timeout=5)

    def _keep(self, output: IO[bytes]) -> None:
        keeper = RotatingFileHandler(self.log, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8")
        with output:
            for line in output:
                text = line.decode("utf-8", "replace").rstrip("\n")
                self._last.append(text)
                if self._echo is not None:
                    self._echo(text)
                keeper.emit(logging.LogRecord(self.name, logging.INFO, "", 0, text, None, None))
        keeper.close()
