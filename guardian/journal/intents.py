"""Calls that are under way, in memory that outlives the process: what a kill leaves without an outcome is known then.

A file of slots beside the segments, mapped into memory: noting a call costs a copy and no system call, and the kernel
keeps it when the process is killed. It is not synced: after a crash of the machine itself the last seconds of it may be
gone, which is told of no finished call, since those are in the segments.

    slot   u32 length of the record (0: free), u32 crc32 of it; the record                          4,096 bytes
"""

import mmap
import os
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import structlog

_NAME = "under-way"
_FRAME = struct.Struct("<II")
SLOT_BYTES = 4_096
MOST_RECORD = SLOT_BYTES - _FRAME.size
_FIRST_SLOTS = 256
_FREE = bytes(4)

log = structlog.get_logger(__name__)


class Intents:
    """The slots of one folder, which this process holds (places.own_folder). For one thread."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._descriptor = -1
        self._memory: mmap.mmap | None = None
        self._free: list[int] = []
        self._full = False

    def start(self) -> Mapping[int, bytes]:
        """Gives the records that a process before this one left, by their slots: `clear` each that is taken care of.

        Raises OSError.
        """
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        size = os.fstat(self._descriptor).st_size
        slots = max(_FIRST_SLOTS, -(-size // SLOT_BYTES))
        os.posix_fallocate(self._descriptor, 0, slots * SLOT_BYTES)
        self._memory = mmap.mmap(self._descriptor, slots * SLOT_BYTES)
        found = _records(self._memory)
        # The lowest come first: few pages are ever touched.
        self._free = [slot for slot in range(slots - 1, -1, -1) if slot not in found]
        return found

    def close(self) -> None:
        if self._memory is not None:
            self._memory.close()
            os.close(self._descriptor)
            self._memory = None

    def note(self, record: bytes) -> int | None:
        """Keep it until `clear`. None where it does not fit (MOST_RECORD), or the disk has no room for more slots."""
        if self._memory is None or len(record) > MOST_RECORD or not (self._free or self._grown()):
            return None
        slot = self._free.pop()
        at = slot * SLOT_BYTES
        behind = at + _FRAME.size
        self._memory[behind : behind + len(record)] = record
        self._memory[at:behind] = _FRAME.pack(len(record), crc32(record))
        return slot

    def clear(self, slot: int) -> None:
        """Its outcome is written down."""
        if self._memory is not None:
            self._memory[slot * SLOT_BYTES : slot * SLOT_BYTES + 4] = _FREE
            self._free.append(slot)

    def _grown(self) -> bool:
        """Twice as many slots. The room is taken at once: memory that the disk has no room for would kill us."""
        if self._full or self._memory is None:
            return False
        size = len(self._memory)
        try:
            os.posix_fallocate(self._descriptor, size, size)
            self._memory.resize(2 * size)
        except OSError as error:
            self._full = True
            log.error("journal.no_room_for_intents", file=str(self._path), error=str(error))
            return False
        self._free.extend(range(2 * size // SLOT_BYTES - 1, size // SLOT_BYTES - 1, -1))
        return True


def left(folder: Path) -> list[bytes]:
    """The records of calls that the folder's process, which is gone, was in the middle of."""
    try:
        data = (folder / _NAME).read_bytes()
    except FileNotFoundError:
        return []
    return list(_records(data).values())


def forget(folder: Path) -> None:
    """What was left there is taken care of."""
    with suppress(FileNotFoundError):
        (folder / _NAME).unlink()


def _records(data: bytes | mmap.mmap) -> dict[int, bytes]:
    """By slot. One whose writing was interrupted was not sent yet, and is none."""
    found: dict[int, bytes] = {}
    for slot in range(len(data) // SLOT_BYTES):
        at = slot * SLOT_BYTES
        length, crc = _FRAME.unpack_from(data, at)
        if 0 < length <= MOST_RECORD:
            record = bytes(data[at + _FRAME.size : at + _FRAME.size + length])
            if crc32(record) == crc:
                found[slot] = record
    return found
