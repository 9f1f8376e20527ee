"""The operating system's side: free ports, which process is whose, dying with the parent, stopping by pid."""

import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
# Loaded here and not between fork and exec, where taking the loader's lock could hang the child.
_libc: ctypes.CDLL | None = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None

# Signals in the order in which they are tried, each with the seconds that it is given to work.
StopSteps = tuple[tuple[signal.Signals, float], ...]


def dying_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` that asks the kernel to send `death_signal` when the starting *thread* ends; None off Linux.

    Start such a child from a thread that lives as long as the child should (the main thread).
    """
    libc, parent = _libc, os.getpid()
    if libc is None:
        return None

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before we asked, so nobody would tell us
            os._exit(1)

    return ask


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on that TCP port now; a host that is no address of this machine says no."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror:
        return False
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
                probe.listen()
            except OSError:
                return False
    return True


def is_ours(host: str) -> bool:
    """Whether servers of this machine can listen on that address, at whatever port."""
    return port_is_free(0, host)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def working_in(folder: Path, name: str) -> list[psutil.Process]:
    """Processes whose program is called `name` and whose working directory is `folder`.

    PostgreSQL and Redis both change into their own folder, so this finds exactly the servers of one data directory,
    whatever a pid file says and whichever number the kernel has given away again since.
    """
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.name() == name and process.cwd() == str(folder):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def stop(processes: Iterable[psutil.Process], steps: StopSteps) -> None:
    """Send each step's signal to those still alive and wait at most that step's seconds for them to end.

    psutil compares creation times before it sends, so a process that got a recycled pid is left alone.
    """
    alive = list(processes)
    for number, seconds in steps:
        for process in alive:
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue
        _, alive = psutil.wait_procs(alive, timeout=seconds)
        if not alive:
            return


def wait_until(ready: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
    """Poll `ready` until it is true or the seconds are over; says which."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def tail(path: Path, lines: int = 8) -> str:
    """The last lines of a log file, for an error message; empty when there is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])
