"""What one span says was used, as counts that hold together; names.py says whose words mean what."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, cast

import msgspec

from guardian.api.ingest.otlp import names
from guardian.api.ingest.otlp.wire import Span
from guardian.errors import ValidationError
from guardian.records import MOST_TOKENS, UsageCounts

_DOUBT = "the sender's input is smaller than what it says was cached, so that is added to it"


class Counted(NamedTuple):
    """The counts and how they were repaired."""

    counts: UsageCounts
    doubts: tuple[str, ...]


def counted(span: Span) -> Counted | None:
    """None for a span that states no usage. Raises ValidationError for counts that cannot be."""
    attributes = span.attributes
    if names.DETAILS in attributes:
        return _of_details(str(attributes[names.DETAILS]))
    told, output = _first(attributes, names.INPUT), _first(attributes, names.OUTPUT)
    if told is None and output is None:
        return None
    read = _first(attributes, names.CACHE_READ) or 0
    written = _first(attributes, names.CACHE_WRITE) or 0
    reasoning = _first(attributes, names.REASONING) or 0
    audio = _first(attributes, names.AUDIO_INPUT) or 0
    whole, doubts = told or 0, ()
    if read or written:
        left_out = span.scope.startswith(names.WITHOUT_CACHED) or _system(attributes).startswith(names.WITHOUT_CACHED)
        if left_out or read + written > whole:
            whole += read + written
            doubts = () if left_out else (_DOUBT,)
    return _sound(
        UsageCounts(
            input_tokens=whole,
            output_tokens=output or 0,
            cache_read_tokens=read,
            cache_write_5m_tokens=written,
            reasoning_tokens=reasoning,
            audio_input_tokens=audio,
            audio_output_tokens=_first(attributes, names.AUDIO_OUTPUT) or 0,
        ),
        doubts,
    )


def cost_told(attributes: Mapping[str, Any]) -> Decimal | None:
    """What the sender says that it costs, in dollars; None for none, and for what is no amount."""
    told = next((attributes[name] for name in names.COST if name in attributes), None)
    if told is None and names.COST_DETAILS in attributes:
        told = _document(str(attributes[names.COST_DETAILS])).get("total")
    try:
        amount = None if told is None or isinstance(told, bool) else Decimal(str(told))
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and 0 <= amount < 10**9 else None


def _of_details(text: str) -> Counted | None:
    details = _document(text)
    told, made = _first(details, ("input", "prompt_tokens")), _first(details, ("output", "completion_tokens"))
    if told is None and made is None:
        return None
    given, output = told or 0, made or 0
    read = _first(details, names.DETAIL_READ) or 0
    written = _first(details, names.DETAIL_WRITE) or 0
    reasoning = _first(details, names.DETAIL_REASONING) or 0
    total = _first(details, ("total", "total_tokens"))
    if total is None or total != given + output:
        given, output = given + read + written, output + reasoning
    return _sound(
        UsageCounts(
            input_tokens=given,
            output_tokens=output,
            cache_read_tokens=read,
            cache_write_5m_tokens=written,
            reasoning_tokens=reasoning,
        ),
        (),
    )


def _sound(counts: UsageCounts, doubts: tuple[str, ...]) -> Counted:
    if problems := counts.problems():
        raise ValidationError(f"These counts cannot be true: {'; '.join(problems)}.")
    return Counted(counts, doubts)


def _first(values: Mapping[str, Any], wanted: Sequence[str]) -> int | None:
    """The first of these counts that is there. Raises ValidationError for one that is no whole number."""
    for name in wanted:
        value = values.get(name)
        if value is None:
            continue
        number = _whole(value)
        if number is None:
            raise ValidationError(f"{name} is no whole number.")
        if number < 0:
            raise ValidationError(f"{name} is negative.")
        return number
    return None


def _whole(value: object) -> int | None:
    if isinstance(value, str):
        return int(value) if value.isascii() and value.removeprefix("-").isdecimal() and len(value) < 20 else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value % 1 == 0 and abs(value) <= MOST_TOKENS else None  # neither NaN nor infinity


def _system(attributes: Mapping[str, Any]) -> str:
    return str(attributes.get("gen_ai.system", ""))


def _document(text: str) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(text.encode("utf-8", "replace"))
    except msgspec.MsgspecError:
        raise ValidationError("The span's details are no JSON object.") from None
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}
