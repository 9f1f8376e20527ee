"""Cuts a streamed answer into its events, wherever the network cut it: SSE, JSON lines, and one JSON array in pieces.

SSE as https://html.spec.whatwg.org/multipage/server-sent-events.html has it: lines end with CRLF, LF or CR, comments
begin with a colon, several data lines are one text, a byte order mark may come first. Unlike there, an event that the
end of the stream cut short of its blank line counts too: its numbers are as good.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

# More than any vendor sends as one event (a picture as base64 has some 30 MB); a server may not fill our memory.
MOST_HELD = 64 * 2**20
_BOM = b"\xef\xbb\xbf"
GAP = b"\n\n"
# A CR at the end of what has come is a line's end, too; an LF that follows belongs to it.
_BLANK = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_LINE = re.compile(rb"\r\n|\n|\r")
_SPECIAL = re.compile(rb'["\\{}\[\]]')


class Event(NamedTuple):
    """One event: its bytes as they came, with the blank line, and its data; no data in comments and blank lines.

    `belongs`: no event, but the last byte of the one before, which came after it had been given away.
    """

    raw: bytes
    data: bytes
    belongs: bool = False


class TooLong(Exception):  # it is told to the meter, and no error of the caller's
    """One event is longer than MOST_HELD: nothing more is read of this stream."""


class Splitter(Protocol):
    """`feed` gives the events that are whole by now, `end` what the stream's end leaves; `held` is what waits."""

    @property
    def held(self) -> int: ...
    def feed(self, chunk: bytes) -> list[Event]: ...
    def end(self) -> list[Event]: ...


class SseEvents:
    """Server-sent events. The bytes of all events, in their order, are the bytes that were fed."""

    __slots__ = ("_after_cr", "_buffer", "_fresh", "_sought")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._sought = 0
        self._fresh, self._after_cr = True, False

    @property
    def held(self) -> int:
        return len(self._buffer)

    @property
    def between(self) -> bool:
        """Whether what was fed ended with an event's end."""
        return not self._buffer and not self._after_cr

    def feed(self, chunk: bytes) -> list[Event]:
        """Raises TooLong."""
        if not chunk:
            return []
        if (whole := self._whole(chunk)) is not None:
            return whole
        found: list[Event] = []
        if self._after_cr:
            self._after_cr = False
            if chunk[:1] == b"\n":
                found.append(Event(b"\n", b"", belongs=True))
                chunk = chunk[1:]
        buffer = self._buffer
        if buffer or self._fresh:
            buffer += chunk
            chunk = bytes(buffer) if b"\n" in chunk or b"\r" in chunk else b""
            if not chunk:
                self._check()
                return found
        start = 0
        for end in _blank_lines(chunk, self._sought):
            found.append(self._event(chunk[start:end]))
            start = end
        self._after_cr = bool(start) and start == len(chunk) and chunk.endswith(b"\r")
        if self._buffer or start < len(chunk):
            self._buffer = bytearray(chunk[start:])
            if not found:  # what was found is given first; the next chunk will tell
                self._check()
        self._sought = max(0, len(self._buffer) - 3)
        return found

    def end(self) -> list[Event]:
        rest = bytes(self._buffer)
        self._buffer, self._sought = bytearray(), 0
        return [self._event(rest)] if rest else []

    def _whole(self, chunk: bytes) -> list[Event] | None:
        """The events of what mostly comes: whole ones, their lines ended by LF. None for anything else."""
        if self._buffer or self._after_cr or b"\r" in chunk or (self._fresh and chunk[0] == _BOM[0]):
            return None
        texts = chunk.split(GAP)
        if texts.pop():
            return None
        self._fresh = False
        return [
            Event(text + GAP, text[6:] if text.startswith(b"data: ") and b"\n" not in text else _data(text))
            for text in texts
        ]

    def _check(self) -> None:
        if len(self._buffer) > MOST_HELD:
            raise TooLong

    def _event(self, raw: bytes) -> Event:
        text = raw
        if self._fresh:
            self._fresh = False
            text = raw.removeprefix(_BOM)
        # One data line is what vendors send: no more than two slices.
        if text.startswith(b"data:") and text.find(b"\n") == len(text) - 2 and b"\r" not in text:
            return Event(raw, text[6:-2] if text[5:6] == b" " else text[5:-2])
        return Event(raw, _data(text))


def _blank_lines(text: bytes, sought: int) -> Iterator[int]:
    """Where each event ends, behind its blank line."""
    if b"\r" in text:
        for found in _BLANK.finditer(text, sought):
            yield found.end()
        return
    at = text.find(b"\n\n", sought)
    while at >= 0:
        yield at + 2
        at = text.find(b"\n\n", at + 2)


def _data(text: bytes) -> bytes:
    lines = [line[5:] for line in _LINE.split(text) if line.startswith(b"data:")]
    return b"\n".join(line[1:] if line.startswith(b" ") else line for line in lines)


class JsonLines:
    """One JSON text per line: Ollama's own API."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def held(self) -> int:
        return len(self._buffer)

    def feed(self, chunk: bytes) -> list[Event]:
        """Raises TooLong."""
        self._buffer += chunk
        if b"\n" not in chunk:
            if len(self._buffer) > MOST_HELD:
                raise TooLong
            return []
        *lines, rest = bytes(self._buffer).split(b"\n")
        self._buffer = bytearray(rest)
        return [Event(line + b"\n", line.strip()) for line in lines]

    def end(self) -> list[Event]:
        rest = bytes(self._buffer)
        self._buffer = bytearray()
        return [Event(rest, rest.strip())] if rest else []


class ArrayItems:
    """The objects of one JSON array: Google's streams without alt=sse. What is between them belongs to the next.

    An answer that is one object instead (an error) is its only item.
    """

    __slots__ = ("_begun", "_buffer", "_depth", "_in_text", "_sought")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._sought, self._begun, self._depth, self._in_text = 0, -1, 0, False

    @property
    def held(self) -> int:
        return len(self._buffer)

    def feed(self, chunk: bytes) -> list[Event]:
        """Raises TooLong."""
        self._buffer += chunk
        text = bytes(self._buffer)
        found: list[Event] = []
        start, at = 0, self._sought
        while (special := _SPECIAL.search(text, at)) is not None:
            sign, place = special[0], special.start()
            at = place + 1
            if sign == b"\\":
                if at == len(text):  # what it escapes has not come yet
                    at = place
                    break
                at += self._in_text
            elif sign == b'"':
                self._in_text = not self._in_text
            elif not self._in_text and self._nested(sign, place):
                found.append(Event(text[start:at], text[self._begun : at]))
                start, self._begun = at, -1
        else:
            at = len(text)
        self._buffer = bytearray(text[start:])
        self._sought = at - start
        self._begun -= start if self._begun >= 0 else 0
        if len(self._buffer) > MOST_HELD:
            raise TooLong
        return found

    def end(self) -> list[Event]:
        rest = bytes(self._buffer)
        self._buffer = bytearray()
        return [Event(rest, b"")] if rest else []

    def _nested(self, sign: bytes, place: int) -> bool:
        """Follow a bracket outside of texts; whether it ends an item."""
        if self._begun < 0:
            if sign == b"{":
                self._begun, self._depth = place, 1
            return False
        self._depth += 1 if sign in b"{[" else -1
        return self._depth == 0
