"""The journal: what is committed is read, in its order, once, over any number of restarts."""

import asyncio
import resource
import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.embedded.processes import wait_until
from guardian.errors import JournalBroken, JournalFull, UnavailableError, ValidationError
from guardian.journal import writing
from guardian.journal.format import FRAME_BYTES, HEADER_BYTES, MOST_RECORD, framed, segment_path, segments
from guardian.journal.positions import NOWHERE, read_position, waiting_bytes
from guardian.journal.reading import JournalReader
from guardian.journal.segment import Segment
from tests.unit.journal.making import journal, last_segment, read_all, write, write_at_once

RECORDS = st.lists(st.binary(min_size=1, max_size=300), max_size=12)


@settings(max_examples=40)
@given(lives=st.lists(RECORDS, min_size=1, max_size=5), segment_bytes=st.integers(20, 2_000), most=st.integers(1, 9))
def test_every_record_is_read_once_however_it_was_split(
    lives: list[list[bytes]], segment_bytes: int, most: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, found = Path(name), list[bytes]()
        for records in lives:
            write(folder, records, segment_bytes=segment_bytes)
            # Read a part, and go on in the next life.
            reader = JournalReader(folder)
            if some := reader.read(most):
                found += [record for record, _ in some]
                reader.done(some[-1].position)
        found += read_all(folder, most)
        assert found == [record for records in lives for record in records]
        assert waiting_bytes(folder) == 0


def test_what_is_not_done_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, [b"one", b"two", b"three"])
    reader = JournalReader(tmp_path)
    first = reader.read(2)
    assert [record for record, _ in first] == [b"one", b"two"]
    assert reader.read(2) == first
    reader.done(first[0].position)
    assert [record for record, _ in reader.read(9)] == [b"two", b"three"]
    assert [record for record, _ in JournalReader(tmp_path).read(9)] == [b"two", b"three"]


def test_tasks_and_threads_commit_at_the_same_time(tmp_path: Path) -> None:
    records = [f"task {number}".encode() for number in range(500)]
    others = [f"thread {number}".encode() for number in range(100)]
    with journal(tmp_path) as made, ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(made.commit_blocking, record, record + b", too") for record in others]
        write_at_once(made, records)
        for each in waiting:
            each.result()
        # Read while it is open: committed is readable.
        found = read_all(tmp_path, 1_000)
    assert sorted(found) == sorted([*records, *others, *(record + b", too" for record in others)])
    assert [record for record in found if record.startswith(b"task")] == records
    for record in others:
        assert found[found.index(record) + 1] == record + b", too"


def test_the_end_of_its_segment_is_read_while_it_is_written(tmp_path: Path) -> None:
    with journal(tmp_path) as made:
        reader = JournalReader(tmp_path)
        for number in range(20):
            record = f"{number}".encode()
            made.commit_blocking(record)
            (found,) = reader.read(9)
            assert found.record == record
            reader.done(found.position)


def test_segments_go_when_they_are_shipped(tmp_path: Path) -> None:
    with journal(tmp_path, segment_bytes=1_000) as made:
        for _ in range(50):
            made.commit_blocking(b"x" * 100)
        assert len(segments(tmp_path)) == 6
        read_all(tmp_path)
        # The last one ends by its age, so that nothing shipped stays.
        assert wait_until(lambda: made.waiting_bytes == 0, 30)
        assert wait_until(lambda: JournalReader(tmp_path).read(1) == [] and len(segments(tmp_path)) == 1, 30)


def test_a_segment_has_room_for_what_went_into_the_last_one_and_none_once_it_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_AGE_SECONDS", 3_600)
    records = [b"x" * 2_992] * 9
    with journal(tmp_path, segment_bytes=10_000) as made:
        for record in records:
            made.commit_blocking(record)
        sizes = [segment_path(tmp_path, number).stat().st_size for number in segments(tmp_path)]
        assert sizes == [9_016, 9_016, 3 * 4_096]
        assert waiting_bytes(tmp_path) == len(records) * 3_000
        assert [each.record for each in JournalReader(tmp_path).read(99)] == records
    assert last_segment(tmp_path).stat().st_size == 9_016
    assert waiting_bytes(tmp_path) == len(records) * 3_000
    assert read_all(tmp_path) == records


def test_what_does_not_fit_into_the_room_goes_behind_it(tmp_path: Path) -> None:
    segment = Segment.make(tmp_path, 1, 100)
    assert segment.path.stat().st_size == 4_096
    record = b"x" * 3_000
    for _ in range(3):
        segment.append(framed([record], segment.size))
    assert segment.path.stat().st_size == segment.size
    segment.close()
    assert read_all(tmp_path) == [record] * 3


def test_a_full_journal_refuses_before_it_writes_and_takes_again_once_there_is_room(tmp_path: Path) -> None:
    record = b"x" * 992
    with journal(tmp_path, most_bytes=10_000) as made:
        for _ in range(10):
            made.commit_blocking(record)
        assert (made.waiting_bytes, made.is_full) == (10_000, False)
        before = waiting_bytes(tmp_path)
        with pytest.raises(JournalFull, match="GUARDIAN_JOURNAL_MAX_BYTES") as refused:
            asyncio.run(made.commit(b"x"))
        with pytest.raises(JournalFull):
            made.commit_blocking(b"x")
        assert isinstance(refused.value, UnavailableError)
        assert (refused.value.status_code, made.is_full) == (503, True)
        assert waiting_bytes(tmp_path) == before
        reader = JournalReader(tmp_path)
        reader.done(reader.read(3)[-1].position)
        assert wait_until(lambda: not made.is_full, 30)
        made.commit_blocking(b"again")
    assert read_all(tmp_path) == [record] * 7 + [b"again"]


def test_a_restart_counts_what_still_waits(tmp_path: Path) -> None:
    write(tmp_path, [b"x" * 992] * 10)
    with journal(tmp_path, most_bytes=10_000) as made, pytest.raises(JournalFull):
        made.commit_blocking(b"x")


def test_a_cancelled_task_leaves_the_others_in_peace(tmp_path: Path) -> None:
    async def some() -> None:
        with journal(tmp_path) as made:
            tasks = [asyncio.create_task(made.commit(f"{number}".encode())) for number in range(30)]
            await asyncio.sleep(0)
            for task in tasks[::3]:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert [each for each in results if each is not None and not isinstance(each, asyncio.CancelledError)] == []
            assert results[1] is None

    asyncio.run(some())
    assert read_all(tmp_path) == [f"{number}".encode() for number in range(30)]


@pytest.mark.parametrize("size", [0, MOST_RECORD + 1])
def test_a_record_that_does_not_fit_is_refused(tmp_path: Path, size: int) -> None:
    with journal(tmp_path) as made:
        with pytest.raises(ValidationError, match=f"{size} bytes"):
            made.commit_blocking(b"fits", bytes(size))
        made.commit_blocking(b"x" * MOST_RECORD)
    assert read_all(tmp_path) == [b"x" * MOST_RECORD]


def test_a_closed_journal_refuses(tmp_path: Path) -> None:
    with journal(tmp_path) as made:
        pass
    with pytest.raises(JournalBroken, match="closed"):
        made.commit_blocking(b"x")
    made.start()
    made.commit_blocking(b"y")
    made.close()
    assert read_all(tmp_path) == [b"y"]


@contextmanager
def no_file_larger_than(size: int) -> Generator[None]:
    """What a full disk is like: the operating system refuses to let files of this process grow past the size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_refuses_is_told_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    limit = HEADER_BYTES + 10 * (FRAME_BYTES + 10_000) + 50  # so that the eleventh is cut in its middle
    with journal(tmp_path) as made:
        with no_file_larger_than(limit):
            for number in range(10):
                made.commit_blocking(b"%d" % number * 10_000)
            with pytest.raises(JournalBroken, match="refuses"):
                made.commit_blocking(b"x" * 10_000)
            with pytest.raises(JournalBroken), no_file_larger_than(3):
                made.commit_blocking(b"not even a header fits")
        made.commit_blocking(b"again")
    assert read_all(tmp_path) == [*(b"%d" % number * 10_000 for number in range(10)), b"again"]
    assert list(tmp_path.glob("*.damaged")) == []


def test_numbers_are_not_used_again_when_everything_was_shipped(tmp_path: Path) -> None:
    for life in range(3):
        write(tmp_path, [b"%d" % life] * 3)
        assert read_all(tmp_path) == [b"%d" % life] * 3
        for path in tmp_path.glob("*.segment"):
            path.unlink()
    assert read_position(tmp_path) > NOWHERE
