"""What a budget has spent: the calls that it limits, of its own period, each once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from guardian.models import AccessToken, Budget, Organization
from guardian.models.enums import BudgetKind, BudgetPeriod
from guardian.services.guard.budgets import HardBudget, Scope, hard_budgets_of, spent_of
from tests.conftest import People
from tests.unit.guard.ledger import add_calls, add_calls_of_each_scope

NOW = datetime(2026, 11, 18, 12, 34, tzinfo=UTC)


def budget(people: People, scope: Scope, period: BudgetPeriod = BudgetPeriod.MONTHLY, **more: Any) -> HardBudget:
    facts: dict[str, Any] = {"limit": Decimal(5), "time_zone": "UTC", **more}
    return HardBudget(
        id="b", organization_id=people.alice.organization_id, name="b", scope=scope, period=period, **facts
    )


def spent(session: Session, limit: HardBudget, now: datetime = NOW) -> Decimal:
    return spent_of(session, [limit], now)[limit.id].total


@pytest.mark.parametrize(
    ("scope", "total"),
    [
        (Scope("organization"), "15"),
        (Scope("team", "web"), "2"),
        (Scope("tag", "feature=search"), "4"),
        (Scope("tag", "stage=live"), "8"),
        (Scope("model", "claude-*"), "1"),
        (Scope("token", "t1"), "8"),
        (Scope("token"), "0"),
        (Scope("key", "nothing"), "0"),
    ],
)
def test_each_scope_counts_its_calls(session: Session, people: People, scope: Scope, total: str) -> None:
    add_calls_of_each_scope(session, people, NOW)
    assert spent(session, budget(people, scope)) == Decimal(total)
    everything = spent_of(session, [budget(people, Scope("organization"))], NOW)["b"]
    assert (everything.gateway, everything.other, everything.unpriced) == (Decimal(11), Decimal(4), 1)
    assert spent(session, budget(people, Scope("user", people.bob.user_id))) == 8


@pytest.mark.parametrize("scope", [Scope("team", "web"), Scope("model", "claude-*"), Scope("token")])
def test_calls_of_tokens_that_name_the_budget_count_once(session: Session, people: People, scope: Scope) -> None:
    both = {"tags": {"team": "web"}, "model": "claude-opus-4-5"}
    add_calls(session, people.alice, NOW, "1", access_token_id="t1", **both)
    add_calls(session, people.alice, NOW, "2", access_token_id="t1")
    add_calls(session, people.alice, NOW, "4", access_token_id="t2")
    # A quarter past the hour: half of the calls are read from hourly sums, half from rows.
    half = budget(people, scope, BudgetPeriod.DAILY, time_zone="Asia/Kathmandu", tokens=frozenset({"t1"}))
    start = half.window(NOW).start
    add_calls(session, people.alice, start, "10", access_token_id="t1", **both)
    add_calls(session, people.alice, start, "20", access_token_id="t1")
    add_calls(session, people.alice, start - timedelta(microseconds=1), "100", access_token_id="t1", **both)
    assert spent(session, half) == 33


@pytest.mark.parametrize("tz", ["Asia/Kathmandu", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize(
    "day", [datetime(2026, 3, 8), datetime(2026, 3, 29), datetime(2026, 4, 5), datetime(2026, 10, 25)]
)
def test_a_period_begins_at_local_midnight(session: Session, people: People, tz: str, day: datetime) -> None:
    """Also on days of 23 and 25 hours."""
    daily = budget(people, Scope("organization"), BudgetPeriod.DAILY, time_zone=tz)
    start = day.replace(tzinfo=ZoneInfo(tz)).astimezone(UTC)
    window = daily.window(start)
    assert (window.start, window.end) == (
        start,
        (day + timedelta(days=1)).replace(tzinfo=ZoneInfo(tz)).astimezone(UTC),
    )
    moment = timedelta(microseconds=1)
    add_calls(session, people.alice, start - moment, "1")
    add_calls(session, people.alice, start, "2")
    add_calls(session, people.alice, window.end - moment, "4")
    add_calls(session, people.alice, window.end, "8")
    assert spent(session, daily, start) == 6
    assert spent(session, daily, window.end) == 8


def test_hard_budgets_are_told_with_their_tokens_and_zone(session: Session, people: People) -> None:
    organization = people.alice.organization_id
    session.get_one(Organization, organization).settings = {"timeZone": "Asia/Tokyo"}
    rows = [
        Budget(organization_id=organization, name=kind.value, limit=Decimal(1), kind=kind, is_active=active, meta=meta)
        for kind, active, meta in (
            (BudgetKind.SOFT, True, {}),
            (BudgetKind.HARD, False, {}),
            (BudgetKind.HARD, True, {}),
            (BudgetKind.HARD, True, {"whenRedisIsAway": "open", "unpricedModels": "allow"}),
        )
    ]
    session.add_all(rows)
    session.flush()
    token = AccessToken(
        organization_id=organization,
        user_id=people.bob.user_id,
        name="t",
        token_hash="h",
        hint="h",
        budget_id=rows[2].id,
    )
    session.add(token)
    session.flush()
    found = {each.id: each for each in hard_budgets_of(session, organization)}
    assert found.keys() == {rows[2].id, rows[3].id}
    assert found[rows[2].id].tokens == {token.id}
    # By id, not by place: ids of one millisecond are in no order.
    kept = [found[row.id] for row in rows[2:]]
    assert [(each.closed, each.refuses_unpriced) for each in kept] == [(True, True), (False, False)]
    assert {each.time_zone for each in found.values()} == {"Asia/Tokyo"}
    assert hard_budgets_of(session, people.charlie.organization_id) == []
