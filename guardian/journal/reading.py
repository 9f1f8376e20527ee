"""The other end of a journal: records in their order, each until it is said to be done."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import structlog

from guardian.journal.format import HEADER_BYTES, Walked, is_header, next_record, segment_path, segments, walk
from guardian.journal.positions import Position, read_position, sync_folder, write_position

_PORTION = 4 * 1024**2  # bytes read at once: some 10,000 records
log = structlog.get_logger(__name__)


class Positioned(NamedTuple):
    """A record, and the position behind it."""

    record: bytes
    position: Position


class JournalReader:
    """Reads a folder that a Journal, perhaps of another process, writes to. One at a time; the folder has to exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done = read_position(folder)
        self._told: set[Position] = set()

    def read(self, most: int) -> list[Positioned]:
        """At most so many records that are not done, from the first one on, also when they were read before.

        What cannot be read is passed over and told in the log as `journal.damaged`; the segment that has it is kept as
        NUMBER.damaged. Segments of which everything is done are deleted. Raises JournalBroken for a segment of another
        format, and OSError.
        """
        numbers = [number for number in segments(self._folder) if number >= self._done.segment]
        found: list[Positioned] = []
        for number in numbers:
            offset = max(self._done.offset, HEADER_BYTES) if number == self._done.segment else HEADER_BYTES
            sealed = number != numbers[-1]
            ended = False
            while not ended and len(found) < most:
                records, offset, ended = self._read(Position(number, offset), most - len(found), sealed=sealed)
                found += [Positioned(record, Position(number, end)) for record, end in records]
            if len(found) >= most:
                break
            if sealed and not found:
                segment_path(self._folder, number).unlink(missing_ok=True)
        return found

    def done(self, position: Position) -> None:
        """Everything up to there is in the ledger and is never given again, whatever happens. Raises OSError."""
        write_position(self._folder, position)
        self._done = position
        numbers = segments(self._folder)
        old = [number for number in numbers if number < position.segment]
        for number in old:
            segment_path(self._folder, number).unlink(missing_ok=True)
        if old:
            sync_folder(self._folder)

    def _read(self, at: Position, most: int, *, sealed: bool) -> tuple[list[tuple[bytes, int]], int, bool]:
        """Records from there on, the offset to go on at, and whether that is the end of what can be read now."""
        path = segment_path(self._folder, at.segment)
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if at.offset == HEADER_BYTES and not is_header(file.read(HEADER_BYTES)) and sealed and size > HEADER_BYTES:
                self._keep_damaged(at, HEADER_BYTES)
            data = os.pread(file.fileno(), _PORTION, at.offset)
            walked = walk(data, at.offset, most)
            if not walked.records and at.offset + len(data) < size:
                data = os.pread(file.fileno(), size - at.offset, at.offset)
                walked = walk(data, at.offset, most)
        if walked.records:
            return walked.records, walked.end, False
        return self._behind_damage(at, data, walked, sealed=sealed)

    def _behind_damage(
        self, at: Position, data: bytes, walked: Walked, *, sealed: bool
    ) -> tuple[list[tuple[bytes, int]], int, bool]:
        """Where no record begins: the end of all, or damage. In an open segment it may be a write under way: wait."""
        if not sealed or not data:
            return [], walked.end, True
        after = next_record(data, at.offset, at.offset + 1)
        self._keep_damaged(at, (at.offset + len(data) if after is None else after) - at.offset)
        return [], after or walked.end, after is None

    def _keep_damaged(self, at: Position, size: int) -> None:
        if at in self._told:
            return
        self._told.add(at)
        path = segment_path(self._folder, at.segment)
        kept = path.with_suffix(".damaged")
        with suppress(FileExistsError):
            kept.hardlink_to(path)
        log.error("journal.damaged", file=str(kept), offset=at.offset, bytes=size)
