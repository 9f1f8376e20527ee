"""`guardian import` as a process: what it says, its status, a KeyboardInterrupt, and a kill in the middle."""

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
        words = [sys.executable, "-m", "guardian.cli", "import", *map(str, arguments)]
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


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_cut_off_in_the_middle_it_goes_on_without_doubles(
    command: Command, session: Session, many: Path, how: signal.Signals
) -> None:
    process = command(many, "--organization", "Acme")
    deadline = time.monotonic() + 120
    while not count(session):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(how)
    process.communicate(timeout=120)
    stored = count(session)
    run = session.exec(select(ImportRun)).one()
    # What was committed stays, and its run says the same number.
    assert 0 < stored < _MANY
    assert run.rows_added == stored
    if how is signal.SIGINT:
        assert (run.status, (run.error or "")[:9]) == (ImportStatus.FAILED, "Cancelled")
    said, _ = command(many, "--organization", "Acme").communicate(timeout=240)
    assert f"{_MANY - stored:,} added, {stored:,} already there" in said
    assert count(session) == _MANY
    assert disagreements(session) == []
