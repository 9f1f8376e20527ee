"""Undoes what asking for the usage adds to a stream, so that the caller sees what was to be sent without it.

The extra chunk (no choices, and usage) is left out, with its blank line; `"usage":null` is cut out of every other one,
with the comma before it. Equal bytes cannot be had of a server that sends either of them unasked (which the settings of
its key can say; xAI does, and is not stripped), of data over several lines, and of compressed answers: those two pass
as they come.
"""

import re
from collections.abc import Mapping
from typing import Any

from guardian.gateway.bodies.editing import members, without
from guardian.gateway.sse import Event

# As OpenAI writes it where it does not pad.
COMPACT_NULL = b',"usage":null}'
_NULL = re.compile(rb'"usage"\s*:\s*null')
# What ends with a brace right after it is a field of the chunk itself; OpenAI pads its chunks with noise before that.
_LAST = re.compile(rb'"usage"\s*:\s*null(\s*(?:,\s*"obfuscation"\s*:\s*"[^"\\]*"\s*)?\}\s*)\Z')


def without_null(event: Event) -> Event:
    """The event without a `usage` of its own that is null."""
    data = event.data
    if data.endswith(COMPACT_NULL):
        return _with_data(event, data[: -len(COMPACT_NULL)] + b"}")
    at = data.rfind(b'"usage"')
    if at < 0 or _NULL.search(data) is None:
        return event
    last = _LAST.match(data, at)
    before = data[:at].rstrip() if last is not None else b""
    if last is not None and before.endswith(b","):
        shorter = before[:-1].rstrip() + last[1]
    elif any(member.name == "usage" and data[member.start : member.end] == b"null" for member in members(data)):
        shorter = without(data, "usage")
    else:
        return event
    return _with_data(event, shorter)


def _with_data(event: Event, shorter: bytes) -> Event:
    raw, data = event.raw, event.data
    at = raw.find(data)
    if at < 0:  # data over several lines
        return event
    return Event(raw[:at] + shorter + raw[at + len(data) :], shorter)


def is_extra(chunk: Mapping[str, Any], data: bytes) -> bool:
    """Whether it is the chunk that only the asking brought: no choices, usage, and neither error nor filter results."""
    return (
        chunk.get("choices") == []
        and isinstance(chunk.get("usage"), Mapping)
        and not chunk.get("error")
        and b'"prompt_filter_results"' not in data
    )
