"""The segment that is being written: made, appended to, ended, and mended where a crash left it cut off."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Self

import structlog

from guardian.journal.format import HEADER_BYTES, header, is_cut, is_header, next_record, segment_path, segments, walk
from guardian.journal.positions import read_position, sync_folder

_MANY = 2**31
_PAGE = 4096
MOST_ROOM = 1024**2  # bytes, which take some 2 ms to write
log = structlog.get_logger(__name__)


class Segment:
    """A new segment, open for appending. `size` is what of it, without its room, is on disk for sure."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self.path, self.size, self._descriptor = path, size, descriptor

    @classmethod
    def make(cls, folder: Path, number: int, expected: int = 0) -> Self:
        """With room for the `expected` bytes of records, at most MOST_ROOM. Raises OSError, and leaves nothing then."""
        path = segment_path(folder, number)
        # With O_DSYNC each write is its own fdatasync: a thread that writes waits for Python's lock once, not twice.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_DSYNC, 0o600)
        try:
            _write(descriptor, header() + bytes(_room(expected)))
            os.lseek(descriptor, HEADER_BYTES, os.SEEK_SET)
            sync_folder(folder)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return cls(path, descriptor, HEADER_BYTES)

    def append(self, data: bytes) -> None:
        """Give the bytes to the disk for good. After an OSError the segment takes no more: close it."""
        _write(self._descriptor, data)
        self.size += len(data)

    def close(self) -> None:
        """End it. What is behind its records goes, before a next segment is made: room, and what a failed `append` has
        left, since after a failed sync nobody knows what the disk has of it.
        """
        with suppress(OSError):
            if os.fstat(self._descriptor).st_size > self.size:
                os.ftruncate(self._descriptor, self.size)
                os.fsync(self._descriptor)
        with suppress(OSError):
            os.close(self._descriptor)


def mend(folder: Path) -> int:
    """Cut off what a crash left half written at the end of the last segment; gives the number for the next one.

    Only what was never acknowledged goes. A whole record that is damaged stays where it is, for the reader to tell of.
    Raises JournalBroken for a segment of another format, and OSError.
    """
    numbers = segments(folder)
    shipped = read_position(folder)
    if numbers:
        _mend(segment_path(folder, numbers[-1]))
    return max([shipped.segment, *numbers[-1:]]) + 1


def _mend(path: Path) -> None:
    data = path.read_bytes()
    if not is_header(data) and not any(data[HEADER_BYTES:]):
        _cut(path, data, 0)
        return
    end = HEADER_BYTES
    while True:
        end = walk(data[end:], end, _MANY).end
        after = next_record(data[end:], end, end + 1)
        if after is None:
            break
        end = after
    if end < len(data) and is_cut(data[end:]):
        _cut(path, data, end)


def _cut(path: Path, data: bytes, size: int) -> None:
    if lost := len(data[size:].rstrip(b"\0")):
        log.warning("journal.mended", file=str(path), cut_off=lost)
    with path.open("r+b") as file:
        file.truncate(size)
        os.fsync(file.fileno())


def _room(expected: int) -> int:
    """Bytes of zeros, up to the end of a page; none where nothing is expected."""
    pages = -(-(HEADER_BYTES + min(expected, MOST_ROOM)) // _PAGE)
    return pages * _PAGE - HEADER_BYTES if expected else 0


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
