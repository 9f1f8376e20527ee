"""A decoded copy of a compressed answer, for the meter alone: the caller gets the bytes as they came."""

import zlib
from typing import Protocol, cast

import brotli
import zstandard

# Decoded bytes of one answer: a server may not blow up a megabyte into our memory.
MOST_DECODED = 256 * 2**20
_STEP = 2**20


class Undecodable(Exception):  # it is told to the meter, and no error of the caller's
    """The bytes are not what their content-encoding says, or decode to more than MOST_DECODED."""


class Decoder(Protocol):
    def feed(self, chunk: bytes) -> bytes:
        """What is decoded by now. Raises Undecodable."""
        ...


class _Counting:
    """Keeps the decoded bytes within MOST_DECODED."""

    def __init__(self) -> None:
        self._room = MOST_DECODED

    def spent(self, part: bytes) -> bytes:
        self._room -= len(part)
        if self._room < 0:
            raise Undecodable
        return part


class _Zlib(_Counting):
    """gzip, also of several members, and deflate with or without zlib's own header."""

    def __init__(self, *, gzip: bool) -> None:
        super().__init__()
        self._gzip = gzip
        self._inner = zlib.decompressobj(31) if gzip else None
        self._first = b""

    def feed(self, chunk: bytes) -> bytes:
        if self._inner is None:
            self._first += chunk
            if len(self._first) < 2:
                return b""
            chunk, self._inner = self._first, zlib.decompressobj(15 if _has_zlib_header(self._first) else -15)
        parts: list[bytes] = []
        try:
            while chunk:
                if self._inner.eof:
                    if not self._gzip:
                        break
                    self._inner = zlib.decompressobj(31)
                parts.append(self.spent(self._inner.decompress(chunk, _STEP)))
                chunk = self._inner.unconsumed_tail or self._inner.unused_data
        except zlib.error as error:
            raise Undecodable from error
        return b"".join(parts)


def _has_zlib_header(text: bytes) -> bool:
    """RFC 9110, 8.4.1.2: some servers send "deflate" without it. RFC 1950, 2.2: what it looks like."""
    return text[0] & 15 == 8 and (text[0] * 256 + text[1]) % 31 == 0


class _Brotli(_Counting):
    def __init__(self) -> None:
        super().__init__()
        self._inner = brotli.Decompressor()

    def feed(self, chunk: bytes) -> bytes:
        parts: list[bytes] = []
        try:
            parts.append(self.spent(cast("bytes", self._inner.process(chunk, output_buffer_limit=_STEP))))
            while not self._inner.can_accept_more_data():
                parts.append(self.spent(cast("bytes", self._inner.process(b"", output_buffer_limit=_STEP))))
        except brotli.error as error:  # pyright: ignore[reportUnknownVariableType]  # brotli has no types
            raise Undecodable from error
        return b"".join(parts)


class _Zstandard(_Counting):
    def __init__(self) -> None:
        super().__init__()
        # RFC 9659: no more than 8 MB of window for content-encoding.
        self._inner = zstandard.ZstdDecompressor(max_window_size=8 * 2**20).decompressobj(read_across_frames=True)

    def feed(self, chunk: bytes) -> bytes:
        try:
            # In small steps: one step of 1 KiB cannot become more than some 30 MB.
            parts = [self.spent(self._inner.decompress(chunk[at : at + 1024])) for at in range(0, len(chunk), 1024)]
        except zstandard.ZstdError as error:
            raise Undecodable from error
        return b"".join(parts)


class _Chain:
    """Several encodings, the last one applied undone first."""

    def __init__(self, inner: list[Decoder]) -> None:
        self._inner = inner

    def feed(self, chunk: bytes) -> bytes:
        for decoder in self._inner:
            chunk = decoder.feed(chunk)
        return chunk


def decoder_of(encoding: bytes) -> Decoder | None:
    """For a content-encoding; None for plain bytes. Raises Undecodable for one that is not known here."""
    names = [name.strip().lower() for name in encoding.split(b",")]
    found = [_one(name) for name in reversed(names) if name not in (b"", b"identity")]
    if not found:
        return None
    return found[0] if len(found) == 1 else _Chain(found)


def _one(name: bytes) -> Decoder:
    if name in (b"gzip", b"x-gzip"):
        return _Zlib(gzip=True)
    if name == b"deflate":
        return _Zlib(gzip=False)
    if name == b"br":
        return _Brotli()
    if name == b"zstd":
        return _Zstandard()
    raise Undecodable
