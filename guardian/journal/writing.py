"""The journal's near end: records of many at once are written by one thread, a group at a time, each group synced."""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import structlog

from guardian.errors import JournalBroken, JournalFull, ValidationError
from guardian.journal.format import FRAME_BYTES, HEADER_BYTES, MOST_RECORD, framed
from guardian.journal.groups import Group
from guardian.journal.positions import waiting_bytes
from guardian.journal.segment import Segment, mend

SEGMENT_BYTES = 16 * 1024**2
_AGE_SECONDS = 1.0  # of a segment with records in it: ended then, so that its reader may delete it
_FILLING, _ROOM = 0.8, 0.9  # shares of the budget: an early word in the log; where a full journal takes records again
_FULL = (
    "The journal holds as much as GUARDIAN_JOURNAL_MAX_BYTES allows. It has room again once what is in it reaches the "
    "database; try again shortly."
)
log = structlog.get_logger(__name__)


class Journal:
    """Appends records to a folder that this process alone writes to (places.own_folder).

    A record counts as committed once `commit` returns: it is on disk, and its reader gets it, whatever dies meanwhile.
    At most `most_bytes` wait for their reader; past that nothing is taken until a tenth of it is free again.
    """

    def __init__(self, folder: Path, most_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder, self._most, self._segment_bytes = folder, most_bytes, segment_bytes
        self._pending = Group()
        self._change = threading.Lock()
        # Rung for the thread while it is `_idle`. A Condition takes three times as long to notify.
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._idle = False
        self._waiting = 0  # bytes that are not shipped: as last counted, and what was taken since
        self._taken = 0
        self._full = self._filling = self._closing = False
        self._segment: Segment | None = None
        self._number, self._begun, self._counted = 0, 0.0, 0.0
        self._thread: threading.Thread | None = None

    @property
    def waiting_bytes(self) -> int:
        """What is not shipped yet, as of the last second."""
        return self._waiting

    @property
    def progress(self) -> tuple[int, int]:
        """How many bytes were taken since the start, and how many of them are shipped, as of the last second.

        Of what was there at the start, all counts as taken.
        """
        return self._taken, self._taken - self._waiting

    @property
    def is_full(self) -> bool:
        """Whether records are refused for want of room."""
        return self._full

    def start(self) -> None:
        """Mend what a crash has left, and take records. Raises JournalBroken and OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._number = mend(self._folder)
        self._waiting = self._taken = waiting_bytes(self._folder)
        self._segment = Segment.make(self._folder, self._number)
        self._counted = time.monotonic()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what was taken, and end. Raises nothing; records that come later are refused."""
        with self._change:
            self._closing = True
            self._wake()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    async def commit(self, *records: bytes) -> None:
        """Return when the records are on disk. A task that is cancelled meanwhile leaves them to be written.

        Raises JournalFull before anything is written, JournalBroken when the disk refuses, and ValidationError for a
        record that is empty or longer than MOST_RECORD bytes.
        """
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        size = _size(records)
        with self._change:
            group = self._take(records, size)
            tasks = group.tasks.get(loop)
            if tasks is None:
                group.tasks[loop] = [waiting]
            else:
                tasks.append(waiting)
        await waiting

    def commit_blocking(self, *records: bytes) -> None:
        """As `commit`, for threads."""
        waiting: Future[None] = Future()
        size = _size(records)
        with self._change:
            self._take(records, size).threads.append(waiting)
        waiting.result()

    def _take(self, records: Sequence[bytes], size: int) -> Group:
        if self._closing or self._thread is None:
            raise JournalBroken("The journal is closed: this process ends. Try again shortly.")
        if self._full or self._waiting + size > self._most:
            if not self._full:
                self._full = True
                _tell(logging.ERROR, "journal.full", folder=str(self._folder), waiting=self._waiting, most=self._most)
            raise JournalFull(_FULL)
        group = self._pending
        group.records.extend(records)
        group.size += size
        self._waiting += size
        self._taken += size
        if self._idle:
            self._wake()
        return group

    def _wake(self) -> None:
        """With the lock held."""
        self._idle = False
        self._bell.put(None)

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            with self._change:
                self._closing = True
                group = self._pending
            group.settle(JournalBroken("The journal has ended for a reason of ours, which is in the log."))
            self._end_segment()

    def _serve(self) -> None:
        while True:
            with self._change:
                idle = self._idle = not self._pending.records and not self._closing
            if idle:
                with suppress(Empty):
                    self._bell.get(timeout=_AGE_SECONDS if self._waiting else None)
            with self._change:
                self._idle = False
                group, self._pending = self._pending, Group()
                ending = self._closing
            if group.records:
                error: JournalBroken | None = JournalBroken("The journal could not write it, for a reason of ours.")
                try:
                    error = self._write(group)
                finally:
                    group.settle(error)
            self._tend()
            if ending:
                return

    def _write(self, group: Group) -> JournalBroken | None:
        try:
            segment = self._segment
            if segment is None or (segment.size > HEADER_BYTES and segment.size + group.size > self._segment_bytes):
                segment = self._next_segment()
            if segment.size == HEADER_BYTES:
                self._begun = time.monotonic()
            segment.append(framed(group.records, segment.size))
        except OSError as error:
            _tell(
                logging.ERROR, "journal.broken", folder=str(self._folder), error=str(error), records=len(group.records)
            )
            self._end_segment()
            return JournalBroken(f"The journal's disk refuses: {error.strerror}. Try again shortly.")
        return None

    def _next_segment(self) -> Segment:
        """As much is expected of it as went into the last one."""
        expected = self._segment.size - HEADER_BYTES if self._segment is not None else 0
        self._end_segment()
        self._number += 1
        self._segment = Segment.make(self._folder, self._number, expected)
        return self._segment

    def _end_segment(self) -> None:
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _tend(self) -> None:
        """What is due each second: end an old segment, and count what is left to ship."""
        now = time.monotonic()
        try:
            if self._segment is not None and self._segment.size > HEADER_BYTES and now - self._begun >= _AGE_SECONDS:
                self._next_segment()
            if now - self._counted >= _AGE_SECONDS:
                self._counted = now
                self._count(waiting_bytes(self._folder, self._segment.size if self._segment is not None else None))
        except OSError as error:  # the next group meets it too, and says so to who waits
            _tell(logging.ERROR, "journal.broken", folder=str(self._folder), error=str(error))

    def _count(self, on_disk: int) -> None:
        with self._change:
            self._waiting = on_disk + self._pending.size
            if self._full and self._waiting <= self._most * _ROOM:
                self._full = False
                _tell(
                    logging.INFO, "journal.has_room", folder=str(self._folder), waiting=self._waiting, most=self._most
                )
            filling = self._waiting > self._most * _FILLING
        if filling and not self._filling:
            _tell(logging.WARNING, "journal.filling", folder=str(self._folder), waiting=self._waiting, most=self._most)
        self._filling = filling


def _tell(level: int, event: str, **facts: object) -> None:
    """Log it, if that can be: the log may be on the very disk that is full, and the journal goes on without it."""
    with suppress(OSError):
        log.log(level, event, **facts)


def _size(records: Sequence[bytes]) -> int:
    size = 0
    for record in records:
        length = len(record)
        if not 0 < length <= MOST_RECORD:
            raise ValidationError(f"A record of {length} bytes does not fit into the journal.")
        size += length + FRAME_BYTES
    return size
