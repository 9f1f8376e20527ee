"""Crashes and bad disks: cut and flipped bytes cost what they hit, and nothing else."""

import random
import shutil
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from guardian.errors import JournalBroken
from guardian.journal.format import FRAME_BYTES, HEADER_BYTES, MAGIC, framed, segments
from guardian.journal.positions import Position, read_position, write_position
from guardian.journal.reading import JournalReader
from tests.unit.journal.making import journal, last_segment, read_all, write

RECORDS = [bytes([65 + number]) * (number * 7 % 23 + 1) for number in range(8)]


def ends() -> list[int]:
    """The offset behind each of RECORDS."""
    found, end = list[int](), HEADER_BYTES
    for record in RECORDS:
        end += FRAME_BYTES + len(record)
        found.append(end)
    return found


@pytest.fixture
def written(tmp_path: Path) -> Path:
    folder = tmp_path / "written"
    write(folder, RECORDS)
    assert last_segment(folder).stat().st_size == ends()[-1]
    return folder


@pytest.mark.parametrize("room", [0, 5_000])
def test_a_file_cut_anywhere_keeps_every_record_before_the_cut_and_takes_new_ones(written: Path, room: int) -> None:
    """A crash ends what was written of it anywhere, with the zeros of its room behind."""
    for size in range(ends()[-1]):
        folder = written.with_name(f"cut-{size}")
        shutil.copytree(written, folder)
        _cut(last_segment(folder), size, room)
        whole = [record for record, end in zip(RECORDS, ends(), strict=True) if end <= size]
        assert read_all(folder) == whole, size  # as it is found, with its writer gone
        write(folder, [b"new"])
        assert read_all(folder) == [b"new"], size
        shutil.copytree(written, folder, dirs_exist_ok=True)
        (folder / "shipped").unlink(missing_ok=True)
        for number in segments(folder)[1:]:
            (folder / f"{number:012d}.segment").unlink()
        _cut(last_segment(folder), size, room)
        write(folder, [b"new"])
        assert read_all(folder) == [*whole, b"new"], size
        assert list(folder.glob("*.damaged")) == []


def _cut(path: Path, size: int, room: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)
        file.truncate(size + room)


def test_room_is_cut_off_and_what_was_begun_in_it_is_told(written: Path) -> None:
    ended = ends()[-1]
    for left, lost in ((ended, None), (ended - 3, len(RECORDS[-1]) + FRAME_BYTES - 3)):
        _cut(last_segment(written), left, 5_000)
        with capture_logs() as logs:
            write(written, [b"new"])
        told = [(log["event"], log["cut_off"]) for log in logs]
        assert told == ([] if lost is None else [("journal.mended", lost)])
        path = written / "000000000001.segment"
        assert path.stat().st_size == (ended if lost is None else ends()[-2])
        for number in segments(written)[1:]:
            (written / f"{number:012d}.segment").unlink()
    assert read_all(written) == RECORDS[:-1]


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_a_flipped_bit_costs_its_record_at_most(written: Path, bit: int) -> None:
    spans = list(zip([HEADER_BYTES, *ends()[:-1]], ends(), strict=True))
    for place in range(ends()[-1]):
        folder = written.with_name(f"flip-{bit}-{place}")
        shutil.copytree(written, folder)
        path = last_segment(folder)
        data = bytearray(path.read_bytes())
        data[place] ^= 1 << bit
        path.write_bytes(data)
        write(folder, [b"new"])
        with capture_logs() as logs:
            found = read_all(folder)
        assert found == [
            *(record for record, (start, end) in zip(RECORDS, spans, strict=True) if not start <= place < end),
            b"new",
        ], place
        # Told, unless it looks like a record that was never written to its end.
        told = [log for log in logs if log["event"] == "journal.damaged"]
        kept = list(folder.glob("*.damaged"))
        assert len(told) == len(kept)
        if place < spans[-1][0] or place >= spans[-1][0] + FRAME_BYTES:
            assert len(told) == 1, place
            assert kept[0].read_bytes() == data
            assert told[0]["log_level"] == "error"


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), records=st.lists(st.binary(min_size=1, max_size=200), min_size=3, max_size=20))
def test_bytes_overwritten_anywhere_cost_only_what_they_touch(
    tmp_path_factory: pytest.TempPathFactory, seed: int, records: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("hit")
    write(folder, records)
    dice, path = random.Random(seed), last_segment(folder)
    data = bytearray(path.read_bytes())
    start = dice.randrange(HEADER_BYTES, len(data))
    end = min(len(data), start + dice.randint(1, 80))
    data[start:end] = dice.randbytes(end - start)
    path.write_bytes(data)
    untouched, place = list[bytes](), HEADER_BYTES
    for record in records:
        behind = place + FRAME_BYTES + len(record)
        if behind <= start or place >= end:
            untouched.append(record)
        place = behind
    write(folder, [b"new"])
    found = read_all(folder)
    assert found[-1] == b"new"
    left = iter(found)
    assert all(record in left for record in untouched)  # each of them, in their order


def test_a_record_inside_a_damaged_one_is_no_record(tmp_path: Path) -> None:
    # Somebody writes a whole frame into a text that is journaled, for the very place where most records begin.
    forged = framed([b"I was never committed"], HEADER_BYTES)
    write(tmp_path, [forged, b"after"])
    path = last_segment(tmp_path)
    data = bytearray(path.read_bytes())
    data[HEADER_BYTES + 4] ^= 1
    path.write_bytes(data)
    write(tmp_path, [b"new"])
    assert read_all(tmp_path) == [b"after", b"new"]


def test_a_segment_of_another_format_is_left_alone_and_told(written: Path) -> None:
    path = last_segment(written)
    data = path.read_bytes()
    head = MAGIC + (2).to_bytes(4, "little")
    path.write_bytes(head + crc32(head).to_bytes(4, "little") + data[HEADER_BYTES:])
    with pytest.raises(JournalBroken, match="format 2, and this version reads format 1"):
        JournalReader(written).read(1)
    with pytest.raises(JournalBroken, match="format 2"), journal(written):
        pass
    assert path.stat().st_size == len(data)


def test_a_damaged_position_repeats_and_loses_nothing(written: Path) -> None:
    reader = JournalReader(written)
    reader.done(reader.read(3)[-1].position)
    assert [record for record, _ in JournalReader(written).read(99)] == RECORDS[3:]
    path = written / "shipped"
    good = path.read_bytes()
    for bad in (b"", good[:-1], good[:-1] + bytes([good[-1] ^ 1])):
        path.write_bytes(bad)
        with capture_logs() as logs:
            assert [record for record, _ in JournalReader(written).read(99)] == RECORDS
        assert logs[0]["event"] == "journal.position_damaged"
    write_position(written, Position(7, 123))
    assert read_position(written) == (7, 123)


def test_damage_in_a_segment_that_is_written_waits_until_it_is_sealed(tmp_path: Path) -> None:
    """What looks like damage there may be a write under way."""
    with journal(tmp_path, segment_bytes=10_000) as made:
        made.commit_blocking(b"first")
        path = last_segment(tmp_path)
        made.commit_blocking(b"second")
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        reader = JournalReader(tmp_path)
        if segments(tmp_path) == [1]:
            assert [record for record, _ in reader.read(9)] == [b"first"]
            assert list(tmp_path.glob("*.damaged")) == []
        made.commit_blocking(b"x" * 9_990)
        assert [record for record, _ in reader.read(9)] == [b"first", b"x" * 9_990]
        assert [kept.name for kept in tmp_path.glob("*.damaged")] == ["000000000001.damaged"]
