"""A call as one line of PostgreSQL's COPY: the columns of a usage row, written as text without a detour."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

import msgspec

from guardian.models.base import derived_id
from guardian.models.bills import digits
from guardian.models.usage import Counts
from guardian.records import CostBreakdown, UsageCounts
from guardian.services.ledger.bills.short import kept_text, short
from guardian.services.ledger.writing.rows import UNCOLUMNED

if TYPE_CHECKING:
    from guardian.services.ledger.writing.calls import Call

_TOTALS = ("input_tokens", "output_tokens", "total_tokens")
_SHARES = tuple(name for name in Counts.model_fields if name not in _TOTALS)
COLUMNS: tuple[str, ...] = (
    *("id", "timestamp", "provider", "model", "operation", "origin"),
    *(*_TOTALS, *_SHARES),
    *("units", "requests", "cost", "cost_source", "cost_reason", "price_id", "bill"),
    *("response_time", "status_code", "error", "account_id", "project_id", "external_key_id", "external_user_id"),
    *("service_tier", "session", "tags", "metadata", "user_id", "organization_id", "api_key_id", "access_token_id"),
)
_shares = attrgetter(*_SHARES)
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})
# What stands for null: no text of ours begins so, and \\N would make every line look as if it had to be escaped.
NULL = "\x01"
_json = msgspec.json.Encoder(decimal_format="number")


def copy_line(
    organization_id: str,
    call: "Call",
    metadata: Mapping[str, Any],
    cost: CostBreakdown,
    amount: Decimal | None,
    shared: dict[int, str],
) -> str:
    """The line of a call that costs this much; `amount` is the cost as the database keeps it.

    The texts that the line refers to are added to `shared`.
    """
    usage, counts = call.usage, call.usage.counts
    price, bill = short(cost, counts, usage.requests)
    if price is not None:
        shared[price.id] = price.text
    token = None if call.access_token_id is None else kept_text(call.access_token_id)
    if token is not None:
        shared[token.id] = token.text
    start = usage.start if usage.start.tzinfo is UTC else usage.start.astimezone(UTC)
    fields = (
        derived_id(call.known_since or start, organization_id, "call", *call.identity),
        start.isoformat(),
        usage.provider,
        usage.model,
        usage.operation,
        call.origin,
        str(counts.input_tokens),
        str(counts.output_tokens),
        str(counts.total_tokens),
        *[str(number) if number else NULL for number in _shares(counts)],
        _units(counts),
        NULL if usage.requests is None or usage.requests == 1 else str(usage.requests),
        NULL if amount is None else str(amount),
        cost.source,
        cost.reason or NULL,
        NULL if price is None else str(price.id),
        NULL if bill is None else bill,
        NULL if call.response_time is None else str(call.response_time),
        NULL if call.status_code is None else str(call.status_code),
        call.error or NULL,
        call.account_id or NULL,
        usage.project_id or NULL,
        usage.external_key_id or NULL,
        usage.external_user_id or NULL,
        usage.service_tier or NULL,
        call.session or NULL,
        _document(tags) if (tags := call.all_tags) else NULL,
        _document(metadata) if metadata else NULL,
        call.user_id,
        organization_id,
        call.api_key_id or NULL,
        NULL if token is None else str(token.id),
    )
    line = "\t".join(fields)
    if line.count("\t") >= len(COLUMNS) or "\\" in line or "\n" in line or "\r" in line or "\0" in line:
        line = "\t".join([field.translate(_ESCAPES) for field in fields])
    return f"{line}\n"


def _units(counts: UsageCounts) -> str:
    """As rows.count_columns: the units, and the shares that have no column of their own where they are not zero."""
    shares = [(name, number) for name in UNCOLUMNED if (number := getattr(counts, name))]
    if not shares and not counts.units:
        return NULL
    return _document({**{unit: digits(n) for unit, n in counts.units.items()}, **{n: str(c) for n, c in shares}})


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
