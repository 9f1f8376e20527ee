"""Events of a stream that differ in nothing but the text they bring, taken all at once: most of what ever passes.

One by one they cost some 5 µs each, twenty at once hardly more than one: each step here is a single walk through all of
their bytes.
"""

import re
from typing import NamedTuple

from guardian.gateway.metering.estimates import Lines

_BEGIN, _END = b"data: ", b"}\n\n"
_NULL = b',"usage":null\n'
# OpenAI pads its events with noise, which stays. Not behind a space: that would have to go, too.
_PADDED = re.compile(rb'(?<![ \t]),"usage":null(,"obfuscation":"[^"\\\n]*"\n)')
_STATES = b'"usage":{'


class Run(NamedTuple):
    """`passed` goes on, `seen` are the events' data, and `rest` is what follows them."""

    passed: bytes
    seen: Lines
    rest: bytes


class Runs:
    """Finds the runs of one stream, whose events' data all begin with `head` and bring none of the `marks`.

    `head` has no line break.
    """

    __slots__ = ("_begin", "_between", "_head", "_marks")

    def __init__(self, head: bytes, marks: tuple[bytes, ...]) -> None:
        self._head, self._marks = head, marks
        self._begin = _BEGIN + head
        self._between = _END + self._begin

    def first(self, chunk: bytes, *, strips: bool) -> Run | None:
        """The run that `chunk` begins with; without each event's `"usage":null` where that `strips`. None: there is
        none, or one of its events has to be looked at.
        """
        if not chunk.startswith(self._begin):
            return None
        if chunk.find(b"\n") == len(chunk) - 2 and chunk.endswith(_END):  # one event: what comes of a slow stream
            lines, count, rest = chunk[len(self._begin) : -len(_END)] + b"\n", 1, b""
        else:
            lines, count, rest = self._lines(chunk)
        texts = lines.replace(_NULL, b"\n")
        if b"usage" in texts:
            texts = _PADDED.sub(rb"\1", texts)
        # An event that has more lines than one has more to it.
        if texts.count(b"\n") != count or not count or b"\r" in texts:
            return None
        for mark in self._marks:
            if mark in texts:
                return None
        kept = texts if strips else lines
        same = len(kept) == len(lines)
        passed = chunk[: len(chunk) - len(rest)] if same else Lines(kept, count, self._begin, _END).joined()
        return Run(passed, Lines(kept, count, self._head, b"}"), rest)

    def _lines(self, chunk: bytes) -> tuple[bytes, int, bytes]:
        """Of each event of the run what is its own, as a line; how many there are, and what follows them."""
        parts = chunk[len(self._begin) :].split(self._between)
        last, rest = parts.pop(), b""
        if last.endswith(_END) and last.find(b"\n") == len(last) - 2 and _STATES not in last:
            parts.append(last[: -len(_END)])
        else:
            rest = self._begin + last
        return b"\n".join(parts) + b"\n", len(parts), rest
