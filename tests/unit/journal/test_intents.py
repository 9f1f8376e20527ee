"""Calls under way outlive a kill; what is half written was never sent."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from guardian.journal import intents
from guardian.journal.intents import MOST_RECORD, SLOT_BYTES, Intents
from tests.conftest import ROOT


def test_what_has_an_outcome_is_forgotten_and_the_rest_is_found(tmp_path: Path) -> None:
    noted = Intents(tmp_path)
    assert noted.start() == {}
    slots = [noted.note(b"call %d" % number) for number in range(3)]
    assert slots[1] is not None
    noted.clear(slots[1])
    noted.close()
    assert intents.left(tmp_path) == [b"call 0", b"call 2"]
    again = Intents(tmp_path)
    found = again.start()
    assert sorted(found.values()) == [b"call 0", b"call 2"]
    assert again.note(b"new") not in found  # they keep their places until they are cleared
    for slot in found:
        again.clear(slot)
    again.close()
    assert intents.left(tmp_path) == [b"new"]
    intents.forget(tmp_path)
    assert intents.left(tmp_path) == []
    intents.forget(tmp_path)


def test_more_calls_than_slots_get_more_slots(tmp_path: Path) -> None:
    noted = Intents(tmp_path)
    noted.start()
    records = [b"%d" % number for number in range(1_000)]
    slots = [noted.note(record) for record in records]
    assert None not in slots
    assert len(set(slots)) == 1_000
    noted.close()
    assert sorted(intents.left(tmp_path)) == sorted(records)


def test_a_record_that_does_not_fit_is_not_noted(tmp_path: Path) -> None:
    noted = Intents(tmp_path)
    noted.start()
    assert noted.note(b"x" * (MOST_RECORD + 1)) is None
    assert noted.note(b"x" * MOST_RECORD) is not None
    noted.close()
    assert intents.left(tmp_path) == [b"x" * MOST_RECORD]


@pytest.mark.parametrize("damage", [4, 8, 12])
def test_a_damaged_slot_is_no_record(tmp_path: Path, damage: int) -> None:
    noted = Intents(tmp_path)
    noted.start()
    noted.note(b"damaged")
    noted.note(b"sound")
    noted.close()
    with (tmp_path / "under-way").open("r+b") as file:
        file.seek(damage)
        file.write(b"\xff")
    assert intents.left(tmp_path) == [b"sound"]
    assert (tmp_path / "under-way").stat().st_size % SLOT_BYTES == 0


def test_a_kill_loses_none(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from guardian.journal.intents import Intents\n"
        "noted = Intents(Path(sys.argv[1])); noted.start()\n"
        "for number in range(600): noted.note(b'%d' % number)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert sorted(intents.left(tmp_path)) == sorted(b"%d" % number for number in range(600))
