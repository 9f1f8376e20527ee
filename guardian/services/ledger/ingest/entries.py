"""A call as the journal holds it: a compact record that says all that its row of the ledger will, but for the price."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any, cast

import msgspec

from guardian.errors import ValidationError
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.records import CostBreakdown, UsageCounts, UsageRecord
from guardian.services.ledger.writing.calls import Call

VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_COUNTS = tuple(name for name in UsageCounts.__dataclass_fields__ if name != "units")
_counts = attrgetter(*_COUNTS)
_json = msgspec.json.Encoder(decimal_format="number")
_metadata = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class CallEntry(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """One call. `at` and `known_since` in microseconds since 1970, `response_time` in milliseconds, decimals as text.

    `counts` holds the counts that are not zero, by their name in UsageCounts; `metadata` is JSON. `known_cost` is
    (amount, source, reason) of a cost that is known already; without it the call is priced when it gets to the ledger.
    New fields go to the end, with a default: entries of an older version are read by a newer one.
    """

    v: int = VERSION
    organization_id: str
    identity: tuple[str, ...]
    at: int
    origin: str
    provider: str
    operation: str
    model: str
    counts: dict[str, int] = {}
    units: dict[str, str] = {}
    requests: int | None = None
    service_tier: str | None = None
    dimensions: dict[str, str] = {}
    provider_cost: str | None = None
    doubts: tuple[str, ...] = ()
    user_id: str
    api_key_id: str | None = None
    account_id: str | None = None
    access_token_id: str | None = None
    response_time: int | None = None
    status_code: int | None = None
    error: str | None = None
    session: str | None = None
    tags: dict[str, str] = {}
    metadata: str = ""
    known_cost: tuple[str | None, str, str | None] | None = None
    known_since: int | None = None
    project_id: str | None = None
    external_key_id: str | None = None
    external_user_id: str | None = None
    default_tags: dict[str, str] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(CallEntry)


def encode(entry: CallEntry) -> bytes:
    """The entry as a record of the journal. Half a surrogate pair, which has no UTF-8, becomes a question mark."""
    try:
        return _encoder.encode(entry)
    except UnicodeEncodeError:
        return _encoder.encode(_clean(msgspec.to_builtins(entry)))


def decode(record: bytes) -> CallEntry:
    """Raises ValidationError for a record that is no entry, or one of a newer version."""
    try:
        entry = _decoder.decode(record)
    except msgspec.DecodeError as error:
        raise ValidationError(f"The record is no call: {error}") from None
    if entry.v > VERSION:
        raise ValidationError(f"The record has version {entry.v}; this version of the product reads {VERSION}.")
    return entry


def entry_of(call: Call, organization_id: str) -> CallEntry:
    """The call's entry. Of a known cost it keeps amount, source and reason, and no bill."""
    return entry_from(
        call.usage,
        call.cost,
        organization_id=organization_id,
        identity=call.identity,
        origin=call.origin,
        user_id=call.user_id,
        api_key_id=call.api_key_id,
        account_id=call.account_id,
        access_token_id=call.access_token_id,
        response_time=call.response_time,
        status_code=call.status_code,
        error=call.error,
        session=call.session,
        tags=call.tags,
        metadata=call.metadata,
        known_since=call.known_since,
        default_tags=call.default_tags,
    )


def entry_from(
    usage: UsageRecord,
    cost: CostBreakdown | None,
    *,
    organization_id: str,
    identity: tuple[str, ...],
    origin: UsageOrigin,
    user_id: str,
    api_key_id: str | None,
    account_id: str | None,
    access_token_id: str | None,
    response_time: int | None,
    status_code: int | None,
    error: str | None,
    session: str | None,
    tags: Mapping[str, str],
    metadata: Mapping[str, Any],
    known_since: datetime | None = None,
    default_tags: Mapping[str, str] | None = None,
) -> CallEntry:
    """As entry_of, of a call's parts, for who has them at hand: the gateway makes one for each call that it passes."""
    counts = usage.counts
    return CallEntry(
        organization_id=organization_id,
        identity=identity,
        at=micros(usage.start),
        origin=origin,
        provider=usage.provider,
        operation=usage.operation,
        model=usage.model,
        counts={name: number for name, number in zip(_COUNTS, _counts(counts), strict=True) if number},
        units={unit: str(number) for unit, number in counts.units.items()} if counts.units else {},
        requests=usage.requests,
        service_tier=usage.service_tier,
        dimensions=dict(usage.dimensions),
        provider_cost=None if usage.provider_cost is None else str(usage.provider_cost),
        doubts=usage.doubts,
        user_id=user_id,
        api_key_id=api_key_id,
        account_id=account_id,
        access_token_id=access_token_id,
        response_time=response_time,
        status_code=status_code,
        error=error,
        session=session,
        tags=dict(tags),
        metadata=_document(metadata) if metadata else "",
        known_cost=cost and (None if cost.amount is None else str(cost.amount), cost.source.value, cost.reason),
        known_since=None if known_since is None else micros(known_since),
        project_id=usage.project_id,
        external_key_id=usage.external_key_id,
        external_user_id=usage.external_user_id,
        default_tags=dict(default_tags) if default_tags else {},
    )


def call_of(entry: CallEntry) -> Call:
    """The call as the ledger takes it. Raises ValidationError for values that no call has."""
    try:
        moment = _moment(entry.at)
        return Call(
            identity=entry.identity,
            origin=UsageOrigin(entry.origin),
            usage=_usage(entry, moment),
            user_id=entry.user_id,
            account_id=entry.account_id,
            api_key_id=entry.api_key_id,
            access_token_id=entry.access_token_id,
            cost=_cost(entry),
            known_since=None if entry.known_since is None else _moment(entry.known_since),
            response_time=entry.response_time,
            status_code=entry.status_code,
            error=entry.error,
            session=entry.session,
            tags=entry.tags,
            default_tags=entry.default_tags,
            metadata=_metadata.decode(entry.metadata) if entry.metadata else {},
        )
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ValidationError(f"The record says what no call does: {error}") from None


def _usage(entry: CallEntry, moment: datetime) -> UsageRecord:
    counts: dict[str, Any] = entry.counts
    if entry.units:
        counts = {**counts, "units": {unit: Decimal(text) for unit, text in entry.units.items()}}
    return UsageRecord(
        provider=Provider(entry.provider),
        operation=entry.operation,
        model=entry.model,
        start=moment,
        end=moment,
        counts=UsageCounts(**counts),
        requests=entry.requests,
        project_id=entry.project_id,
        external_key_id=entry.external_key_id,
        external_user_id=entry.external_user_id,
        service_tier=entry.service_tier,
        dimensions=entry.dimensions,
        provider_cost=None if entry.provider_cost is None else Decimal(entry.provider_cost),
        doubts=entry.doubts,
    )


def _cost(entry: CallEntry) -> CostBreakdown | None:
    if entry.known_cost is None:
        return None
    amount, source, reason = entry.known_cost
    return CostBreakdown(amount=None if amount is None else Decimal(amount), source=CostSource(source), reason=reason)


def micros(moment: datetime) -> int:
    """A time as an entry has it: microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _document(metadata: Mapping[str, Any]) -> str:
    try:
        return _json.encode(metadata).decode()
    except UnicodeEncodeError:
        return _json.encode(_clean(metadata)).decode()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_clean(k): _clean(v) for k, v in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in cast("list[Any]", value)]
    return value
