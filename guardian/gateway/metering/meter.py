"""Meter: one answer passes through it, and at the end it says what the call used."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from guardian.gateway.bodies.wanted import Wanted
from guardian.gateway.metering.concluding import Conclusion, Head
from guardian.gateway.metering.decoding import Decoder, Undecodable, decoder_of
from guardian.gateway.metering.readers import Events, Passing, Reader, Whole
from guardian.gateway.metering.results import Metered
from guardian.gateway.metering.streams import StreamReading, reads_elsewhere
from guardian.gateway.paths import Asked
from guardian.gateway.sse import ArrayItems, JsonLines, Splitter, SseEvents, TooLong
from guardian.models.enums import Provider

Headers = Sequence[tuple[bytes, bytes]]
_NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})
_MOST_OF_ERROR = 64 * 2**10
_TYPE, _ENCODING = b"content-type", b"content-encoding"
_TIER, _COST = b"x-gemini-service-tier", b"x-litellm-response-cost"
_LENGTHS = frozenset({len(name) for name in (_TYPE, _ENCODING, _TIER, _COST)})  # others are not even compared
_SSE = (b"data:", b"event:", b"id:", b":", b"\xef\xbb\xbf")
_MEDIA = (b"audio/", b"video/", b"image/", b"application/octet-stream")
# Its documentation says that its streams state their usage unasked: what it sends is all its own.
_NEVER_STRIPPED = frozenset({Provider.XAI})


class Meter:
    """For one answer whose head has come: `feed` its chunks and pass on what that gives, then `rest`; and `finish`.

    `settings` is the metadata of a CUSTOM key; `asked_for_usage` says that the gateway asked the stream for its usage
    and the caller did not. No method raises for what a server sends.
    """

    def __init__(
        self,
        asked: Asked,
        wanted: Wanted,
        started: datetime,
        status: int,
        headers: Headers,
        *,
        settings: Mapping[str, Any] | None = None,
        asked_for_usage: bool = False,
    ) -> None:
        self._asked, self._wanted, self._started, self._status = asked, wanted, started, status
        self._settings = _NO_SETTINGS if settings is None else settings
        head = {name.lower(): value for name, value in headers if len(name) in _LENGTHS}
        self._head = Head(head.get(_TIER), head.get(_COST))
        self._unread: str | None = None
        self._over, self._held = False, b""
        self._decoder: Decoder | None = None
        if _ENCODING in head:
            try:
                self._decoder = decoder_of(head[_ENCODING])
            except Undecodable:
                self._unread = "undecodable"
        strips = asked_for_usage and self._decoder is None and asked.provider not in _NEVER_STRIPPED
        self._reader = self._chosen(head.get(_TYPE, b"").lower(), strips=strips)

    def feed(self, chunk: bytes) -> bytes:
        """What can be passed on now: all of it, at once, except where asking for the usage is to be undone."""
        if self._unread is not None:
            return chunk
        if self._decoder is None:
            try:
                return self._reader.feed(chunk)
            except TooLong:
                self._unread = "too_long"
                return self._reader.held() if isinstance(self._reader, Events) and self._reader.strips else chunk
        try:
            self._reader.feed(self._decoder.feed(chunk))
        except (TooLong, Undecodable) as error:
            self._unread = "too_long" if isinstance(error, TooLong) else "undecodable"
        return chunk

    @property
    def ended(self) -> bool:
        """Whether a stream said that nothing follows: its numbers are known, whatever still comes."""
        return isinstance(self._reader, Events) and self._reader.ended

    def rest(self) -> bytes:
        """What was held back, once the answer has come to its end, or was cut."""
        if not self._over:
            self._held = self._end()
        held, self._held = self._held, b""
        return held

    def _end(self) -> bytes:
        self._over = True
        if self._unread is not None:
            return b""
        passed = self._reader.end()
        if isinstance(self._reader, Whole) and self._reader.found is None and self._status < 400:
            self._read_unlabelled(self._reader.body)
        return b"" if self._decoder is not None else passed

    def finish(self, *, cut: bool = False, error: str | None = None) -> Metered:
        """What the call used, at its end, or as soon as it `ended`.

        `cut`: the answer did not come to its end, or its caller left; `error` is the failure's name, if there is one.
        """
        if not self._over and not self.ended:
            self._held = self._end()
        conclusion = Conclusion(self._asked, self._wanted, self._started, self._settings, self._head)
        if self._status >= 400:
            return conclusion.refused(self._status, self._reader.found, error)
        return conclusion.of(self._reader, cut=cut, error=error, unread=self._unread)

    def _read_unlabelled(self, body: bytes) -> None:
        """Some servers do not say that theirs is a stream."""
        endpoint = self._asked.endpoint
        if endpoint is None or not body:
            return
        splitter = SseEvents() if body.lstrip().startswith(_SSE) else JsonLines()
        reader = self._events(splitter, endpoint.flavour)
        reader.feed(body)
        reader.end()
        if reader.found:
            self._reader = reader

    def _events(self, splitter: Splitter, flavour: str, *, strips: bool = False) -> Events:
        return Events(splitter, StreamReading(self._asked.provider, flavour, self._settings), strips=strips)

    def _chosen(self, kind: bytes, *, strips: bool) -> Reader:
        endpoint = self._asked.endpoint
        if self._status >= 400:
            return Whole(full=True, most=_MOST_OF_ERROR)
        if endpoint is None or kind.startswith(_MEDIA):
            return Passing()
        if kind.startswith(b"text/event-stream"):
            return self._events(SseEvents(), endpoint.flavour, strips=strips)
        if kind.startswith((b"application/x-ndjson", b"application/jsonl")):
            return self._events(JsonLines(), endpoint.flavour)
        if self._asked.in_array:
            return self._events(ArrayItems(), endpoint.flavour)
        return Whole(full=reads_elsewhere(self._settings))
