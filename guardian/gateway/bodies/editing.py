"""Changes of single fields in a JSON body: every other byte stays as the caller sent it."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

_SIGN = re.compile(rb'["{}\[\],:]')
_TEXT_END = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_ASK = b'"stream_options":{"include_usage":true}'


class Member(NamedTuple):
    """A field of an object: where its name begins, and where its value begins and ends."""

    name: str
    at: int
    start: int
    end: int


def members(text: bytes) -> list[Member]:
    """The fields of the object that `text`, valid JSON, is; none for what is no object."""
    begun = len(text) - len(text.lstrip(b" \t\r\n"))
    if text[begun : begun + 1] != b"{":
        return []
    found: list[Member] = []
    depth, name, name_at, value_at = 0, "", -1, -1
    for sign, at, end in _signs(text, begun):
        if sign == b'"' and depth == 1 and value_at < 0:
            name, name_at = _name(text[at:end]), at
        elif sign == b":" and depth == 1 and value_at < 0:
            value_at = _next(text, end)
        elif sign in b"{[":
            depth += 1
        elif sign in b"}]," and depth == 1:
            if value_at >= 0:
                found.append(Member(name, name_at, value_at, value_at + len(text[value_at:at].rstrip())))
            value_at = -1
            depth -= sign != b","
        elif sign in b"}]":
            depth -= 1
    return found


def with_usage_asked(body: bytes) -> bytes:
    """The body with stream_options.include_usage; `body` is a JSON object (wanted_of has read it)."""
    # Without these bytes there is no such field, and the whole of a long body need not be walked through.
    named = b'"stream_options"' in body or b"\\u00" in body
    options = [member for member in members(body) if member.name == "stream_options"] if named else []
    if not options:
        start = body.index(b"{") + 1
        comma = b"" if body[start:].lstrip()[:1] == b"}" else b","
        return body[:start] + _ASK + comma + body[start:]
    last = options[-1]  # of fields of one name the last one counts
    value = body[last.start : last.end]
    if not value.startswith(b"{"):
        return body[: last.start] + b'{"include_usage":true}' + body[last.end :]
    told = [member for member in members(value) if member.name == "include_usage"]
    if told:
        changed = value[: told[-1].start] + b"true" + value[told[-1].end :]
    else:
        comma = b"" if value[1:].lstrip()[:1] == b"}" else b","
        changed = b'{"include_usage":true' + comma + value[1:]
    return body[: last.start] + changed + body[last.end :]


def with_model(body: bytes, model: str) -> bytes:
    """The body with another model, for a fallback; as it is where it names none (Google's paths do)."""
    for member in reversed(members(body)):
        if member.name == "model":
            body = body[: member.start] + json.dumps(model).encode() + body[member.end :]
    return body


def without(text: bytes, name: str) -> bytes:
    """The object without its fields of this name, each with the comma and the space that it brought along."""
    found = members(text)
    for place in reversed(range(len(found))):
        if found[place].name != name:
            continue
        if place > 0:
            text = text[: found[place - 1].end] + text[found[place].end :]
        elif len(found) > 1:
            text = text[: found[place].at] + text[found[place + 1].at :]
        else:
            text = text[: found[place].at] + text[found[place].end :]
        found = members(text)
    return text


def _signs(text: bytes, at: int) -> Iterator[tuple[bytes, int, int]]:
    """The signs outside of texts, and each text as its first quote."""
    while (sign := _SIGN.search(text, at)) is not None:
        begun, at = sign.span()
        if sign[0] == b'"':
            whole = _TEXT_END.match(text, begun)
            if whole is None:
                return
            at = whole.end()
        yield sign[0], begun, at


def _name(quoted: bytes) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return ""


def _next(text: bytes, at: int) -> int:
    return at + len(text[at : at + 64]) - len(text[at : at + 64].lstrip()) if text[at : at + 64].strip() else at
