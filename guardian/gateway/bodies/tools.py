"""Which tools that are billed by the call a request lets a model use, and how often at most."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict, cast

# What a tool's type begins with, or a key of Google's, to the units that providers.usage counts it in. The vendors'
# API references of November 2026; which of the units a model has a price for, its price sheet knows.
_UNITS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("web_search", ("web_search_requests",)),
    ("search_web", ("web_search_requests",)),
    ("google_search", ("web_search_requests",)),
    ("googleSearch", ("web_search_requests",)),
    ("google_maps", ("maps_grounding_requests",)),
    ("googleMaps", ("maps_grounding_requests",)),
    ("file_search", ("file_search_requests",)),
    ("x_search", ("x_search_requests",)),
    ("collections_search", ("document_search_requests",)),
    ("code_interpreter", ("code_interpreter_sessions", "code_execution_requests")),
    ("code_execution", ("code_execution_requests",)),
    ("fetch_url", ("url_fetch_requests",)),
)
_SESSIONS = "code_interpreter_sessions"  # one, however often it is called
_MOST_CALLS = 10**6


class Tool(TypedDict, total=False):
    """One entry of a request's `tools`, as far as it is read: OpenAI's and Anthropic's have a type, Google's a key."""

    type: Any
    max_uses: Any
    google_search: Any
    googleSearch: Any
    google_search_retrieval: Any
    googleSearchRetrieval: Any
    google_maps: Any
    googleMaps: Any


class Billed(NamedTuple):
    """A unit that a tool is billed in; `most` calls at most, None where the request states no number."""

    unit: str
    most: int | None


def billed_tools(tools: object, most_calls: object, *, searches: bool) -> tuple[Billed, ...]:
    """Of a request's `tools`; `most_calls` is OpenAI's max_tool_calls; `searches` that it has web_search_options."""
    found: dict[str, int | None] = {"web_search_requests": 1} if searches else {}
    for tool in cast("list[object]", tools) if isinstance(tools, list) else ():
        if not isinstance(tool, Mapping):
            continue
        facts = cast("Mapping[str, object]", tool)
        said = facts.get("type")
        names = [said] if isinstance(said, str) else list(facts)
        most = _count(facts.get("max_uses")) or _count(most_calls)
        for unit in (unit for name in names for start, units in _UNITS if name.startswith(start) for unit in units):
            before = found.get(unit, 0)
            now = 1 if unit == _SESSIONS else most
            found[unit] = None if before is None or now is None else before + now
    return tuple(Billed(unit, most) for unit, most in found.items())


def _count(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        return None
    return min(value, _MOST_CALLS)
