"""Keeps the process that ships a journal running, as a child: it ends with its parent, and starts again if it dies."""

import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import structlog

_FIRST_SECONDS, _LONGEST_SECONDS, _STEADY_SECONDS = 0.5, 30.0, 30.0
_POLL_SECONDS = 0.2
_END_SECONDS = 15.0  # for a last round; what is left then stays in the journal, for the next start
log = structlog.get_logger(__name__)


class Shipper:
    """`guardian ship FOLDER` as a child of this process, from `start` to `close`.

    Its standard input is a pipe from us: when this process is gone, however it went, the child reads its end, ships
    what there is, and ends too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._closing = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id, while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the child, and watch it."""
        self._closing.clear()
        self._thread = threading.Thread(target=self._watch, name="shipper", daemon=True)
        self._thread.start()

    def close(self, seconds: float = _END_SECONDS) -> None:
        """Let it do a last round, for at most so many seconds, and end it. Blocks: not for an event loop's thread."""
        self._closing.set()
        if self._thread is None:
            return
        self._thread.join()
        self._thread = None
        if self._process is not None:
            _end(self._process, seconds)

    def _watch(self) -> None:
        failures = 0
        while not self._closing.is_set():
            started = time.monotonic()
            status = self._run()
            if self._closing.is_set():
                return
            failures = 0 if time.monotonic() - started >= _STEADY_SECONDS else failures
            delay = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(failures, 30))
            failures += 1
            log.warning("shipper.ended", folder=str(self._folder), status=status, again_in=delay)
            self._closing.wait(delay)

    def _run(self) -> int | str | None:
        """Start it, and wait until it ends, whose status is given, or until `close`."""
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "guardian.cli", "ship", str(self._folder)], stdin=subprocess.PIPE
            )
        except OSError as error:
            return f"could not start: {error}"
        while not self._closing.is_set():
            with suppress(subprocess.TimeoutExpired):
                status = self._process.wait(_POLL_SECONDS)
                _close_pipe(self._process)
                return status
        return None


def _end(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    _close_pipe(process)
    for ask, patience in ((process.terminate, seconds), (process.kill, 2.0)):
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return
        ask()
    process.wait()


def _close_pipe(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
