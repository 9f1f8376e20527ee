"""CUSTOM keys with prices of their own: their calls are priced by them, now and again, and nobody else's are."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from guardian.models import ApiKey
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.records import UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.ledger.bills.rows import whole_rows
from guardian.services.ledger.pricebook.overrides import overrides_of
from guardian.services.ledger.repricing.rows import can_be_repriced, priced_again
from guardian.services.ledger.sql.tables import USAGE
from guardian.services.ledger.writing.calls import Call, add_calls
from tests.conftest import People

MOMENT = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
CUSTOM = Provider.CUSTOM


def key(session: Session, owner: Actor, label: str, **metadata: Any) -> str:
    row = ApiKey(
        provider=CUSTOM,
        encrypted_key="00",
        iv="00",
        tag="00",
        label=label,
        user_id=owner.user_id,
        organization_id=owner.organization_id,
        meta={"baseUrl": "https://llm.example.com/v1", **metadata},
    )
    session.add(row)
    session.flush()
    return row.id


def call(owner: Actor, key_id: str) -> Call:
    usage = UsageRecord(
        provider=CUSTOM,
        operation="chat",
        model="llama-3",
        start=MOMENT,
        end=MOMENT,
        counts=UsageCounts(input_tokens=1_000_000),
    )
    return Call(
        identity=("event", key_id), origin=UsageOrigin.GATEWAY, usage=usage, user_id=owner.user_id, api_key_id=key_id
    )


def test_each_keys_calls_cost_what_that_key_says(session: Session, people: People) -> None:
    alice = people.alice
    cheap = key(session, alice, "cheap", prices=[{"model": "*", "inputTokens": 0.25}])
    dear = key(session, alice, "dear", prices=[{"model": "llama-*", "inputTokens": "8"}])
    broken = key(session, alice, "broken", prices="free")
    theirs = key(session, people.charlie, "theirs", prices=[{"model": "*", "inputTokens": "100"}])
    overrides = overrides_of(session, alice.organization_id, CUSTOM)
    assert {override.key_id for override in overrides} == {cheap, dear}
    assert overrides_of(session, alice.organization_id, Provider.OPENAI) == ()
    add_calls(
        session, alice.organization_id, [call(alice, each) for each in (cheap, dear, broken)], {CUSTOM: overrides}
    )
    rows = whole_rows(session, [dict(row) for row in session.connection().execute(select(USAGE)).mappings()])
    assert {row["api_key_id"]: (row["cost"], row["price_source"]) for row in rows} == {
        cheap: (Decimal("0.25"), "key"),
        dear: (Decimal(8), "key"),
        broken: (None, None),
    }
    assert theirs not in {row["api_key_id"] for row in rows}


def test_a_keys_new_price_can_be_applied_to_its_calls(session: Session, people: People) -> None:
    alice = people.alice
    local = key(session, alice, "local", prices=[{"model": "*", "inputTokens": "1"}])
    overrides = overrides_of(session, alice.organization_id, CUSTOM)
    add_calls(session, alice.organization_id, [call(alice, local)], {CUSTOM: overrides})
    [found] = session.connection().execute(select(USAGE)).mappings()
    [row] = whole_rows(session, [dict(found)])
    assert can_be_repriced(row)
    assert priced_again(row, overrides) is None  # the same price: no difference
    stored = session.get_one(ApiKey, local)
    stored.meta = {**(stored.meta or {}), "prices": [{"model": "*", "inputTokens": "2"}]}
    session.add(stored)
    session.flush()
    found = priced_again(row, overrides_of(session, alice.organization_id, CUSTOM))
    assert found is not None
    assert (found.columns["cost"], found.columns["cost_source"]) == (Decimal(2), CostSource.COMPUTED)
