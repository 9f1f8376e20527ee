"""Calls as the gateway writes them down, through the ledger's own writer."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session, select

from guardian.models import AccessToken, ApiKey
from guardian.models.base import new_id
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.models.usage import UsageLog
from guardian.periods import utcnow
from guardian.records import CostBreakdown, UsageCounts, UsageRecord
from guardian.services.ledger.ingest.entries import entry_of
from guardian.services.ledger.ingest.storing import store
from guardian.services.ledger.writing.calls import Call
from tests.fakes import seed


def token(session: Session, of: seed.Company, name: str = "search service") -> AccessToken:
    """An access token of the company's owner."""
    made = AccessToken(
        organization_id=of.organization.id,
        user_id=of.owner.id,
        name=name,
        token_hash=new_id(),
        hint="wxyz",
        scopes=["gateway"],
    )
    session.add(made)
    session.flush()
    return made


def key(session: Session, of: seed.Company, label: str, provider: Provider = Provider.OPENAI) -> ApiKey:
    """A key of the vault that seals nothing."""
    made = ApiKey(
        provider=provider,
        encrypted_key="00",
        iv="00",
        tag="00",
        hint="x4Tq",
        label=label,
        user_id=of.owner.id,
        organization_id=of.organization.id,
    )
    session.add(made)
    session.flush()
    return made


def call(
    of: seed.Company,
    *,
    at: datetime | None = None,
    model: str = "gpt-5-mini",
    provider: Provider = Provider.OPENAI,
    cost: str | None = None,
    origin: UsageOrigin = UsageOrigin.GATEWAY,
    counts: UsageCounts | None = None,
    **facts: Any,
) -> Call:
    """One answered call of a second ago; priced by the list unless `cost` says what it cost."""
    moment = at or utcnow() - timedelta(seconds=1)
    known: dict[str, Any] = {"status_code": 200, "response_time": 1_240, "metadata": {"requestId": new_id()}} | facts
    return Call(
        identity=("gateway", new_id()),
        origin=origin,
        usage=UsageRecord(
            provider=provider,
            operation="chat",
            model=model,
            start=moment,
            end=moment,
            counts=counts or UsageCounts(input_tokens=1_200, cache_read_tokens=1_000, output_tokens=340),
            requests=1,
        ),
        user_id=of.owner.id,
        cost=CostBreakdown(amount=Decimal(cost), source=CostSource.COMPUTED) if cost is not None else None,
        **known,
    )


def untold(of: seed.Company, **facts: Any) -> Call:
    """One that was sent, and of which no whole answer came: nobody knows what it used."""
    made = call(of, counts=UsageCounts(), **({"status_code": 502, "error": "cut_short"} | facts))
    unknown = CostBreakdown(amount=None, source=CostSource.UNPRICED, reason="It was sent, and no whole answer came.")
    return replace(made, cost=unknown)


def write(session: Session, of: seed.Company, *calls: Call) -> None:
    """Store them as what is shipped from a journal is stored, and commit."""
    store(session, [entry_of(each, of.organization.id) for each in calls])
    session.commit()


def many(session: Session, of: seed.Company, count: int) -> list[Call]:
    """So many calls of the last minutes, of several callers, models and fates."""
    tokens = [token(session, of, name) for name in ("search service", "nightly batch", "Mia's laptop")]
    keys = {
        provider: [key(session, of, label, provider) for label in ("production", "fallback")]
        for provider in (Provider.OPENAI, Provider.ANTHROPIC)
    }
    models = (("gpt-5-mini", Provider.OPENAI), ("claude-haiku-4-5", Provider.ANTHROPIC), ("gpt-5.1", Provider.OPENAI))
    found: list[Call] = []
    for n in range(count):
        model, provider = models[n % 3]
        first, spare = keys[provider]
        more: dict[str, Any] = {"requestId": new_id(), "endUser": f"customer-{n % 7}"}
        facts: dict[str, Any] = {"api_key_id": first.id, "tags": {"team": "search", "feature": "answers"}}
        if n % 2:
            more |= {"streamed": True, "timeToFirstToken": 180 + n % 90, "responseId": f"chatcmpl-{n}"}
        if n % 11 == 3:
            facts |= {"status_code": 429, "error": "rate_limit_exceeded", "cost": "0", "counts": UsageCounts()}
        if n % 17 == 5:
            facts |= {"status_code": 502, "error": "connect_failed", "cost": "0", "counts": UsageCounts()}
        if n % 13 == 6:
            tried = [{"key": first.id, "status": 429}, {"key": spare.id, "status": 200}]
            more |= {"attempts": tried}
            facts |= {"api_key_id": spare.id}
        if n % 19 == 4:
            more |= {"fallbackFrom": "gpt-5.1-large"}
        found.append(
            call(
                of,
                at=utcnow() - timedelta(seconds=1 + 7 * n),
                model="gpt-99-internal" if n % 23 == 8 else model,
                provider=provider,
                access_token_id=tokens[n % 3].id,
                session=f"checkout-{n % 5}",
                metadata=more,
                response_time=400 + 137 * n % 9_000,
                **facts,
            )
        )
    return found


def ids(session: Session, of: seed.Company) -> list[str]:
    """The ids of the company's calls, newest first."""
    session.rollback()
    query = select(UsageLog.id).where(UsageLog.organization_id == of.organization.id, UsageLog.origin != "sync")
    return list(session.exec(query.order_by(UsageLog.timestamp.desc(), UsageLog.id.desc())))
