"""The supervisor: starts services in order, starts again what dies, stops all in reverse, recovers from a kill."""

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Protocol, Self

import psutil

from guardian.embedded.child import Child
from guardian.embedded.home import make_data_dir
from guardian.embedded.runs import MARK, RunFolder
from guardian.errors import GuardianError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PROBE_SECONDS = 2.0
_PROBE_EVERY = 0.5
_REMIND_SECONDS = 30.0


class Service(Protocol):
    """Something with one process: an embedded server or a child."""

    name: str

    @property
    def pid(self) -> int | None: ...

    def start(self) -> object: ...

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before a dead service starts again: doubled each time, forgotten once it stayed up `steady` seconds."""

    first: float = 0.5
    longest: float = 30.0
    steady: float = 30.0

    def delay(self, failures: int) -> float:
        return min(self.longest, self.first * 2 ** min(failures, 30))


@dataclass(slots=True)
class _Kept:
    service: Service
    started: float = 0.0
    failures: int = 0
    again_at: float | None = field(default=None)


class Stopped(BaseException):
    """A signal asked us to stop. Not an Exception, so that no handler of errors on the way swallows it."""


def say(text: str) -> None:
    """One line for the person at the terminal; a terminal that is gone does not stop us from stopping in order."""
    with suppress(OSError, ValueError):
        print(text, flush=True)  # noqa: T201 - the terminal is this command's page


class Supervisor:
    """A context: inside it services are started and watched, at its end they are stopped in reverse order.

    >>> with Supervisor(data_dir) as supervisor:          # doctest: +SKIP
    ...     supervisor.start(PostgresServer(data_dir))
    ...     supervisor.watch()                            # until a signal comes

    SIGINT, SIGTERM and SIGHUP end the block quietly; `stopped_by` then names the signal. Raises ConfigurationError when
    the data directory already has a supervisor.
    """

    def __init__(self, data_dir: Path, *, backoff: Backoff | None = None, tell: Callable[[str], None] = say) -> None:
        self.data_dir = make_data_dir(data_dir)
        self.run = RunFolder(self.data_dir)
        self.stopped_by: signal.Signals | None = None
        self._backoff = backoff or Backoff()
        self._tell = tell
        self._kept: list[_Kept] = []
        self._handlers: dict[signal.Signals, object] = {}
        self._put_off = False

    def __enter__(self) -> Self:
        self.run.acquire()
        try:
            for number in _SIGNALS:
                if signal.getsignal(number) is signal.SIG_IGN:  # as under nohup: it was decided for us
                    continue
                self._handlers[number] = signal.signal(number, self._on_signal)
            for name in self.run.stop_orphans():
                self._tell(f"· stopped {name}, which an earlier run had left behind")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        for number in self._handlers:
            signal.signal(number, self._note_signal)  # a second Ctrl-C must not leave half of it running
        for kept in reversed(self._kept):
            self._tell(f"· stopping {kept.service.name}")
            try:
                kept.service.stop()
            except (GuardianError, psutil.Error, OSError) as error:  # the others still have to stop
                self._tell(f"! {kept.service.name} could not be stopped: {error}")
                continue
            self.run.forget(kept.service.name)
        self.run.forget("embedded")
        self.run.release()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]  # what signal.signal gave us
        return kind is Stopped

    def environment(self, added: Mapping[str, str]) -> dict[str, str]:
        """The environment for a child: ours, what is added, and the mark of this run."""
        return {**os.environ, "PYTHONUNBUFFERED": "1", **added, MARK: self.run.mark}

    def start(self, service: Service) -> None:
        """Start a service and keep it running from now on."""
        kept = _Kept(service)
        self._kept.append(kept)  # before its start: a start that is interrupted must be stopped too
        self._start(kept)

    def finish(self, child: Child) -> None:
        """Run a child to its end, as a step of its own. Raises GuardianError with its last words when it fails."""
        self.start(child)
        status = child.wait()
        child.stop()
        self._kept = [kept for kept in self._kept if kept.service is not child]
        self.run.forget(child.name)
        if status != 0:
            raise GuardianError(f"{child.name} failed:\n{child.last_words}\nAll of it is in {child.log}.")

    def watch(self, ready: Sequence[str] = (), announce: str = "", every: float = 0.2) -> None:
        """Keep everything running until a signal comes; say `announce` once all of the `ready` URLs answer 200."""
        waiting, announced = list(ready), not announce
        probe_at, remind_at = 0.0, time.monotonic() + _REMIND_SECONDS
        while True:
            for kept in self._kept:
                self._tend(kept)
            if not announced and time.monotonic() >= probe_at:
                probe_at = time.monotonic() + _PROBE_EVERY
                waiting = [url for url in waiting if not answers(url)]
                if not waiting:
                    self._tell(announce)
                    announced = True
                elif time.monotonic() >= remind_at:
                    self._tell(f"· still waiting for {', '.join(waiting)} (logs are in {self.data_dir / 'logs'})")
                    remind_at += _REMIND_SECONDS
            time.sleep(every)

    def _start(self, kept: _Kept) -> None:
        kept.again_at = None
        if isinstance(kept.service, Child):
            with self._undisturbed():
                kept.service.start()
        else:
            kept.service.start()  # may take minutes, and clears up after an interruption by itself
        kept.started = time.monotonic()
        if kept.service.pid is not None:
            self.run.record(kept.service.name, kept.service.pid)

    @contextmanager
    def _undisturbed(self) -> Generator[None]:
        """Put a signal off to the end of the block: between a fork and its note in our books we would lose a child."""
        self._put_off = True
        try:
            yield
        finally:
            self._put_off = False
        if self.stopped_by is not None:
            raise Stopped

    def _tend(self, kept: _Kept) -> None:
        now = time.monotonic()
        if kept.again_at is not None:
            if now >= kept.again_at:
                self._try_again(kept)
        elif kept.service.pid is None:
            if now - kept.started >= self._backoff.steady:
                kept.failures = 0
            self._plan_restart(kept, _how_it_ended(kept.service))

    def _try_again(self, kept: _Kept) -> None:
        try:
            self._start(kept)
        except (GuardianError, OSError) as error:
            self._plan_restart(kept, f"could not start: {error}")

    def _plan_restart(self, kept: _Kept, reason: str) -> None:
        delay = self._backoff.delay(kept.failures)
        kept.failures += 1
        kept.again_at = time.monotonic() + delay
        self._tell(f"! {kept.service.name} {reason}; starting it again in {delay:g} s")

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.stopped_by = signal.Signals(number)
        for other in self._handlers:
            signal.signal(other, self._note_signal)
        if not self._put_off:
            raise Stopped

    def _note_signal(self, _number: int, _frame: FrameType | None) -> None:
        # It may come in the middle of another line, which the terminal's lock then refuses to interrupt.
        with suppress(RuntimeError):
            self._tell("· already stopping")


def _how_it_ended(service: Service) -> str:
    if not isinstance(service, Child):
        return "stopped"
    status = service.status
    if status is not None and status < 0:
        how = f"was ended by {signal.Signals(-status).name}"
    else:
        how = f"ended with status {status}"
    words = service.last_words.strip().splitlines()
    return f"{how} ({words[-1][:200]}; see {service.log})" if words else f"{how} (see {service.log})"


def answers(url: str) -> bool:
    """Whether a GET of that URL on this machine is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=_PROBE_SECONDS) as response:  # noqa: S310 - our own http address
            return response.status == 200
    except (urllib.error.URLError, OSError, ValueError):
        return False
