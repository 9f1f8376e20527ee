"""Entries of calls that are easy to add up: gpt-5 with a million tokens in and out costs $11.25."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from guardian.services.actor import Actor
from guardian.services.ledger.ingest.entries import CallEntry

MOMENT = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)


def entry(actor: Actor, number: int, **other: Any) -> CallEntry:
    made = CallEntry(
        organization_id=actor.organization_id,
        identity=("response", "OPENAI", f"resp_{number}"),
        at=int(MOMENT.timestamp()) * 1_000_000 + number,
        origin="gateway",
        provider="OPENAI",
        operation="chat",
        model="gpt-5",
        counts={"input_tokens": 1_000_000, "output_tokens": 1_000_000},
        user_id=actor.user_id,
        access_token_id="t1",
        tags={"team": "web"},
    )
    return msgspec.structs.replace(made, **other)
