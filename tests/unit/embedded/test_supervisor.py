"""The supervisor with small stand-in children: restarts, backoff, order of stopping, signals, recovery from kill -9."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from guardian.embedded.child import Child
from guardian.embedded.processes import free_port, wait_until
from guardian.embedded.runs import MARK
from guardian.embedded.supervisor import Backoff, Supervisor
from guardian.errors import ConfigurationError, GuardianError

ROOT = Path(__file__).parents[3]
FAST = Backoff(first=0.01, longest=0.04, steady=60)

# A child that says when it starts and ends, which shows the order of things.
POLITE = """
import signal, sys, time
def leave(*_):
    open(sys.argv[2], "a").write(f"-{sys.argv[1]} ")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
open(sys.argv[2], "a").write(f"+{sys.argv[1]} ")
while True: time.sleep(60)
"""

# A child that will not end, and has a child in another session that will not end either.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"],
    start_new_session=len(sys.argv) > 1)
print("up", flush=True)
time.sleep(600)
"""


WEB = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


class Stage:
    """What the supervisor said, and ways to see and to stop it from another thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.diary = folder / "diary"

    def supervisor(self, backoff: Backoff = FAST) -> Supervisor:
        return Supervisor(self.folder / "data", backoff=backoff, tell=self.lines.append)

    def child(self, supervisor: Supervisor, name: str, code: str, *arguments: str, stop_seconds: float = 10) -> Child:
        command = [sys.executable, "-c", code, *arguments]
        log = self.folder / "data" / "logs" / f"{name}.log"
        return Child(name, command, supervisor.environment({}), log, stop_seconds=stop_seconds)

    def polite(self, supervisor: Supervisor, name: str) -> Child:
        return self.child(supervisor, name, POLITE, name, str(self.diary))

    def written(self) -> str:
        return self.diary.read_text() if self.diary.exists() else ""

    def said(self, text: str) -> int:
        return sum(text in line for line in self.lines)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def stop_when(ready: Callable[[], bool], number: signal.Signals = signal.SIGTERM) -> None:
    """Send ourselves the signal once something is so (or after 30 s, so that a failing test ends)."""

    handler = signal.getsignal(number)

    def wait() -> None:
        wait_until(ready, 30)
        if signal.getsignal(number) == handler:  # else the supervisor is gone already, and it would end the tests
            os.kill(os.getpid(), number)

    threading.Thread(target=wait, daemon=True).start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_reverse_order(stage: Stage, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stage.supervisor() as supervisor:
        for name in ("one", "two", "three"):
            supervisor.start(stage.polite(supervisor, name))
            assert wait_until(lambda name=name: f"+{name} " in stage.written(), 10)
        stop_when(lambda: True, number)
        supervisor.watch()
    assert stage.written() == "+one +two +three -three -two -one "
    assert supervisor.stopped_by == number
    assert signal.getsignal(number) == before
    assert not list((stage.folder / "data" / "run").glob("*.json"))


def test_a_second_signal_in_the_middle_of_a_line_leaves_nothing_running(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.RawIOBase):
        """One that gets two signals while it is written to: one stops, the other wants to say that it is stopping."""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            os.kill(os.getpid(), signal.SIGTERM)
            return len(bytes(data))  # type: ignore[call-overload]

    with Supervisor(stage.folder / "data", backoff=FAST) as supervisor:
        child = stage.polite(supervisor, "one")
        supervisor.start(child)
        assert wait_until(lambda: "+one " in stage.written(), 10)
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(Terminal()), write_through=True))
        os.kill(os.getpid(), signal.SIGTERM)
    monkeypatch.undo()
    assert stage.written() == "+one -one "
    assert child.pid is None


def test_what_dies_is_started_again_with_growing_and_bounded_pauses(stage: Stage) -> None:
    with stage.supervisor() as supervisor:
        supervisor.start(stage.child(supervisor, "weak", "print('no luck'); raise SystemExit(3)"))
        stop_when(lambda: stage.said("weak ended") >= 5)
        supervisor.watch(every=0.01)
    pauses = [line.rsplit(" in ", 1)[1] for line in stage.lines if "weak ended" in line][:5]
    assert pauses == ["0.01 s", "0.02 s", "0.04 s", "0.04 s", "0.04 s"]
    assert stage.said("weak ended with status 3 (no luck;") >= 5


def test_a_child_that_was_up_for_a_while_is_forgiven(stage: Stage) -> None:
    with stage.supervisor(Backoff(first=0.01, longest=10, steady=0)) as supervisor:
        supervisor.start(stage.child(supervisor, "weak", "pass"))
        stop_when(lambda: stage.said("weak ended") >= 4)
        supervisor.watch(every=0.01)
    pauses = {line.rsplit(" in ", 1)[1] for line in stage.lines if "weak ended" in line}
    assert pauses == {"0.01 s"}


def test_a_killed_child_comes_back_and_the_others_do_not_notice(stage: Stage) -> None:
    with stage.supervisor() as supervisor:
        one, two = stage.polite(supervisor, "one"), stage.polite(supervisor, "two")
        supervisor.start(one)
        supervisor.start(two)
        assert wait_until(lambda: stage.written().count("+") == 2, 10)
        first, other = one.pid, two.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        stop_when(lambda: stage.written().count("+one") == 2)
        supervisor.watch(every=0.01)
        assert two.pid == other
    assert stage.said("one was ended by SIGKILL") == 1
    assert stage.written().count("+two") == 1


def test_a_stubborn_child_is_ended_with_everything_it_started(stage: Stage) -> None:
    with stage.supervisor() as supervisor:
        child = stage.child(supervisor, "stubborn", STUBBORN, stop_seconds=0.2)
        supervisor.start(child)
        assert wait_until(lambda: child.last_words == "up", 10)
        family = psutil.Process(child.pid).children(recursive=True)
        assert len(family) == 1
    assert child.pid is None
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_what_a_dead_child_left_running_is_ended_before_it_starts_again(stage: Stage) -> None:
    with stage.supervisor() as supervisor:
        child = stage.child(supervisor, "parent", STUBBORN, stop_seconds=0.2)
        supervisor.start(child)
        assert wait_until(lambda: child.last_words == "up", 10)
        first = child.pid
        assert first is not None
        (left,) = psutil.Process(first).children()
        os.kill(first, signal.SIGKILL)
        stop_when(lambda: child.pid not in (None, first) and not left.is_running())
        supervisor.watch(every=0.01)
    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE


def test_the_url_is_said_once_when_everything_answers(stage: Stage) -> None:
    ports = [free_port(), free_port()]
    with stage.supervisor() as supervisor:
        for port in ports:
            supervisor.start(stage.child(supervisor, f"web-{port}", WEB, str(port)))
        stop_when(lambda: bool(stage.said("ready at last")))
        supervisor.watch(ready=[f"http://127.0.0.1:{port}/" for port in ports], announce="ready at last", every=0.01)
    assert stage.said("ready at last") == 1


def test_nothing_is_announced_while_one_does_not_answer(stage: Stage) -> None:
    with stage.supervisor() as supervisor:
        supervisor.start(stage.child(supervisor, "weak", "raise SystemExit(1)"))
        stop_when(lambda: stage.said("weak ended") >= 3)
        supervisor.watch(ready=[f"http://127.0.0.1:{free_port()}/"], announce="ready at last", every=0.01)
    assert stage.said("ready at last") == 0


def test_a_step_that_fails_ends_it_with_the_steps_own_words(stage: Stage) -> None:
    with stage.supervisor() as supervisor:
        supervisor.start(stage.polite(supervisor, "one"))
        assert wait_until(lambda: "+one" in stage.written(), 10)
        failing = stage.child(supervisor, "step", "print('cannot do it'); raise SystemExit(1)")
        with pytest.raises(GuardianError, match="cannot do it"):
            supervisor.finish(failing)
    assert stage.written() == "+one -one "


def test_a_step_that_succeeds_is_over(stage: Stage) -> None:
    echoed: list[str] = []
    with stage.supervisor() as supervisor:
        command = [sys.executable, "-c", "print('first'); print('second')"]
        log = stage.folder / "step.log"
        supervisor.finish(Child("step", command, supervisor.environment({}), log, echo=echoed.append))
        stop_when(lambda: True)
        supervisor.watch()
    assert echoed == ["first", "second"]
    assert log.read_text().split() == ["first", "second"]
    assert stage.said("step ended") == 0


def test_only_one_supervisor_runs_for_a_data_directory(stage: Stage) -> None:
    with stage.supervisor() as first:
        with pytest.raises(ConfigurationError, match=rf"already runs .*process {os.getpid()}"), stage.supervisor():
            pass
        first.start(stage.polite(first, "one"))
    with stage.supervisor():
        pass


SUPERVISE = """
import sys
from pathlib import Path
import guardian.embedded.child as children
if sys.argv[2] == "orphans":
    children.dying_with_parent = lambda number: None
from guardian.embedded.supervisor import Supervisor
with Supervisor(Path(sys.argv[1])) as supervisor:
    for name, code in (("stubborn", sys.argv[3]), ("other", sys.argv[3])):
        command = [sys.executable, "-c", code, "new session"]
        log = Path(sys.argv[1]) / "logs" / (name + ".log")
        supervisor.start(children.Child(name, command, supervisor.environment({}), log))
    print("started", flush=True)
    supervisor.watch()
"""


@pytest.fixture
def supervised(stage: Stage) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start a supervisor in a process of its own, with two stubborn children who have a child each."""
    started: list[subprocess.Popen[str]] = []

    def start(mode: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SUPERVISE), str(stage.folder / "data"), mode, STUBBORN],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_the_next_supervisor_stops_what_a_killed_one_left_and_nothing_else(
    stage: Stage, supervised: Callable[[str], subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guardian.embedded.runs._STOP", ((signal.SIGTERM, 0.2), (signal.SIGKILL, 5.0)))
    process = supervised("orphans")
    family = psutil.Process(process.pid)
    assert wait_until(lambda: len(family.children(recursive=True)) == 4, 10)
    left = family.children(recursive=True)
    process.kill()
    process.wait()
    assert len(alive(left)) == 4
    with subprocess.Popen(["sleep", "600"]) as bystander:
        try:
            with stage.supervisor():
                assert alive(left) == []
            assert bystander.poll() is None
        finally:
            bystander.kill()
    assert stage.said("stopped stubborn, which an earlier run had left behind") == 1
    assert stage.said("stopped other, which an earlier run had left behind") == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children of their parent's death")
def test_children_are_told_when_the_supervisor_is_killed(
    stage: Stage, supervised: Callable[[str], subprocess.Popen[str]]
) -> None:
    with stage.supervisor() as supervisor:  # only for its environment and its folder
        environment = supervisor.environment({})
    script = f"""
import sys, os
from pathlib import Path
from guardian.embedded.child import Child
command = [sys.executable, "-c", {POLITE!r}, "polite", {str(stage.diary)!r}]
child = Child("polite", command, dict(os.environ), Path("log"))
child.start()
print(child.pid, flush=True)
import time; time.sleep(600)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=stage.folder,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    child = psutil.Process(int(process.stdout.readline()))
    assert wait_until(lambda: "+polite" in stage.written(), 10)
    process.kill()
    process.communicate()
    assert wait_until(lambda: not alive([child]), 10)
    # Twice where the starting thread ends before another one of the killed process: the kernel tells of each.
    assert stage.written() in ("+polite -polite ", "+polite -polite -polite ")


def test_children_carry_the_mark_of_their_run(stage: Stage) -> None:
    with stage.supervisor() as supervisor:
        assert supervisor.environment({"A": "b"})[MARK] == supervisor.run.mark
        assert supervisor.environment({"A": "b"})["A"] == "b"


def test_a_childs_log_is_rotated(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guardian.embedded.child._LOG_BYTES", 1_000)
    with stage.supervisor() as supervisor:
        child = stage.child(supervisor, "wordy", "for n in range(2000): print('line', n)")
        supervisor.finish(child)
    kept = sorted(path.name for path in child.log.parent.iterdir())
    assert kept == ["wordy.log", "wordy.log.1", "wordy.log.2", "wordy.log.3"]
    assert all(path.stat().st_size <= 1_000 for path in child.log.parent.iterdir())
    assert child.log.read_text().endswith("line 1999\n")
