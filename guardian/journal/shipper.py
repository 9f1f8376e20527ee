"""Keeps the process that ships a journal running, as a child: it ends with its parent, and starts again if it dies."""

import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import structlog

_FIRST_SECONDS, _LONGEST_SECONDS, _STEADY_SECONDS = 0.5, 30.0, 30.0
_END_SECONDS = 15.0  # for a last round; what is left then stays in the journal, for the next start
_TERM_SECONDS = 2.0
log = structlog.get_logger(__name__)


class Shipper:
    """`guardian ship FOLDER` as a child of this process, from `start` to `close`.

    Its standard input is a pipe from us: when this process is gone, however it went, the child reads its end, ships
    what there is, and ends too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._closing = threading.Event()
        # None is started any more once `_closing` is set under it.
        self._starting = threading.Lock()
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
        with self._starting:
            self._closing.set()
        thread, self._thread = self._thread, None
        if thread is None:
            return
        process = self._process
        if process is not None:
            _close_pipe(process)
            for ask, patience in ((process.terminate, seconds), (process.kill, _TERM_SECONDS)):
                thread.join(patience)  # which waits for the child
                if not thread.is_alive():
                    return
                ask()
        thread.join()

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
        """Start it, unless `close` came first, and wait until it ends; gives its status."""
        command = [sys.executable, "-m", "guardian.cli", "ship", str(self._folder)]
        with self._starting:
            if self._closing.is_set():
                return None
            try:
                process = self._process = subprocess.Popen(command, stdin=subprocess.PIPE)
            except OSError as error:
                return f"could not start: {error}"
        status = process.wait()
        _close_pipe(process)
        return status


def _close_pipe(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
