"""From a call that is over to the record that the journal keeps of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from guardian.gateway.outgoing import Route
from guardian.gateway.paths import Asked
from guardian.gateway.routes import KEPT_FLAVOURS
from guardian.journal.intents import MOST_RECORD
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.pricing.calculator import price
from guardian.pricing.overrides import Override
from guardian.records import UNKNOWN_MODEL, CostBreakdown, UsageCounts, UsageRecord
from guardian.services.ledger.ingest.entries import CallEntry, encode, entry_from, micros
from guardian.services.ledger.ingest.once import ANSWER, KEPT
from guardian.services.people.access.callers import Caller

_NOT_BILLED = "Providers do not bill an answer that is an error."
_NOT_SENT = "The call was refused here, and never sent."
_NO_ANSWER = "It was sent, and no whole answer came: the provider may have billed it."
_KILLED = "The gateway was stopped while the call was under way: the provider may have billed it."
_MOST_ERROR = 200  # characters; the class of an error, never its words, which may quote a prompt
_json = msgspec.json.encode
_NO_OVERRIDES: Mapping[Provider, tuple[Override, ...]] = {}


@dataclass(slots=True, kw_only=True)
class Facts:
    """What is known of one call, filled as it goes; times in milliseconds. `started` is UTC."""

    request_id: str
    caller: Caller
    started: datetime
    provider: Provider
    operation: str
    model: str = ""
    key_id: str | None = None
    account_id: str | None = None
    user: str | None = None
    session: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    status: int | None = None
    error: str | None = None
    response_time: int | None = None
    first_byte_time: int | None = None
    streamed: bool = False
    more: dict[str, Any] = field(default_factory=dict[str, Any])

    def metadata(self) -> dict[str, Any]:
        """What has no column of its own."""
        found: dict[str, Any] = {"requestId": self.request_id, **self.more}
        if self.first_byte_time is not None:
            found["timeToFirstToken"] = self.first_byte_time
        if self.streamed:
            found["streamed"] = True
        if self.user is not None:
            found["endUser"] = self.user
        return found


def record_of_answer(
    facts: Facts, usage: UsageRecord, missing: str | None, response_id: str | None, asked: Asked
) -> bytes:
    """The record of a call that was answered; `missing` says why its use is not known.

    An answer that is asked for again, once or often, states the same use each time: it is one call.
    """
    cost = None if missing is None else CostBreakdown(amount=None, source=CostSource.UNPRICED, reason=missing)
    if response_id is not None:
        facts.more["responseId"] = response_id
    if asked.polled is not None:
        return _record(facts, usage, cost, (ANSWER, usage.provider.value, response_id or asked.polled))
    if asked.endpoint is not None and asked.endpoint.flavour in KEPT_FLAVOURS:
        facts.more[KEPT] = True
    return _record(facts, usage, cost, ("gateway", facts.request_id))


def record_of_error(facts: Facts, *, sent: bool) -> bytes:
    """The record of a call that got an error, or none at all; nothing of it is billed."""
    usage = UsageRecord(
        provider=facts.provider,
        operation=facts.operation,
        model=facts.model or UNKNOWN_MODEL,
        start=facts.started,
        end=facts.started,
        counts=UsageCounts(),
        requests=0,
    )
    reason = _NOT_BILLED if sent else _NOT_SENT
    cost = CostBreakdown(amount=Decimal(0), source=CostSource.COMPUTED, reason=reason)
    return _record(facts, usage, cost, ("gateway", facts.request_id))


def record_of_no_answer(facts: Facts) -> bytes:
    """The record of a call that went out and that nobody answered: what it costs is not known, and not nothing."""
    return _record(facts, _nothing_stated(facts), _unknown(_NO_ANSWER), ("gateway", facts.request_id))


def record_of_intent(facts: Facts, route: Route) -> bytes:
    """What is written of a call that is about to go out, should its outcome never be.

    Every call makes one: so it is put together here, in a third of the time that the way of the other records takes.
    """
    metadata = facts.metadata()
    record = encode(_intent(facts, route, facts.tags, metadata))
    return record if len(record) <= MOST_RECORD else encode(_intent(facts, route, {}, {"requestId": facts.request_id}))


def _intent(facts: Facts, route: Route, tags: Mapping[str, str], metadata: Mapping[str, Any]) -> CallEntry:
    caller = facts.caller
    return CallEntry(
        organization_id=caller.organization_id,
        identity=("gateway", facts.request_id),
        at=micros(facts.started),
        origin=UsageOrigin.GATEWAY,
        provider=facts.provider,
        operation=facts.operation,
        model=facts.model or UNKNOWN_MODEL,
        requests=1,
        user_id=caller.user_id,
        api_key_id=route.key.id,
        account_id=route.key.account_id,
        access_token_id=caller.token_id,
        error="gateway_stopped",
        session=facts.session,
        tags=dict(tags),
        metadata=_json(metadata).decode(),
        known_cost=(None, CostSource.UNPRICED, _KILLED),
    )


def _nothing_stated(facts: Facts) -> UsageRecord:
    return UsageRecord(
        provider=facts.provider,
        operation=facts.operation,
        model=facts.model or UNKNOWN_MODEL,
        start=facts.started,
        end=facts.started,
        counts=UsageCounts(),
        requests=1,
    )


def _unknown(reason: str) -> CostBreakdown:
    return CostBreakdown(amount=None, source=CostSource.UNPRICED, reason=reason)


def cost_of(
    facts: Facts, usage: UsageRecord, overrides: Mapping[Provider, tuple[Override, ...]] = _NO_OVERRIDES
) -> Decimal | None:
    """What the call costs, as the ledger will have it; None where it has no price."""
    return price(usage, overrides.get(usage.provider, ()), key_id=facts.key_id).amount


def _record(facts: Facts, usage: UsageRecord, cost: CostBreakdown | None, identity: tuple[str, ...]) -> bytes:
    caller = facts.caller
    return encode(
        entry_from(
            usage,
            cost,
            organization_id=caller.organization_id,
            identity=identity,
            origin=UsageOrigin.GATEWAY,
            user_id=caller.user_id,
            api_key_id=facts.key_id,
            account_id=facts.account_id,
            access_token_id=caller.token_id,
            response_time=facts.response_time,
            status_code=facts.status,
            error=facts.error[:_MOST_ERROR] if facts.error else None,
            session=facts.session,
            tags=facts.tags,
            metadata=facts.metadata(),
        )
    )
