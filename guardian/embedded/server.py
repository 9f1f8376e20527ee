"""What the embedded servers have in common: a remembered port and password, one child process, recovery from a kill."""

import os
import secrets
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import psutil

from guardian.embedded.home import ServerHome
from guardian.embedded.processes import (
    StopSteps,
    dying_with_parent,
    free_port,
    port_is_free,
    stop,
    wait_until,
    working_in,
)
from guardian.errors import ConfigurationError, UnavailableError

_READY_SECONDS = 600.0  # reading back a few gigabytes after a crash takes minutes, and giving up would help nobody
_LOG_BYTES = 5_000_000


class EmbeddedServer(ABC):
    """A server on 127.0.0.1 with its data below `data_dir`, its port and password remembered there.

    `port` None picks a free one the first time and keeps to it. Start it from a long-lived thread: the server shuts
    itself down when that thread ends.
    """

    name: str  # for people
    slug: str  # of its folder, memory and log
    program: str  # as the kernel calls its processes
    stop_steps: StopSteps

    def __init__(self, data_dir: Path, *, port: int | None = None) -> None:
        self.home = ServerHome(data_dir, self.slug)
        self.log = self.home.data_dir / "logs" / f"{self.slug}.log"
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the server listens; known once it was started."""

    @property
    @abstractmethod
    def workplace(self) -> Path:
        """The folder that the running server has as its working directory."""

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs as our child."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> str:
        """Start the server and return its URL once it answers.

        A server that an earlier, killed run left behind is shut down first. Raises ConfigurationError when it cannot
        start (with the end of its log), UnavailableError when it does not answer in time.
        """
        if self.pid is not None:
            return self.url
        self._stop_left_behind()
        try:
            self.home.remember(port=self._choose_port(), password=self._password())
            self._prepare()
            self._process = self._launch()
            if not wait_until(self._is_ready, _READY_SECONDS):
                raise UnavailableError(f"The embedded {self.name} did not answer within {_READY_SECONDS:.0f} s.")
        except BaseException:
            self.stop()
            raise
        self._port = self.home.memory["port"]  # from now on clients know it
        return self.url

    def stop(self) -> None:
        """Shut down in order, so that everything is flushed; force it only when that takes too long."""
        if self.pid is not None:
            stop([psutil.Process(self.pid)], self.stop_steps)
        if self._process is not None:
            self._process.wait()
            self._process = None
        self._stop_left_behind()

    @abstractmethod
    def _prepare(self) -> None:
        """Make the files that the server needs to start."""

    @abstractmethod
    def _launch(self) -> subprocess.Popen[bytes]:
        """Start the program with `_spawn`."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether a client is served. Raises ConfigurationError when that will not come by waiting."""

    @abstractmethod
    def _log_tail(self) -> str:
        """What the server said last."""

    def _stop_left_behind(self) -> None:
        """Stop servers of this data directory that are not our child: an earlier run of ours was killed."""
        strays = working_in(self.workplace, self.program)
        pids = {stray.pid for stray in strays}
        leaders = [stray for stray in strays if parent_of(stray) not in pids]
        stop(leaders, self.stop_steps)
        # What outlives its leader (a backend of a killed postmaster) has lost its way of stopping in order.
        stop(working_in(self.workplace, self.program), self.stop_steps[1:])

    def _password(self) -> str:
        return self.home.memory.get("password") or secrets.token_urlsafe(24)

    def _choose_port(self) -> int:
        port = self._port or self.home.memory.get("port")
        if port is not None and port_is_free(port):
            return port
        if self._port is not None:
            raise ConfigurationError(
                f"Port {port}, on which the embedded {self.name} listens, is taken by another program."
            )
        return free_port()

    def _is_ready(self) -> bool:
        if self.pid is None:
            raise ConfigurationError(f"The embedded {self.name} stopped while starting:\n{self._log_tail()}")
        return self._answers()

    def _spawn(
        self, command: Sequence[str | Path], stop_signal: signal.Signals, words: str = ""
    ) -> subprocess.Popen[bytes]:
        """Start the program as the home's user, `words` as its input, its output going to the log.

        `stop_signal` is what it gets when we are killed.
        """
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        identity = self.home.identity
        with self.log.open("ab") as log, tempfile.TemporaryFile() as given:
            given.write(words.encode())
            given.seek(0)
            return subprocess.Popen(
                command,
                stdin=given,
                stdout=log,
                stderr=log,
                env=environment(),
                cwd=self.home.path,
                umask=0o077,
                start_new_session=True,  # the terminal's Ctrl-C is for the supervisor, which stops us last
                preexec_fn=dying_with_parent(stop_signal),
                user=identity.uid,
                group=identity.gid,
                extra_groups=identity.no_groups,
            )


def parent_of(process: psutil.Process) -> int | None:
    """The parent's pid, None when the process has ended."""
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def environment() -> dict[str, str]:
    """For a server: without our secrets, and without variables such as PGPORT that would change what it does."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
