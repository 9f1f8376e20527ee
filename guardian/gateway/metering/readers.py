"""The ways to read an answer as it passes: whole, as events, or not at all.

Of each, `feed` and `end` give what may be passed on, and raise TooLong for what nobody can hold. `found` is the answer,
None where nothing was read; `seen` holds the text since its last numbers; `error` is the vendor's name of what went
wrong within a stream; `complete` says that its numbers are the last ones.
"""

from collections.abc import Mapping
from typing import Any

from guardian.gateway.metering.answers import answer_of
from guardian.gateway.metering.estimates import Seen
from guardian.gateway.metering.streams import StreamReading
from guardian.gateway.metering.stripping import is_extra, without_null
from guardian.gateway.sse import GAP, MOST_HELD, Event, Splitter, SseEvents, TooLong

Found = Mapping[str, Any]


class Whole:
    """One JSON text, kept to its end."""

    streamed = False
    error: str | None = None
    complete = True

    def __init__(self, *, full: bool, most: int = MOST_HELD) -> None:
        self._parts: list[bytes] = []
        self._room, self._full = most, full
        self.found: Found | None = None
        self.seen = Seen()

    def feed(self, chunk: bytes) -> bytes:
        self._room -= len(chunk)
        if self._room < 0:
            self._parts.clear()
            raise TooLong
        self._parts.append(chunk)
        return chunk

    def end(self) -> bytes:
        self.found = answer_of(self.body, whole=self._full)
        return b""

    @property
    def body(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def looked_at(self) -> Seen:
        """Its text, for an estimate."""
        self.seen.add(self.body)
        return self.seen


class Events:
    """A stream; where it is to be stripped, an event is held until it is whole."""

    streamed = True

    def __init__(self, splitter: Splitter, reading: StreamReading, *, strips: bool) -> None:
        self._splitter, self._reading, self.strips, self._dropped = splitter, reading, strips, False
        self._sse = splitter if isinstance(splitter, SseEvents) else None
        self.seen = reading.seen

    @property
    def found(self) -> Found | None:
        return self._reading.answer

    @property
    def complete(self) -> bool:
        return self._reading.complete

    @property
    def ended(self) -> bool:
        return self._reading.ended

    @property
    def error(self) -> str | None:
        return self._reading.error

    def feed(self, chunk: bytes) -> bytes:
        if self._sse is None or not self._sse.between or len(chunk) > MOST_HELD:
            return self._each(chunk)
        rest, passed = chunk, b""
        if self._reading.learns and len(GAP) <= (end := chunk.find(GAP) + len(GAP)) < len(chunk):
            passed, rest = self._each(chunk[:end]), chunk[end:]
        skipped, rest = self._reading.skip(rest, strips=self.strips)
        if skipped:
            passed += skipped
            self._dropped = False
        if rest:
            passed += self._each(rest)
        return passed if self.strips else chunk

    def _each(self, chunk: bytes) -> bytes:
        """Each event on its own."""
        if self.strips:
            return self._stripped(self._splitter.feed(chunk))
        for event in self._splitter.feed(chunk):
            self._reading.take(event.data)
        return chunk

    def end(self) -> bytes:
        if self.strips:
            return self._stripped(self._splitter.end())
        for event in self._splitter.end():
            self._reading.take(event.data)
        return b""

    def held(self) -> bytes:
        """What was not given away, when no more of it can be read."""
        return b"".join(event.raw for event in self._splitter.end()) if self.strips else b""

    def _stripped(self, events: list[Event]) -> bytes:
        kept: list[bytes] = []
        for event in events:
            if not event.belongs:
                if event.data:
                    event = without_null(event)
                self._reading.take(event.data)
                chunk = self._reading.chunk
                self._dropped = chunk is not None and is_extra(chunk, event.data)
            if not self._dropped:
                kept.append(event.raw)
        return b"".join(kept)


class Passing:
    """What cannot be read: sound, pictures, an unknown encoding."""

    streamed = False
    error: str | None = None
    found: Found | None = None
    complete = True

    def __init__(self) -> None:
        self.seen = Seen()

    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def end(self) -> bytes:
        return b""


Reader = Whole | Events | Passing
