"""Metered: what one answer said, as the record of the call."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from guardian.records import UsageRecord

_LONGEST = 100


class Metered(NamedTuple):
    """`record` is the call, ready for pricing; `missing` says why it has no price where nothing was stated or guessed.

    `error` names what went wrong, in the vendor's word (rate_limit_exceeded, overloaded_error) or ours: http_<status>,
    not_json, undecodable, too_long, contract_broken. It never holds a message: those repeat what was asked. `billed` is
    False for an error answer, which costs nothing. `pending`: the work goes on and is metered when it is asked after;
    this answer is no call.
    """

    record: UsageRecord
    response_id: str | None = None
    missing: str | None = None
    error: str | None = None
    billed: bool = True
    pending: bool = False


def error_of(answer: Mapping[str, Any] | None) -> str | None:
    """The vendor's name of the error that an answer or an event is; None for one that is none.

    OpenAI: error.code, else error.type; Anthropic: error.type; Google: error.status; xAI: code; responses: the error
    of the response that failed, or the event itself.
    """
    if not answer:
        return None
    for name in ("response", "interaction"):
        inner: object = answer.get(name)
        if inner is not None and isinstance(inner, Mapping) and (found := _named(cast("Mapping[str, Any]", inner))):
            return found
    return _named(answer)


def _named(answer: Mapping[str, Any]) -> str | None:
    error: object = answer.get("error")
    is_one = "error" in (answer.get("type"), answer.get("object"))  # older vLLM: {"object": "error", "message", …}
    if error is None and not is_one:
        return None
    if isinstance(error, Mapping):
        facts = cast("Mapping[str, Any]", error)
        names = (facts.get("code"), facts.get("type"), facts.get("status"))
        words = [name for name in names if isinstance(name, str) and name and not name.isdigit()]
        return (words[0] if words else "error")[:_LONGEST]
    if not error and not is_one:
        return None
    code: object = answer.get("code")
    return (code if isinstance(code, str) and code else "error")[:_LONGEST]
