"""SIGKILL in the middle of commits: whatever was acknowledged is read afterwards, in a new life of the same folder."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from guardian.journal import places
from tests.conftest import ROOT
from tests.unit.journal.making import journal, read_all

KILLS = 20 if os.environ.get("GUARDIAN_FULL") else 4

# Sixteen tasks commit numbered records and say each number once it is committed.
_PROGRAM = """
import asyncio, os, sys
from pathlib import Path
import structlog
from guardian.journal import places
from guardian.journal.writing import Journal

# What the journal logs is no acknowledgement: it stays out of the pipe that carries those.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
life, parent = sys.argv[1], Path(sys.argv[2])
held = places.own_folder(parent)
journal = Journal(held.path, 2**30, segment_bytes=50_000)
journal.start()

async def task(name):
    number = 0
    while True:
        text = f"{life}-{name}-{number}"
        await journal.commit(text.encode() + b" " + b"x" * (number * 37 % 900))
        os.write(1, text.encode() + b"\\n")
        number += 1

async def main():
    await asyncio.gather(*(task(name) for name in range(16)))

asyncio.run(main())
"""


def test_every_acknowledged_record_is_read_after_a_kill(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    dice, acknowledged = random.Random(seed), list[str]()
    for life in range(KILLS):
        acknowledged += _live_and_die(life, tmp_path, dice)
    (folder,) = places.journal_folders(tmp_path)  # each life has taken over the one before
    with journal(folder):
        pass
    found = [record.split(b" ")[0].decode() for record in read_all(folder, 1_000)]
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))
    # Of each task at most one record more than it was told of: the one that it waited for.
    assert len(found) <= len(acknowledged) + 16 * KILLS
    assert list(folder.glob("*.damaged")) == []


def _live_and_die(life: int, parent: Path, dice: random.Random) -> list[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(life), str(parent)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(dice.randint(1, 3_000))]
        time.sleep(dice.uniform(0, 0.005))  # somewhere between taking, writing and acknowledging
    finally:
        process.kill()
    lines += process.stdout.readlines()
    process.stdout.close()
    process.wait()
    said = [line.decode().strip() for line in lines if line.endswith(b"\n")]
    assert said
    return said


def test_a_folder_is_held_by_one_process_and_taken_over_when_it_is_gone(tmp_path: Path) -> None:
    first, second = places.own_folder(tmp_path), places.own_folder(tmp_path)
    assert [first.path.name, second.path.name] == ["0001", "0002"]
    assert places.hold(first.path) is None
    assert places.abandoned(tmp_path) == []
    first.release()
    (left,) = places.abandoned(tmp_path)
    assert left.path == first.path
    left.release()
    third, fourth = places.own_folder(tmp_path), places.own_folder(tmp_path)
    assert [third.path.name, fourth.path.name] == ["0001", "0003"]
    for held in (second, third, fourth):
        held.release()


@pytest.mark.parametrize("holder", [places.hold, places.hold_reading])
def test_writer_and_reader_are_held_apart(tmp_path: Path, holder: object) -> None:
    one = places.hold(tmp_path)
    other = places.hold_reading(tmp_path)
    assert one is not None
    assert other is not None
    assert callable(holder)
    assert holder(tmp_path) is None
    one.release()
    other.release()
