"""Tracked calls in the ledger, with the cost that a test wants."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlmodel import Session

from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.records import CostBreakdown, UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.ledger.writing.calls import Call
from guardian.services.ledger.writing.calls import add_calls as add
from tests.conftest import People


def add_calls(
    session: Session,
    actor: Actor,
    at: datetime,
    *costs: str,
    model: str = "gpt-5",
    origin: UsageOrigin = UsageOrigin.GATEWAY,
    **facts: Any,
) -> None:
    """One call for each cost, at that moment; a cost of "" is unknown. Of that actor's organization."""
    calls = [
        Call(
            identity=("test", uuid4().hex),
            origin=origin,
            usage=UsageRecord(
                provider=Provider.OPENAI,
                operation="chat",
                model=model,
                start=at,
                end=at,
                counts=UsageCounts(input_tokens=10),
            ),
            user_id=actor.user_id,
            cost=CostBreakdown(
                amount=Decimal(cost) if cost else None,
                source=CostSource.PROVIDER if cost else CostSource.UNPRICED,
                reason=None if cost else "a test",
            ),
            **facts,
        )
        for cost in costs
    ]
    add(session, actor.organization_id, calls, {})


def add_calls_of_each_scope(session: Session, people: People, at: datetime) -> None:
    """$15 of Acme's in calls of which each scope has its own, one more without a price, and $100 of another's."""
    add_calls(session, people.alice, at, "1", model="claude-opus-4-5")
    add_calls(session, people.alice, at, "2", tags={"team": "web"})
    add_calls(session, people.alice, at, "4", tags={"feature": "search"}, origin=UsageOrigin.INGEST)
    add_calls(session, people.bob, at, "8", "", tags={"stage": "live"}, access_token_id="t1")
    add_calls(session, people.charlie, at, "100", tags={"team": "web"}, access_token_id="t1")
