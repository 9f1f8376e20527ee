"""The process that ships a journal, as a child: started again when it dies, and ended, however it takes that."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from guardian.embedded.processes import wait_until
from guardian.journal.shipper import Shipper

Make = Callable[[str], Shipper]
_OBEDIENT = "cat > /dev/null"
_STUBBORN = "trap '' TERM; touch \"$4/trapped\"; while :; do sleep 0.05; done"


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A shipper whose process is a script, which gets what `guardian ship` would: `$4` is the folder."""

    def made(script: str) -> Shipper:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))
        return Shipper(tmp_path)

    return made


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def pid_of(shipper: Shipper, but: int | None = None) -> int:
    assert wait_until(lambda: shipper.pid not in (None, but), 20, 0.01)
    assert shipper.pid is not None
    return shipper.pid


def test_it_is_started_again_when_it_dies(make: Make) -> None:
    shipper = make(_OBEDIENT)
    shipper.start()
    first = pid_of(shipper)
    os.kill(first, signal.SIGKILL)
    second = pid_of(shipper, but=first)
    shipper.close()
    assert gone(first)
    assert gone(second)
    assert shipper.pid is None


def test_one_that_does_not_end_is_killed(make: Make, tmp_path: Path) -> None:
    shipper = make(_STUBBORN)
    shipper.start()
    pid = pid_of(shipper)
    assert wait_until((tmp_path / "trapped").exists, 20, 0.01)
    shipper.close(0.05)
    assert gone(pid)
    assert shipper.pid is None


def test_it_may_be_closed_at_once_and_twice(make: Make) -> None:
    for _ in range(20):
        shipper = make(_OBEDIENT)
        shipper.start()
        shipper.close()
        shipper.close()
        assert shipper.pid is None


def test_one_that_cannot_start_is_closed_in_order(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    shipper = make(_OBEDIENT)
    monkeypatch.setattr(sys, "executable", "/nowhere")
    shipper.start()
    shipper.close()
    assert shipper.pid is None
