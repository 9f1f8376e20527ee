"""Who and what a call is for: our own headers, and what those of LiteLLM, Helicone, Portkey and Bifrost meant there.

What is ours to read is never sent on to the provider. A bad or surplus value never stops a call: it is left out, and
counted (`ignored`), so that the row can say so. Where several name the same, ours wins, then Portkey, Helicone, LiteLLM
and Bifrost, then the body.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, cast
from urllib.parse import unquote

MOST_TAGS = 32
LONGEST_NAME = 64
LONGEST_VALUE = 256
_LONGEST_HEADER = 8_192
Headers = Sequence[tuple[bytes, bytes]]
_NOTHING: Mapping[str, str] = MappingProxyType({})
_OURS = (b"x-guardian-", b"x-litellm-", b"helicone-", b"x-portkey-", b"x-bf-")
_PROPERTY = "helicone-property-"
# The first one to give a name a value wins.
_ORDER = {"x-guardian": 0, "x-portkey": 1, "helicone": 2, "x-litellm": 3, "x-bf": 4}


class Attribution(NamedTuple):
    """`tags` for grouping, `user` the caller's own end user, `session` its trace, `metadata` what is only kept."""

    tags: Mapping[str, str] = _NOTHING
    user: str | None = None
    session: str | None = None
    metadata: Mapping[str, str] = _NOTHING
    ignored: int = 0


NOBODY = Attribution()


def is_ours(name: bytes) -> bool:
    """Whether a header (name in lower case) is for the gateway, and not for the provider."""
    return name.startswith(_OURS)


def split(headers: Headers) -> tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]:
    """The headers (names in lower case, as ASGI has them) that go on, and those that are ours to read."""
    ours = [header for header in headers if header[0].startswith(_OURS)]
    return [header for header in headers if header not in ours] if ours else list(headers), ours


def attribution_of(ours: Headers, user: str | None = None, tags: Iterable[str] = ()) -> Attribution:
    """From the headers that are ours, and what the body says (`user`, and LiteLLM's `metadata.tags`)."""
    if not ours and user is None and not tags:
        return NOBODY
    reading = _Reading()
    named = [(name.decode("latin-1").lower(), _decoded(value)) for name, value in ours]
    for name, value in sorted(named, key=lambda header: _rank(header[0])):
        if name.startswith(_PROPERTY):
            reading.tag(name.removeprefix(_PROPERTY), value)
        elif (read := _READERS.get(name)) is not None:
            if len(value) > _LONGEST_HEADER:
                reading.ignored += 1
            else:
                read(reading, value)
    for tag in tags:
        reading.bare(tag)
    if user is not None:
        reading.set_user(user)
    return Attribution(reading.tags, reading.user, reading.session, reading.metadata, reading.ignored)


class _Reading:
    """What was found so far: the first value of a name stays."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self.metadata: dict[str, str] = {}
        self.user: str | None = None
        self.session: str | None = None
        self.ignored = 0

    def set_user(self, value: str) -> None:
        self.user = self.user or self._value(value)

    def set_session(self, value: str) -> None:
        self.session = self.session or self._value(value)

    def tag(self, name: str, value: str, into: dict[str, str] | None = None) -> None:
        tags = self.tags if into is None else into
        name, value = _clean(name), _clean(value)
        if name in tags:
            return
        if not name or not value or len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE or len(tags) >= MOST_TAGS:
            self.ignored += 1
            return
        tags[name] = value

    def bare(self, text: str) -> None:
        """`team=web`, or a tag without a value, which is "true" as in imports of LiteLLM's logs."""
        name, equals, value = text.partition("=")
        self.tag(name, value if equals else "true")

    def pairs(self, text: str) -> None:
        """`team=web,feature=search`; a comma within a value is %2C."""
        for part in text.split(","):
            if part.strip():
                self.bare(unquote(part))

    def portkey(self, text: str) -> None:
        for name, value in self._object(text).items():
            if name == "_user":
                self.set_user(value)
            else:
                self.tag(name.removeprefix("_"), value)  # _environment, _organisation, _prompt

    def keep(self, text: str) -> None:
        for name, value in self._object(text).items():
            self.tag(name, value, self.metadata)

    def _object(self, text: str) -> dict[str, str]:
        """The simple fields of a JSON object as text; each of another kind is ignored, and so is what is no object."""
        try:
            found: object = json.loads(text, parse_float=str)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self.ignored += 1
            return {}
        simple: dict[str, str] = {}
        for name, value in cast("dict[str, Any]", found).items():
            if isinstance(value, bool):
                simple[name] = "true" if value else "false"
            elif isinstance(value, (str, int)):
                simple[name] = str(value)
            else:
                self.ignored += value is not None
        return simple

    def _value(self, value: str) -> str | None:
        value = _clean(value)
        if not value or len(value) > LONGEST_VALUE:
            self.ignored += 1
            return None
        return value


_READERS: Mapping[str, Callable[[_Reading, str], None]] = {
    "x-guardian-tags": _Reading.pairs,
    "x-guardian-user": _Reading.set_user,
    "x-guardian-session": _Reading.set_session,
    "x-portkey-metadata": _Reading.portkey,
    "x-portkey-trace-id": _Reading.set_session,
    "helicone-user-id": _Reading.set_user,
    "helicone-session-id": _Reading.set_session,
    "x-litellm-tags": _Reading.pairs,
    "x-litellm-end-user-id": _Reading.set_user,
    "x-litellm-customer-id": _Reading.set_user,
    "x-litellm-spend-logs-metadata": _Reading.keep,
    "x-litellm-session-id": _Reading.set_session,
    "x-bf-session-id": _Reading.set_session,
}


def _rank(name: str) -> int:
    return next((rank for start, rank in _ORDER.items() if name.startswith(start)), len(_ORDER))


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _clean(text: str) -> str:
    """Without controls and halves of surrogate pairs, which PostgreSQL does not store; without space around."""
    if text.isascii() and text.isprintable():
        return text.strip()
    kept = "".join(sign for sign in text if sign.isprintable() or sign == " ")
    return kept.encode("utf-8", "ignore").decode().strip()
