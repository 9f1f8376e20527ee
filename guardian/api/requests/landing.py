"""A file on its way to the disk: bounded, written a megabyte at a time beside the event loop, and whole or an error."""

import errno
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from fastapi.concurrency import run_in_threadpool

from guardian.errors import ApiError

_WRITE_BYTES = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def too_large(most: int) -> ApiError:
    """413, for a file that is larger than GUARDIAN_IMPORT_MAX_BYTES."""
    return ApiError(
        f"The file is larger than {most:,} bytes. Import it with `guardian import`, or raise "
        "GUARDIAN_IMPORT_MAX_BYTES.",
        413,
        "PAYLOAD_TOO_LARGE",
    )


def no_room() -> ApiError:
    """507: the disk of GUARDIAN_DATA_DIR is full, or would be."""
    return ApiError(
        "There is no room for this file on the server's disk. Nothing of it is kept. Make room where GUARDIAN_DATA_DIR "
        "is, or import the file with `guardian import`.",
        507,
        "INSUFFICIENT_STORAGE",
    )


class Landing:
    """The open file, for as long as the block lasts; `size` is what has come so far.

    Raises ApiError: 413 past `most` bytes, 507 where the disk is full.
    """

    def __init__(self, path: Path, most: int) -> None:
        self.size = 0
        self._path = path
        self._most = most
        self._waiting = bytearray()

    async def __aenter__(self) -> Self:
        self._file: BinaryIO = self._path.open("wb", buffering=0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self._write()
        finally:
            self._file.close()

    def add(self, data: bytes) -> None:
        """Some more of the file. Call `settle` before the next piece comes from the network."""
        self.size += len(data)
        if self.size > self._most:
            raise too_large(self._most)
        self._waiting += data

    async def settle(self) -> None:
        """Write what waits, once it is worth the way to a thread."""
        if len(self._waiting) >= _WRITE_BYTES:
            await self._write()

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, bytearray()
        try:
            await run_in_threadpool(_write_all, self._file, waiting)
        except OSError as error:
            if error.errno in _FULL:
                raise no_room() from None
            raise


def _write_all(file: BinaryIO, data: bytearray) -> None:
    """A raw file may take less than it is given."""
    with memoryview(data) as left:
        at = 0
        while at < len(left):
            at += file.write(left[at:])
