"""Single calls into the tracked book: each once, priced, and the rollups with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from types import MappingProxyType
from typing import Any

from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.models.base import derived_id
from guardian.models.enums import Provider, UsageOrigin
from guardian.pricing.calculator import price
from guardian.pricing.overrides import Override
from guardian.records import CostBreakdown, UsageRecord
from guardian.services.ledger.bulk import Row, insert_new
from guardian.services.ledger.partitions import ensure_partitions
from guardian.services.ledger.rollups import RollupChanges
from guardian.services.ledger.rows import BIGGEST_COST, cost_columns, count_columns, doubted
from guardian.services.ledger.tables import USAGE

_NOTHING: Mapping[str, Any] = MappingProxyType({})
Overrides = Mapping[Provider, tuple[Override, ...]]
_NO_OVERRIDES: Overrides = MappingProxyType({})
# Among a row's metadata: which of it are dimensions of the price, where a caller added metadata of their own; and what
# was repaired in the counts. Without them the row could not be priced again as it was.
DIMENSIONS_KEY, DOUBTS_KEY = "_dimensions", "_doubts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as the gateway, a sender of events or a file tells it.

    `identity` is what makes it the same call when it is told again: ("event", its id), ("response", provider, response
    id, attempt), … together with its time. `usage.start` is when it was made, and equals `usage.end`. `cost` is a cost
    that is known already; without it the call is priced. `doubts` say what was repaired in the counts by a stated rule:
    a computed cost is then an estimate. `response_time` in milliseconds.
    """

    identity: tuple[str, ...]
    origin: UsageOrigin
    usage: UsageRecord
    user_id: str
    account_id: str | None = None
    api_key_id: str | None = None
    cost: CostBreakdown | None = None
    doubts: tuple[str, ...] = ()
    response_time: int | None = None
    status_code: int | None = None
    error: str | None = None
    session: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    metadata: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """How many calls were new, and how many the ledger, or an earlier place of the same list, had already."""

    added: int
    duplicates: int


def add_calls(
    session: Session, organization_id: str, calls: Sequence[Call], overrides: Overrides = _NO_OVERRIDES
) -> Added:
    """Add the calls that are not there yet. `overrides` are the organization's agreed prices by provider.

    A call is never changed by being told again. Raises ValidationError for counts or a cost that cannot be.
    """
    rows: dict[str, Row] = {}
    for call in calls:
        row = _row(organization_id, call, overrides)
        rows.setdefault(row["id"], row)
    if not rows:
        return Added(added=0, duplicates=0)
    times = [row["timestamp"] for row in rows.values()]
    ensure_partitions(session, min(times), max(times))
    new = insert_new(session, USAGE, list(rows.values()))
    changes = RollupChanges()
    for id in new:
        changes.add(rows[id])
    changes.apply(session)
    return Added(added=len(new), duplicates=len(calls) - len(new))


def _row(organization_id: str, call: Call, overrides: Overrides) -> Row:
    usage = call.usage
    problems = usage.counts.problems()
    if problems:
        raise ValidationError(f"These counts cannot be true: {'; '.join(problems)}.")
    cost = doubted(call.cost or price(usage, overrides.get(usage.provider, ())), call.doubts)
    if cost.amount is not None and abs(cost.amount) >= BIGGEST_COST:
        raise ValidationError(f"One call cannot cost {cost.amount} dollars.")
    start = usage.start.astimezone(UTC)
    return {
        "id": derived_id(start, organization_id, "call", *call.identity),
        "timestamp": start,
        "bucket_end": None,
        "provider": usage.provider,
        "model": usage.model,
        "operation": usage.operation,
        "origin": call.origin,
        "series": None,
        **count_columns(usage.counts),
        "requests": 1 if usage.requests is None else usage.requests,
        **cost_columns(cost),
        "response_time": call.response_time,
        "status_code": call.status_code,
        "error": call.error,
        "account_id": call.account_id,
        "project_id": usage.project_id,
        "external_key_id": usage.external_key_id,
        "external_user_id": usage.external_user_id,
        "service_tier": usage.service_tier,
        "session": call.session,
        "tags": dict(call.tags),
        "metadata": _metadata(call),
        "user_id": call.user_id,
        "organization_id": organization_id,
        "api_key_id": call.api_key_id,
    }


def _metadata(call: Call) -> dict[str, Any]:
    """The caller's metadata and the price's dimensions, which win where both have a name."""
    found: dict[str, Any] = {**call.metadata, **call.usage.dimensions}
    if call.metadata:
        found[DIMENSIONS_KEY] = sorted(call.usage.dimensions)
    if call.doubts:
        found[DOUBTS_KEY] = list(call.doubts)
    return found
