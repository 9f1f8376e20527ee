"""What is used and billed, by name: the disjoint kinds of tokens, and what a line of a cost report is about."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from guardian.models.enums import Provider

# An amount that cannot be told apart by kind.
NOT_SPLIT = "not_split"

TOKEN_KINDS: tuple[str, ...] = (
    "uncached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_30m_tokens",
    "cache_write_1h_tokens",
    "cache_write_12h_tokens",
    "audio_input_tokens",
    "image_input_tokens",
    "video_input_tokens",
    "output_tokens",
    "audio_output_tokens",
    "image_output_tokens",
    "video_output_tokens",
)
_CACHE_WRITE = "cache_write_tokens"
TOKENS = frozenset({*TOKEN_KINDS, _CACHE_WRITE})

# Lines of our own bills by the kind that the rollups count them under.
_BILL_UNITS: Mapping[str, str] = {
    "cache_read_audio_tokens": "cache_read_tokens",
    "cache_read_image_tokens": "cache_read_tokens",
    "reasoning_tokens": "output_tokens",
    "provider_cost": NOT_SPLIT,
}

# token_type of Anthropic's cost report.
_ANTHROPIC: Mapping[str, str] = {
    "uncached_input_tokens": "uncached_input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h_tokens",
}
# OpenAI's and xAI's line items are free text; the first pattern that is found says what the line is about.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"cache[_ -]?write", _CACHE_WRITE),
        (r"cached?[_ ]", "cache_read_tokens"),
        (r"audio.*output|output.*audio", "audio_output_tokens"),
        (r"image.*output.*token|output.*image.*token", "image_output_tokens"),
        (r"video.*output.*token|output.*video.*token", "video_output_tokens"),
        (r"audio.*input|input.*audio", "audio_input_tokens"),
        (r"image.*input.*token|input.*image.*token", "image_input_tokens"),
        (r"video.*input.*token|input.*video.*token", "video_input_tokens"),
        (r"output|completion|reasoning", "output_tokens"),
        (r"input|prompt", "uncached_input_tokens"),
    )
)
_TOOLS: tuple[tuple[str, str], ...] = (
    ("web search", "web_search_requests"),
    ("web_search", "web_search_requests"),
    ("file search", "file_search_requests"),
    ("file_search", "file_search_requests"),
    ("code interpreter", "code_interpreter_sessions"),
    ("code_interpreter", "code_interpreter_sessions"),
    ("code execution", "code_execution"),
    ("code_execution", "code_execution"),
)
_QUANTITY_UNITS: Mapping[str, str] = {"images": "images", "characters": "characters", "duration_seconds": "seconds"}
_WHOLE = frozenset({"(not itemised)", "tokens", "usage", ""})


def bill_kind(unit: str) -> str:
    """The kind of a line of our own bill."""
    return _BILL_UNITS.get(unit, unit)


def comparable(provider: Provider, kind: str) -> str:
    """The kind as cost reports of that provider name it: OpenAI does not tell how long a cache write was kept."""
    return _CACHE_WRITE if provider is Provider.OPENAI and kind.startswith("cache_write_") else kind


def moved_kinds(more: Mapping[str, Decimal]) -> str | None:
    """Where the second book has the same tokens under other kinds: the first one's kinds, and the second's, as a label.

    `more` is how many more it has of each kind. None where it has other numbers of input or of output.
    """
    output = sum(number for kind, number in more.items() if kind.endswith("output_tokens"))
    if output or sum(more.values()) or not any(more.values()):
        return None
    first, second = (",".join(sorted(kind for kind in more if more[kind] * sign > 0)) for sign in (-1, 1))
    return f"{first}/{second}"


# A cost report repeats its few lines every day.
@lru_cache(maxsize=4096)
def billed_kind(
    provider: Provider, line_item: str, cost_type: str | None, token_type: str | None, quantity_unit: str | None
) -> str:
    """What a line of a cost report is about; the line's own text where we do not know it, NOT_SPLIT where it is all."""
    if token_type is not None and provider is Provider.ANTHROPIC:
        return _ANTHROPIC.get(token_type, token_type)
    text = (token_type or cost_type or line_item).strip().lower()
    if token_type is not None:
        return next((kind for pattern, kind in _PATTERNS if pattern.search(text)), text)
    if cost_type == "tokens" or text in _WHOLE:
        return NOT_SPLIT
    for words, kind in _TOOLS:
        if words in text:
            return kind
    return _QUANTITY_UNITS.get(quantity_unit or "", text)
