"""What a call used, guessed from the text that passed, where nothing states it: always an estimate, with its rule.

A token is taken as 4 bytes of UTF-8, and 3.5 of Anthropic's: OpenAI's and Google's documentation name 4 characters of
English, Anthropic's 3.5. Bytes, because letters beyond ASCII take more tokens: a Cyrillic one so counts half a token, a
Chinese one three quarters. What a model thought and did not show is not in it.
"""

import re
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from guardian.models.enums import Provider

# What is kept of a stream whose numbers may never come; of a longer one the first part stands for the rest.
SAMPLE = 16 * 2**10
_USUAL = Decimal(4)
_BYTES_A_TOKEN = {Provider.ANTHROPIC: Decimal("3.5")}
# In a JSON text an unescaped quote ends a string, so that what looks like a field is one.
_TEXTS = re.compile(
    rb'"(?:content|text|thinking|reasoning|reasoning_content|refusal|arguments|partial_json)"\s*:\s*'
    rb'"((?:[^"\\]++|\\.)*+)'
)
# A response's events tell each text twice: in deltas, and whole.
_DELTAS = re.compile(rb'"delta"\s*:\s*"((?:[^"\\]++|\\.)*+)')


class Lines(NamedTuple):
    """Texts that are a line each in `text`, where each stands for itself between `head` and `end`."""

    text: bytes
    number: int
    head: bytes
    end: bytes

    @property
    def size(self) -> int:
        return len(self.text) + self.number * (len(self.head) + len(self.end) - 1)

    def joined(self) -> bytes:
        return self.head + self.text[:-1].replace(b"\n", self.end + self.head) + self.end


class Seen:
    """Bytes of an answer since its last numbers: their first SAMPLE, and how many there were."""

    __slots__ = ("_parts", "_room", "total")

    def __init__(self) -> None:
        self._parts: list[bytes | Lines] = []
        self._room, self.total = SAMPLE, 0

    def add(self, raw: bytes) -> None:
        self.total += len(raw)
        if self._room > 0:
            self._parts.append(raw[: self._room])
            self._room -= len(raw)

    def add_lines(self, lines: Lines) -> None:
        """As `add` of all of their bytes, which are put together only should they be asked for."""
        size = lines.size
        self.total += size
        if self._room > 0:
            self._parts.append(lines if size <= self._room else lines.joined()[: self._room])
            self._room -= size

    def clear(self) -> None:
        if self.total:
            self._parts.clear()
            self._room, self.total = SAMPLE, 0

    def tokens(self, provider: Provider, *, deltas: bool) -> int:
        """The tokens of the texts in them; `deltas` for a response's stream."""
        sample = b"".join([part if isinstance(part, bytes) else part.joined() for part in self._parts])
        size = sum(_size(found) for found in (_DELTAS if deltas else _TEXTS).findall(sample))
        if self.total > len(sample) > 0:
            size = size * self.total // len(sample)
        return tokens_of(provider, size)


def tokens_of(provider: Provider, size: int) -> int:
    """The tokens of a text of so many bytes."""
    return int((size / _BYTES_A_TOKEN.get(provider, _USUAL)).to_integral_value(ROUND_CEILING))


def rule_of(provider: Provider) -> str:
    return f"{_BYTES_A_TOKEN.get(provider, _USUAL)} bytes of text taken as one token"


def _size(escaped: bytes) -> int:
    """The bytes of a JSON string's text: \\uXXXX counts three, as most letters that are written so."""
    return max(0, len(escaped) - escaped.count(b"\\") - 2 * escaped.count(b"\\u"))
