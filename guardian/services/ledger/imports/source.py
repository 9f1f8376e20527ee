"""What is imported, as a stream of lines: one file, a folder, or an archive of many; read once through, in chunks."""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from guardian.errors import ValidationError

_CHUNK = 1 << 20
LONGEST_LINE = 32 << 20  # bytes; agents write pictures into their logs, and a line has to fit into memory
_LOGS = (".jsonl", ".ndjson")
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class Member:
    """One file of what is imported; `name` is empty when there is only one."""

    name: str
    stream: IO[bytes]

    def lines(self) -> Iterator[bytes]:
        """The lines with their ends, whichever they have; one that is too long comes cut, and so is no JSON any more.

        Raises ValidationError for an archive that is cut off.
        """
        tail = b""
        cut = False
        while chunk := self._read():
            if chunk.endswith(b"\r"):  # its \n may be the next byte
                chunk += self._read(1)
            parts = (tail + chunk).splitlines(keepends=True)
            tail = b"" if parts[-1].endswith((b"\n", b"\r")) else parts.pop()
            if cut and parts:
                parts, cut = parts[1:], False
            elif cut:
                tail = b""
            if len(tail) > LONGEST_LINE:
                parts, tail, cut = [*parts, tail[:_CHUNK]], b"", True
            yield from parts
        if tail:
            yield tail

    def head(self, size: int = 65_536) -> bytes:
        return self._read(size)

    def _read(self, size: int = _CHUNK) -> bytes:
        try:
            return self.stream.read(size)
        except _BROKEN as error:
            raise ValidationError(f"The archive is damaged or cut off ({error}). Pack or send it again.") from None


class Source:
    """A path to import. `total` is its size in bytes, `read` how many were read so far, in all passes together.

    `on_read` is called whenever some more were read.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or path.name
        if not path.exists():
            raise ValidationError(f"{path} does not exist. Check the path.")
        self._files = sorted(p for p in path.rglob("*") if p.suffix in _LOGS and p.is_file()) if path.is_dir() else []
        if path.is_dir() and not self._files:
            raise ValidationError(f"There is no log file (*.jsonl) below {path}.")
        self.total = sum(p.stat().st_size for p in self._files) if path.is_dir() else path.stat().st_size
        self.read = 0
        self.on_read: Callable[[], None] = _nothing

    def members(self) -> Iterator[Member]:
        """Every file in it, one open at a time; each call is a new pass. Raises ValidationError."""
        if self._files:
            for file in self._files:
                with self._open(file) as stream:
                    yield Member(str(file.relative_to(self.path)), cast("IO[bytes]", stream))
            return
        with self._open(self.path) as stream:
            yield from self._inside(stream)

    def _inside(self, stream: "_Counted") -> Iterator[Member]:
        magic = stream.read(262)
        stream.seek(0)
        if magic.startswith(b"PK\x03\x04"):
            yield from self._zip(stream)
        elif magic.startswith(b"\x1f\x8b") or magic[257:262] == b"ustar":
            yield from self._tar_or_gzip(stream, packed=magic.startswith(b"\x1f\x8b"))
        else:
            yield Member("", cast("IO[bytes]", io.BufferedReader(stream, _CHUNK)))

    def _zip(self, stream: "_Counted") -> Iterator[Member]:
        try:
            with zipfile.ZipFile(cast("IO[bytes]", stream)) as archive:
                names = [info for info in archive.infolist() if _wanted(info.filename)]
                for info in names or archive.infolist()[:1]:
                    with archive.open(info) as inside:
                        yield Member(info.filename, inside)
        except (*_BROKEN, NotImplementedError, RuntimeError) as error:  # encrypted, or packed in a way we do not know
            raise ValidationError(f"The archive cannot be read ({error}). Pack it again as a plain zip.") from None

    def _tar_or_gzip(self, stream: "_Counted", *, packed: bool) -> Iterator[Member]:
        raw = cast("IO[bytes]", stream)
        whole = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
        try:
            is_tar = not packed or whole.read(262)[257:262] == b"ustar"
            whole.seek(0)
            if not is_tar:
                yield Member("", whole)
                return
            # Read as a stream: a file in the middle is not looked for twice.
            with tarfile.open(fileobj=whole, mode="r|") as archive:
                for info in archive:
                    inside = archive.extractfile(info) if info.isfile() and _wanted(info.name) else None
                    if inside is not None:
                        yield Member(info.name, inside)
        except _BROKEN as error:
            raise ValidationError(f"The archive cannot be read ({error}). Pack it again.") from None

    @contextmanager
    def _open(self, path: Path) -> Generator["_Counted"]:
        with path.open("rb", buffering=0) as file:
            yield _Counted(cast("io.RawIOBase", file), self)


def _nothing() -> None:
    pass


def _wanted(name: str) -> bool:
    parts = name.split("/")
    return not name.endswith("/") and "__MACOSX" not in parts and name.endswith((*_LOGS, ".csv", ".json"))


class _Counted(io.RawIOBase):
    """A file that adds what is read from it to its source's count; going back takes nothing off."""

    def __init__(self, file: io.RawIOBase, source: Source) -> None:
        self._file = file
        self._source = source
        self._furthest = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview", /) -> int | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # any writable buffer, which 3.11 cannot say
        got = self._file.readinto(buffer)
        at = self._file.tell()
        if at > self._furthest:
            self._source.read += at - self._furthest
            self._furthest = at
            self._source.on_read()
        return got

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
