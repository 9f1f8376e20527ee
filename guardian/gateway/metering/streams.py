"""Reads a stream's events for what they state; an event without any of that is not even parsed.

Which events state something is found by searching their bytes: a field's name stands there between quotes, or, which
nobody does, with \\u escapes, and then the event is parsed to be sure. The rule which of the numbers count is that of
providers.usage.streams alone.
"""

from collections.abc import Mapping
from typing import Any, cast

from guardian.gateway.metering.answers import event_of
from guardian.gateway.metering.estimates import Seen
from guardian.gateway.metering.results import error_of
from guardian.gateway.metering.runs import Runs
from guardian.gateway.metering.stripping import COMPACT_NULL
from guardian.models.enums import Provider
from guardian.providers.usage.streams import Merging

_DONE = b"[DONE]"
_ERROR, _ESCAPED = b'"error"', b"\\u00"
_MARKS: Mapping[str, tuple[bytes, ...]] = {
    "messages": (b'"message_start"', b'"message_delta"', b'"message_stop"', _ERROR, _ESCAPED),
    "responses": (b'"response"', _ERROR, _ESCAPED),
    "interactions": (b'"interaction"', _ERROR, _ESCAPED),
}
# Every chunk of these is read: each states numbers.
_ALL = frozenset({"generate_content", "ollama"})
_NAMES = (b'"id"', b'"model"', b'"service_tier"')
_CHUNK = (b"usage", _ERROR, _ESCAPED, b'"data"', b'"video"', *_NAMES)
# A compatible server may speak Google's or Ollama's words in any of its streams.
_COMPATIBLE = (b"eval_count", b'"candidates"', b'"modelVersion"', b'"responseId"', b'"output"', b'"done"')
_CHOICES = b'"choices":'
_WRAPPERS = {"responses": "response", "interactions": "interaction"}
_HOLDERS = ("", "message", "response", "interaction")
_NUMBERS = ("usage", "usageMetadata", "eval_count")
_LAST = frozenset({"completed", "failed", "incomplete", "cancelled"})


class StreamReading:
    """Feed it each event's data. `answer` is what read_usage takes, `error` the vendor's word for what went wrong.

    `complete`: the numbers are the last ones. `ended`: the vendor said that nothing follows at all. `seen` is what came
    since the last numbers. `chunk` is the event that was parsed last, None where it was passed over.
    """

    __slots__ = (
        "_flavour",
        "_head",
        "_marks",
        "_merging",
        "_of_chunks",
        "_runs",
        "_whole",
        "chunk",
        "complete",
        "ended",
        "error",
        "seen",
    )

    def __init__(self, provider: Provider, flavour: str, settings: Mapping[str, Any]) -> None:
        self._flavour = flavour
        self._merging = Merging(provider, flavour)
        self._whole = reads_elsewhere(settings)
        self._marks: tuple[bytes, ...] | None = None
        if flavour not in _ALL and not self._whole:
            self._marks = _MARKS.get(flavour, _CHUNK + (_COMPATIBLE if provider is Provider.CUSTOM else ()))
        self._of_chunks = self._marks is not None and flavour not in _MARKS
        self._head = b""
        self._runs: Runs | None = None
        self.chunk: Mapping[str, Any] | None = None
        self.complete = self.ended = False
        self.error: str | None = None
        self.seen = Seen()

    @property
    def answer(self) -> Mapping[str, Any]:
        return self._merging.found

    @property
    def learns(self) -> bool:
        """Whether the next event may tell what those after it begin with."""
        return self._runs is None and self._of_chunks

    def skip(self, chunk: bytes, *, strips: bool) -> tuple[bytes, bytes]:
        """Take the events that `chunk` begins with and that state nothing; gives what of them goes on, and the rest."""
        run = self._runs.first(chunk, strips=strips) if self._runs is not None else None
        if run is None:
            return b"", chunk
        self.chunk = None
        self.seen.add_lines(run.seen)
        return run.passed, run.rest

    def take(self, data: bytes) -> None:
        self.chunk = None
        if data[:1] != b"{" and (not data or data.startswith(_DONE)):
            if data:  # a comment has none, and ends nothing
                self.complete = self.ended = True
            return
        if self._marks is not None:
            head = self._head
            rest = data[len(head) :] if head and data.startswith(head) else data
            if rest.endswith(COMPACT_NULL):  # what every chunk says whose caller asked for the usage
                rest = rest[: -len(COMPACT_NULL)]
            for mark in self._marks:
                if mark in rest:
                    break
            else:
                self.seen.add(data)
                return
        chunk = event_of(data, whole=self._whole)
        if chunk is None:
            self.seen.add(data)
            return
        self._take(chunk, data)

    def _take(self, chunk: Mapping[str, Any], data: bytes) -> None:
        self.chunk = chunk
        self._merging.add(chunk)
        if self._tells(chunk):
            self.seen.clear()
        else:
            self.seen.add(data)
        if _ERROR in data and (error := error_of(chunk)):
            self.error = error
        self.complete = self.complete or self._is_last(chunk)
        if chunk.get("type") == "message_stop" or (self.complete and self._flavour in _WRAPPERS):
            self.ended = True
        self._remember(data)

    def _tells(self, chunk: Mapping[str, Any]) -> bool:
        """Whether it states numbers: they cover all text until here."""
        for name in _HOLDERS:
            holder: object = chunk.get(name) if name else chunk
            if isinstance(holder, dict):
                facts = cast("dict[str, Any]", holder)
                for number in _NUMBERS:
                    if facts.get(number):
                        return True
        return False

    def _is_last(self, chunk: Mapping[str, Any]) -> bool:
        flavour = self._flavour
        if flavour == "messages":
            return chunk.get("type") == "message_delta" and bool(chunk.get("usage"))
        if flavour in _WRAPPERS:
            inner: object = chunk.get(_WRAPPERS[flavour])
            return isinstance(inner, Mapping) and cast("Mapping[str, Any]", inner).get("status") in _LAST
        if flavour == "generate_content":
            return bool(chunk.get("promptFeedback")) or _finished(chunk.get("candidates"), "finishReason")
        if flavour == "ollama":
            return chunk.get("done") is True
        return bool(chunk.get("usage")) and (
            chunk.get("choices") in (None, []) or _finished(chunk.get("choices"), "finish_reason")
        )

    def _remember(self, data: bytes) -> None:
        """What a chunk begins with, up to its choices, is the same in all of a stream: then its names are known."""
        end = data.find(_CHOICES) + len(_CHOICES)
        head, rest = data[:end], data[end:]
        states = b"usage" in head or _ERROR in head or _ESCAPED in head or b'"data"' in head
        names = b'"id"' in rest or b'"model"' in rest or b'"service_tier"' in rest
        if end <= len(_CHOICES) or states or names:
            head = b""
        if head != self._head:
            self._head = head
            marks = self._marks if self._of_chunks and b"\n" not in head else None
            self._runs = Runs(head, marks) if head and marks is not None else None


def reads_elsewhere(settings: Mapping[str, Any]) -> bool:
    """Whether a CUSTOM key's settings name fields that are not within `usage`."""
    told: object = settings.get("usage")
    if not isinstance(told, Mapping):
        return False
    paths = [cast("Mapping[str, object]", told).get(name) for name in ("cost", "cached")]
    return any(isinstance(path, str) and path and path.split(".")[0] != "usage" for path in paths)


def _finished(parts: object, name: str) -> bool:
    return isinstance(parts, list) and any(
        isinstance(part, Mapping) and cast("Mapping[str, Any]", part).get(name) for part in cast("list[object]", parts)
    )
