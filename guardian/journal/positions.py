"""How far a journal is shipped: one small file, replaced in one step, and what changes of a folder need to last."""

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import structlog

from guardian.journal.format import HEADER_BYTES, segment_path, segments

_POSITION = struct.Struct("<QQI")
_NAME = "shipped"
log = structlog.get_logger(__name__)


class Position(NamedTuple):
    """A place between two records: an offset in the segment of that number."""

    segment: int
    offset: int


NOWHERE = Position(0, 0)


def read_position(folder: Path) -> Position:
    """How far the folder's journal is shipped. NOWHERE where nothing is yet.

    And where the file is damaged: what is shipped again changes nothing, since each record is its own identity.
    """
    try:
        data = (folder / _NAME).read_bytes()
    except FileNotFoundError:
        return NOWHERE
    if len(data) == _POSITION.size:
        segment, offset, crc = _POSITION.unpack(data)
        if crc == crc32(data[:-4]):
            return Position(segment, offset)
    log.error("journal.position_damaged", folder=str(folder))
    return NOWHERE


def write_position(folder: Path, position: Position) -> None:
    """Persist it: after this a crash of the machine does not take it back. Raises OSError."""
    data = struct.pack("<QQ", *position)
    path, new = folder / _NAME, folder / f"{_NAME}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, data + crc32(data).to_bytes(4, "little"))
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(path)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make new, renamed and deleted names of a folder last. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def waiting_bytes(folder: Path, written: int | None = None) -> int:
    """How many bytes of records are in the folder and not shipped yet.

    `written` is the size of the last segment without its room, for who writes it; else that is looked for.
    """
    shipped = read_position(folder)
    numbers = segments(folder)
    total = 0
    for number in numbers:
        if number < shipped.segment:
            continue
        begin = max(shipped.offset, HEADER_BYTES) if number == shipped.segment else HEADER_BYTES
        path = segment_path(folder, number)
        with suppress(FileNotFoundError):  # shipped and deleted meanwhile
            if number != numbers[-1]:
                end = path.stat().st_size
            else:
                end = len(path.read_bytes().rstrip(b"\0")) if written is None else written
            total += max(0, end - begin)
    return total
