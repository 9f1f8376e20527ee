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
