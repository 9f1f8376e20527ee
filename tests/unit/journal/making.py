"""Journals for tests: written, read to the end, and taken apart byte by byte."""

import asyncio
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from guardian.journal.format import segment_path, segments
from guardian.journal.reading import JournalReader
from guardian.journal.writing import Journal

MOST = 1024**3


@contextmanager
def journal(folder: Path, **options: int) -> Generator[Journal]:
    """One that is started, and closed in the end."""
    made = Journal(folder, **{"most_bytes": MOST, **options})
    made.start()
    try:
        yield made
    finally:
        made.close()


def write(folder: Path, records: Iterable[bytes], **options: int) -> None:
    """Commit each record by itself, in order."""
    with journal(folder, **options) as made:
        for record in records:
            made.commit_blocking(record)


def write_at_once(made: Journal, records: Iterable[bytes]) -> None:
    """Each record from a task of its own, all at the same time."""

    async def all_of_them() -> None:
        await asyncio.gather(*(made.commit(record) for record in records))

    asyncio.run(all_of_them())


def read_all(folder: Path, most: int = 7) -> list[bytes]:
    """Every record that is left, each portion done before the next is read."""
    reader, found = JournalReader(folder), list[bytes]()
    while some := reader.read(most):
        found += [record for record, _ in some]
        reader.done(some[-1].position)
    return found


def last_segment(folder: Path) -> Path:
    return segment_path(folder, segments(folder)[-1])
