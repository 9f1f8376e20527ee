"""`guardian import` as a process: what it says, its status, and signals in the middle."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, func, select

from guardian.models import ImportRun, UsageLog
from guardian.models.enums import ImportStatus
from guardian.services.ledger.sums.rollups import disagreements
from tests.conftest import ROOT, People
from tests.unit.imports.making import claude, jsonl

Command = Callable[..., "subprocess.Popen[str]"]
_MANY = 40_000


@pytest.fixture
def command(people: People) -> Iterator[Command]:
    """Starts `guardian import …` against the test's database."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> "subprocess.Popen[str]":
        # What aborts such a process makes it say where each of its threads is.
        words = [sys.executable, "-X", "faulthandler", "-m", "guardian.cli", "import", *map(str, arguments)]
        pipe: Any = subprocess.PIPE
        started.append(subprocess.Popen(words, cwd=ROOT, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def many(tmp_path: Path) -> Path:
    path = tmp_path / "many.jsonl"
    path.write_bytes(
        jsonl(
            *(
                claude(id=f"m{n}", timestamp=f"2026-11-02T{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}Z")
                for n in range(_MANY)
            )
        )
    )
    return path


def count(session: Session) -> int:
    session.rollback()
    return session.exec(select(func.count()).select_from(UsageLog)).one()


def test_what_it_says(command: Command, people: People, session: Session, tmp_path: Path) -> None:
    log, folder = tmp_path / "log.jsonl", tmp_path / "logs"
    folder.mkdir()
    log.write_bytes(jsonl(claude(), "cut {"))
    (folder / "other.jsonl").write_bytes(jsonl(claude(id="m2"), claude()))
    (tmp_path / "what.csv").write_text("a,b\n1,2\n")
    said, warned = command(log, folder, "--user", people.bob.email).communicate(timeout=120)
    assert said.splitlines() == [
        f"{log}: 1 added, 0 already there, 1 refused (Claude Code session logs)",
        f"{folder}: 1 added, 1 already there (Claude Code session logs)",
    ]
    assert warned.splitlines() == ["  line 2: The line is no JSON object. It may be cut off."]
    assert set(session.exec(select(UsageLog.user_id))) == {people.bob.user_id}
    unknown = command(tmp_path / "what.csv", "--organization", "Acme")
    assert "format of this file is not known" in unknown.communicate(timeout=120)[1]
    assert unknown.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "more than one organization"),
        (("--organization", "Nobody & Co"), "There is nobody to import for"),
        (("--organization", "Acme", "--format", "cobol"), "Unknown format 'cobol'"),
        (("--organization", "Acme", "--key", "none"), "No key of your organization has the label 'none'"),
    ],
)
def test_what_there_is_none_of(command: Command, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(jsonl(claude()))
    process = command(log, *arguments)
    assert said in process.communicate(timeout=120)[1]
    assert process.returncode == 1


def started(process: "subprocess.Popen[str]", session: Session) -> None:
    """Wait until it has stored something."""
    deadline = time.monotonic() + 120
    while not count(session):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    session.rollback()


def status_of(process: "subprocess.Popen[str]") -> int:
    """Its status, once it has ended; where it hangs, if it does not."""
    try:
        process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        pytest.fail("It did not end:\n" + process.communicate(timeout=30)[1])
    return process.returncode


@pytest.mark.parametrize(
    ("how", "status"), [(signal.SIGINT, 128 + 2), (signal.SIGTERM, 128 + 15), (signal.SIGKILL, -9)]
)
def test_cut_off_in_the_middle_it_goes_on_without_doubles(
    command: Command, session: Session, many: Path, how: signal.Signals, status: int
) -> None:
    process = command(many, "--organization", "Acme")
    started(process, session)
    process.send_signal(how)
    assert status_of(process) == status
    stored = count(session)
    run = session.exec(select(ImportRun)).one()
    # What was committed stays, and its run says the same number.
    assert 0 < stored < _MANY
    assert run.rows_added == stored
    if how is not signal.SIGKILL:
        assert (run.status, (run.error or "")[:9]) == (ImportStatus.FAILED, "Cancelled")
    said, _ = command(many, "--organization", "Acme").communicate(timeout=240)
    assert f"{_MANY - stored:,} added, {stored:,} already there" in said
    assert count(session) == _MANY
    assert disagreements(session) == []


def test_a_signal_ignored_from_the_start_stays_ignored(command: Command, session: Session, many: Path) -> None:
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = command(many, "--organization", "Acme")
    finally:
        signal.signal(signal.SIGINT, usual)
    started(process, session)
    process.send_signal(signal.SIGINT)
    assert status_of(process) == 0
    assert count(session) == _MANY


def test_after_a_signal_no_other_file_is_begun(command: Command, session: Session, many: Path) -> None:
    process = command(many, many, "--organization", "Acme")
    started(process, session)
    process.send_signal(signal.SIGINT)
    assert status_of(process) == 128 + signal.SIGINT
    assert len(session.exec(select(ImportRun)).all()) == 1
