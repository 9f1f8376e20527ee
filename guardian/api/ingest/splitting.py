"""A body cut into its events, each to be read by itself: one that is no JSON stops no other."""

import re

import msgspec

from guardian.errors import ValidationError

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises of JSON that is wrong, or no JSON."""

_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_EVENTS = re.compile(rb'\s*\{\s*"events"\s*:\s*')
# A text without an end goes on to that of the body: looked for anew at each quotation mark, it would take hours.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
_DEEPEST = 10_000  # past that nobody wants to know what comes behind it
_OPENING, _CLOSING = b"[{", b"]}"


class _Batch(msgspec.Struct):
    events: list[msgspec.Raw]


_events = msgspec.json.Decoder(list[msgspec.Raw])
_batch = msgspec.json.Decoder(_Batch)


def events_in(body: bytes) -> list[msgspec.Raw]:
    """One event, a list of them, or a list under the name `events`. Raises ValidationError for anything else."""
    try:
        if body.lstrip()[:1] == b"[":
            return _events.decode(body)
        # The name is looked for first, because an event by itself is what is sent most often.
        if b'"events"' in body:
            return _batch.decode(body).events
    except msgspec.ValidationError:
        pass  # an event that has the word somewhere
    except UNREADABLE as error:
        if (raws := _split(body)) is None:
            raise ValidationError(f"The body is no JSON that can be read: {words_of(error)[1]}") from None
        return raws
    return [msgspec.Raw(body)] if body.strip() else []


def words_of(error: Exception) -> tuple[str | None, str]:
    """The field, and the sentence; msgspec names the field at the end of it, or within where it is missing."""
    text = "It is nested too deeply" if isinstance(error, RecursionError) else str(error)
    place = _PLACE.search(text)
    field = place[1] if place else None
    if not field and (missing := re.search(r"field `([^`]+)`", text)):
        field = missing[1]
    return field or None, _PLACE.sub("", text) + "."


def _split(body: bytes) -> list[msgspec.Raw] | None:
    """The elements of the list that a body is, or that it has under the one name `events`, each as it was written.

    None where that list does not come to its end, or is not all of the body: what was cut short is not taken in part.
    """
    around = _EVENTS.match(body)
    at = around.end() if around else len(body) - len(body.lstrip())
    if body[at : at + 1] != b"[":
        return None
    found: list[msgspec.Raw] = []
    depth, begun = 0, at + 1
    for token in _TOKEN.finditer(body, at):
        sign = token[0]
        if sign in _OPENING:
            depth += 1
        elif sign in _CLOSING:
            depth -= 1
        if depth > _DEEPEST:
            return None
        if depth == 0 or (depth == 1 and sign == b","):
            found.append(msgspec.Raw(body[begun : token.start()].strip()))
            begun = token.end()
        if depth == 0:
            return found if body[begun:].strip() == (b"}" if around else b"") else None
    return None
