"""From the events of a stream to the one body that read_usage takes. Its numbers grow: the last ones win."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from guardian.models.enums import Provider

Event = Mapping[str, Any]
_NAMES = ("id", "model", "service_tier")
_READ = frozenset({*_NAMES, "usage", "choices"})
# Anthropic's flavour, whoever speaks it.
_MESSAGES = "messages"
# OpenAI's flavour, of which Google has a route, too.
_CHAT = "chat"
# A wrapper's name by flavour: events that carry the answer so far within themselves.
_WRAPPED = {"responses": "response", "realtime": "response", "interactions": "interaction"}


class Merging:
    """The answer so far, event by event: `found` is what read_usage takes.

    An event is looked at once and not kept: a long stream needs no more memory than a short one. Of a stream that
    was cut, it is what its last numbers were; they are a floor of what was used.
    """

    __slots__ = ("_take", "found")

    def __init__(self, provider: Provider, flavour: str) -> None:
        self.found: dict[str, Any] = {}
        self._take: Callable[[dict[str, Any], Event], None]
        if flavour == _MESSAGES:
            self._take = _take_message
        elif flavour in _WRAPPED:
            self._take = _taker(_WRAPPED[flavour])
        elif provider is Provider.GOOGLE and flavour != _CHAT:
            self._take = _take_content
        else:
            self._take = _take_chunk

    def add(self, event: Event) -> None:
        """Take what the stream's next event (a JSON object) tells."""
        self._take(self.found, event)


def merged(provider: Provider, flavour: str, events: Iterable[Event]) -> dict[str, Any]:
    """The answer that a stream's events (JSON objects, in their order) tell, as far as read_usage reads it."""
    merging = Merging(provider, flavour)
    for event in events:
        merging.add(event)
    return merging.found


def _take_chunk(found: dict[str, Any], chunk: Event) -> None:
    """A chunk of a chat, an image or a sound: its names, and the last usage, also where a choice holds it."""
    for name in _NAMES:
        if chunk.get(name):
            found[name] = chunk[name]
    choices: object = chunk.get("choices")
    inner = [c for c in cast("list[object]", choices) if _is_object(c)] if isinstance(choices, list) else []
    for holder in (chunk, *(cast("Event", choice) for choice in inner), chunk.get("x_groq")):
        if _is_object(holder) and _states(cast("Event", holder).get("usage")):
            found["usage"] = cast("Event", holder)["usage"]
            break
    # Ollama's own last line, and a CUSTOM key's paths of its own, are at the top.
    found.update({name: value for name, value in chunk.items() if value is not None and name not in _READ})


def _take_content(found: dict[str, Any], chunk: Event) -> None:
    """A chunk of generateContent; grounding may be told on another chunk than the last usage."""
    for name in ("modelVersion", "responseId"):
        if chunk.get(name) is not None:
            found[name] = chunk[name]
    if _states(chunk.get("usageMetadata")):
        found["usageMetadata"] = chunk["usageMetadata"]
    candidates: object = chunk.get("candidates")
    if isinstance(candidates, list) and any(
        _is_object(c) and cast("Event", c).get("groundingMetadata") for c in cast("list[object]", candidates)
    ):
        found["candidates"] = cast("list[object]", candidates)


def _take_message(found: dict[str, Any], event: Event) -> None:
    """Anthropic's message_start and message_delta: of each field of usage the last value that is not null.

    message_delta may raise the input, too; what it lacks (lifetimes of the cache, tier, geography, speed) message_start
    has told.
    """
    started: object = event.get("message")
    usage = dict(found.get("usage") or {})
    told: object = event.get("usage") if event.get("type") == "message_delta" else None
    if event.get("type") == "message_start" and _is_object(started):
        found.update(cast("Event", started))
        told = cast("Event", started).get("usage")
    if _is_object(told):
        usage.update({name: value for name, value in cast("Event", told).items() if value is not None})
        found["usage"] = usage


def _taker(wrapper: str) -> Callable[[dict[str, Any], Event], None]:
    """For streams whose events hold the whole answer so far: the last one that has usage, else the last one."""

    def take(found: dict[str, Any], event: Event) -> None:
        whole: object = event.get(wrapper)
        if _is_object(whole):
            newer = {name: value for name, value in cast("Event", whole).items() if value is not None}
            if "usage" in found and not _states(newer.get("usage")):
                newer.pop("usage", None)
            found.update(newer)

    return take


def _states(usage: object) -> bool:
    """Whether it says anything: an empty usage at the end of a stream takes nothing back of what was said before."""
    return _is_object(usage) and any(v is not None for v in cast("Event", usage).values())


def _is_object(value: object) -> bool:
    return isinstance(value, (dict, Mapping))  # a dict is known at once, which most are
