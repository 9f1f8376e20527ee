"""A call as one line of PostgreSQL's COPY: the columns of a usage row, written as text without a detour."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

import msgspec

from guardian.models.base import derived_id
from guardian.models.usage import Counts
from guardian.records import BillLine, CostBreakdown, UsageCounts
from guardian.services.ledger.writing.rows import UNCOLUMNED, bill_line

if TYPE_CHECKING:
    from guardian.services.ledger.writing.calls import Call

_COUNTS = tuple(Counts.model_fields)
COLUMNS: tuple[str, ...] = (
    *("id", "timestamp", "provider", "model", "operation", "origin"),
    *_COUNTS,
    *("units", "requests", "cost", "cost_source", "cost_reason", "price_source", "price_version", "price_ref", "bill"),
    *("response_time", "status_code", "error", "account_id", "project_id", "external_key_id", "external_user_id"),
    *("service_tier", "session", "tags", "metadata", "user_id", "organization_id", "api_key_id", "access_token_id"),
)
_counts = attrgetter(*_COUNTS)
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})
# What stands for null: no text of ours begins so, and \\N would make every line look as if it had to be escaped.
NULL = "\x01"
_json = msgspec.json.Encoder(decimal_format="number")


def copy_line(
    organization_id: str, call: "Call", metadata: Mapping[str, Any], cost: CostBreakdown, amount: Decimal | None
) -> str:
    """The line of a call that costs this much; `amount` is the cost as the database keeps it."""
    usage = call.usage
    start = usage.start if usage.start.tzinfo is UTC else usage.start.astimezone(UTC)
    fields = (
        derived_id(call.known_since or start, organization_id, "call", *call.identity),
        start.isoformat(),
        usage.provider,
        usage.model,
        usage.operation,
        call.origin,
        *map(str, _counts(usage.counts)),
        _units(usage.counts),
        "1" if usage.requests is None else str(usage.requests),
        NULL if amount is None else str(amount),
        cost.source,
        cost.reason or NULL,
        cost.price_source or NULL,
        cost.price_version or NULL,
        cost.price_ref or NULL,
        _bill(cost.lines) if cost.lines else "[]",
        NULL if call.response_time is None else str(call.response_time),
        NULL if call.status_code is None else str(call.status_code),
        call.error or NULL,
        call.account_id or NULL,
        usage.project_id or NULL,
        usage.external_key_id or NULL,
        usage.external_user_id or NULL,
        usage.service_tier or NULL,
        call.session or NULL,
        _document(call.tags) if call.tags else "{}",
        _document(metadata) if metadata else "{}",
        call.user_id,
        organization_id,
        call.api_key_id or NULL,
        call.access_token_id or NULL,
    )
    line = "\t".join(fields)
    if line.count("\t") >= len(COLUMNS) or "\\" in line or "\n" in line or "\r" in line or "\0" in line:
        line = "\t".join([field.translate(_ESCAPES) for field in fields])
    return f"{line}\n"


def digits(number: Decimal) -> str:
    """The number's digits, the same for equal numbers: 3, not 3.0 or 3E+0."""
    text = str(number)
    if "." not in text and "E" not in text:
        return text
    return format(number.normalize(), "f") if "E" in text else text.rstrip("0").rstrip(".")


def _units(counts: UsageCounts) -> str:
    """As rows.count_columns: the units, and the shares that have no column of their own where they are not zero."""
    shares = [(name, number) for name in UNCOLUMNED if (number := getattr(counts, name))]
    if not shares and not counts.units:
        return "{}"
    return _document({**{unit: digits(n) for unit, n in counts.units.items()}, **{n: str(c) for n, c in shares}})


def _bill(lines: Sequence[BillLine]) -> str:
    # Written by hand, which takes half the time: nothing in it needs escaping but a unit that a customer has named.
    found = ",".join(
        [
            f'{{"unit":"{line.unit}","quantity":"{digits(line.quantity)}","unit_price":"{digits(line.unit_price)}",'
            f'"multiplier":"{digits(line.multiplier)}","amount":"{digits(line.amount)}"}}'
            if line.unit.isidentifier()
            else _document({name: str(value) for name, value in bill_line(line).items()})
            for line in lines
        ]
    )
    return f"[{found}]"


def _document(value: Mapping[str, Any] | list[Any]) -> str:
    """PostgreSQL keeps no NUL in jsonb, and half a surrogate pair has no UTF-8: they are left out, or replaced."""
    try:
        text = _json.encode(value).decode()
    except UnicodeEncodeError:
        text = "\\u0000"
    return _json.encode(_clean(value)).decode() if "\\u0000" in text else text


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_clean(k): _clean(v) for k, v in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in cast("Sequence[Any]", value)]
    return value
