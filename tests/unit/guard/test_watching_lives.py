"""Each type of alert through its whole life, with a clock that is passed in: it fires, tells again, and recovers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.models import Alert, AlertNotification, ApiKey, Budget, SyncRun
from guardian.models.enums import (
    AlertState,
    AlertType,
    BudgetPeriod,
    ComparisonType,
    Provider,
    SyncStatus,
    SyncTrigger,
)
from guardian.periods import DAY, HOUR
from guardian.queue import connection
from guardian.records import UsageCounts
from guardian.services.ledger.queries import invalidate_organization
from guardian.services.ledger.writing.buckets import replace_buckets, replace_costs
from guardian.services.people.provider_keys.rate_limits import packed, place_of
from guardian.services.people.views import RateLimit, RateLimits
from tests.conftest import People
from tests.unit.guard.ledger import add_calls
from tests.unit.guard.watching import add_alert, run, state, story
from tests.unit.ledger.making import account, bucket, cost, cost_bucket, usage

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_spend(session: Session, people: People) -> None:
    alice = people.alice
    alert = add_alert(session, alice, renotify_minutes=60, recover_threshold=Decimal(8), threshold=Decimal(10))
    add_calls(session, alice, NOW - MINUTE, "10")
    assert run(session, alice, NOW) == []
    add_calls(session, alice, NOW - MINUTE, "2.5")
    assert run(session, alice, NOW) == ["firing: AI provider spend was $12.50 in the last 24 hours, above $10.00."]
    assert run(session, alice, NOW) == run(session, alice, NOW + 59 * MINUTE) == []
    assert len(run(session, alice, NOW + 60 * MINUTE)) == 1
    assert run(session, alice, NOW + DAY) == [
        "recovered: AI provider spend was $0.00 in the last 24 hours, no longer above $10.00."
    ]
    assert run(session, alice, NOW + 2 * DAY) == []
    assert story(session, alert) == ["firing!", "firing!", "recovered!", "ok"]
    assert session.get_one(Alert, alert.id).last_triggered == NOW + HOUR


def test_calls_without_a_price(session: Session, people: People) -> None:
    facts: dict[str, Any] = {"metric": "unpriced", "comparison_type": ComparisonType.GREATER_THAN_OR_EQUAL}
    alert = add_alert(session, people.alice, threshold=Decimal(1), window="1h", **facts)
    add_calls(session, people.alice, NOW - MINUTE, "1")
    assert run(session, people.alice, NOW) == []
    add_calls(session, people.alice, NOW - MINUTE, "")
    assert len(run(session, people.alice, NOW)) == 1
    assert len(run(session, people.alice, NOW + HOUR)) == 1
    assert story(session, alert) == ["firing!", "recovered!"]


def test_a_spike(session: Session, people: People) -> None:
    alert = add_alert(
        session, people.alice, type=AlertType.USAGE_SPIKE, metric="cost", window="1h", threshold=Decimal(100)
    )
    for week in range(1, 5):
        add_calls(session, people.alice, NOW - week * 7 * DAY - MINUTE, "1")
    add_calls(session, people.alice, NOW - MINUTE, "3")
    assert run(session, people.alice, NOW) == [], "what is usual is looked at by the hour"
    [said] = run(session, people.alice, NOW, arrived=False)
    assert said.startswith("firing: AI provider spend was 200")
    assert run(session, people.alice, NOW, arrived=False) == []
    for week in range(5):
        add_calls(session, people.alice, NOW + HOUR - week * 7 * DAY - MINUTE, "1")
    assert len(run(session, people.alice, NOW + HOUR, arrived=False)) == 1
    assert story(session, alert) == ["firing!", "recovered!"]


def test_a_new_model(session: Session, people: People) -> None:
    facts: dict[str, Any] = {"type": AlertType.USAGE_SPIKE, "metric": "new_models", "window": "1h"}
    alert = add_alert(
        session, people.alice, threshold=Decimal(1), comparison_type=ComparisonType.GREATER_THAN_OR_EQUAL, **facts
    )
    add_calls(session, people.alice, NOW - MINUTE, "1")
    assert run(session, people.alice, NOW) == [], "in the beginning all of them are new"
    add_calls(session, people.alice, NOW + DAY, "1", model="gpt-5")
    assert run(session, people.alice, NOW + DAY) == []
    add_calls(session, people.alice, NOW + DAY, "1", model="gpt-6")
    assert len(run(session, people.alice, NOW + DAY + MINUTE)) == 1
    notice = session.exec(select(AlertNotification)).one().payload or {}
    assert [cause["label"] for cause in notice["causes"]] == ["gpt-6"]
    assert len(run(session, people.alice, NOW + DAY + 3 * HOUR)) == 1
    assert story(session, alert) == ["firing!", "recovered!"]


def test_a_new_key_of_the_provider(session: Session, people: People) -> None:
    owner = account(people.alice)
    facts: dict[str, Any] = {"type": AlertType.USAGE_SPIKE, "metric": "new_keys", "window": "1d"}
    add_alert(
        session, people.alice, comparison_type=ComparisonType.GREATER_THAN_OR_EQUAL, threshold=Decimal(1), **facts
    )
    _key(session, people, external_id="key_known")
    replace_buckets(session, owner, [bucket(0, usage(0, external_key_id="key_old"))])
    start = bucket(48).start
    replace_buckets(
        session, owner, [bucket(48, usage(48, external_key_id="key_old"), usage(48, external_key_id="key_known"))]
    )
    assert run(session, people.alice, start + HOUR, arrived=False) == []
    replace_buckets(session, owner, [bucket(49, usage(49, external_key_id="key_shadow"))])
    assert len(run(session, people.alice, start + 2 * HOUR, arrived=False)) == 1


def test_a_rate_limit(session: Session, people: People) -> None:
    facts: dict[str, Any] = {"type": AlertType.RATE_LIMIT, "metric": "used", "group_by": "key"}
    alert = add_alert(session, people.alice, threshold=Decimal(80), **facts)
    key = _key(session, people)

    def say(remaining: int, at: datetime) -> None:
        limit = RateLimit(name="requests", limit=100, remaining=remaining, resets_at=at + MINUTE)
        connection().hset(place_of(key), "gpt-5", packed(RateLimits(model="gpt-5", observed_at=at, limits=(limit,))))

    assert run(session, people.alice, NOW) == []
    say(30, NOW)
    assert run(session, people.alice, NOW) == []
    say(5, NOW)
    [said] = run(session, people.alice, NOW)
    assert "of key main was 95\u00a0%, above 80\u00a0%" in said
    assert len(run(session, people.alice, NOW + 2 * MINUTE)) == 1, "it has begun anew"
    assert story(session, alert, key) == ["firing!", "recovered!"]


def test_refusals(session: Session, people: People) -> None:
    alert = add_alert(
        session, people.alice, type=AlertType.RATE_LIMIT, metric="refusals", window="15m", threshold=Decimal(2)
    )
    add_calls(session, people.alice, NOW - MINUTE, "", "", status_code=429)
    assert run(session, people.alice, NOW) == []
    add_calls(session, people.alice, NOW - MINUTE, "", status_code=429)
    assert len(run(session, people.alice, NOW)) == len(run(session, people.alice, NOW + HOUR)) == 1
    assert story(session, alert) == ["firing!", "recovered!"]


def test_failures(session: Session, people: People) -> None:
    alert = add_alert(
        session,
        people.alice,
        type=AlertType.ERROR_RATE,
        window="1h",
        threshold=Decimal(20),
        min_requests=4,
        group_by="model",
    )
    add_calls(session, people.alice, NOW - MINUTE, "", "", "", status_code=500)
    assert run(session, people.alice, NOW) == [], "three calls are too few"
    add_calls(session, people.alice, NOW - MINUTE, "1", status_code=200)
    [said] = run(session, people.alice, NOW)
    assert "of model gpt-5" in said
    add_calls(session, people.alice, NOW, *["1"] * 20, status_code=200)
    assert len(run(session, people.alice, NOW + MINUTE)) == 1
    assert story(session, alert, "gpt-5") == ["firing!", "recovered!"]
    assert session.get_one(Alert, alert.id).state is AlertState.RECOVERED


def test_failed_pulls(session: Session, people: People) -> None:
    facts: dict[str, Any] = {"type": AlertType.ERROR_RATE, "metric": "sync_failures", "group_by": "key"}
    alert = add_alert(session, people.alice, threshold=Decimal(1), **facts)
    key = _key(session, people)

    def pulled(status: SyncStatus, at: datetime) -> None:
        facts: dict[str, Any] = {"window_start": at, "window_end": at, "trigger": SyncTrigger.SCHEDULE}
        organization = people.alice.organization_id
        session.add(
            SyncRun(organization_id=organization, api_key_id=key, status=status, finished_at=at, created_at=at, **facts)
        )
        session.commit()

    pulled(SyncStatus.FINISHED, NOW - 3 * HOUR)
    pulled(SyncStatus.FAILED, NOW - 2 * HOUR)
    assert run(session, people.alice, NOW, arrived=False) == []
    pulled(SyncStatus.FAILED, NOW - HOUR)
    assert len(run(session, people.alice, NOW, arrived=False)) == 1
    pulled(SyncStatus.FINISHED, NOW)
    assert len(run(session, people.alice, NOW, arrived=False)) == 1
    pulled(SyncStatus.FAILED, NOW + HOUR)
    pulled(SyncStatus.FAILED, NOW + 2 * HOUR)
    assert len(run(session, people.alice, NOW + 2 * HOUR, arrived=False)) == 1
    session.get_one(ApiKey, key).is_active = False
    session.commit()
    assert run(session, people.alice, NOW + 3 * HOUR, arrived=False) == []
    assert story(session, alert, key) == ["firing!", "recovered!", "firing!", "ok"]


def test_drift(session: Session, people: People) -> None:
    owner = account(people.alice)
    alert = add_alert(session, people.alice, metric="drift", threshold=Decimal(5), window="1d")
    told: dict[str, Any] = {"model": "gpt-6-sol", "cost_type": "tokens", "token_type": "input_tokens"}
    for day, billed in ((0, "3.00"), (1, "2.00"), (2, "3.00")):
        # $3 by our price.
        used = usage(day * 24, counts=UsageCounts(input_tokens=1_500_000))
        replace_buckets(session, owner, [bucket(day * 24, used)])
        replace_costs(session, owner, [cost_bucket(day, cost(day, billed, **told))])
    start = bucket(0).start
    assert run(session, people.alice, start + DAY, arrived=False) == []
    [said] = run(session, people.alice, start + 2 * DAY, arrived=False)
    assert "50\u00a0%" in said
    assert len(run(session, people.alice, start + 3 * DAY, arrived=False)) == 1
    assert story(session, alert) == ["firing!", "recovered!"]


@pytest.fixture
def budget(session: Session, people: People) -> Budget:
    """$10 a month, with two thresholds of its own."""
    row = Budget(
        organization_id=people.alice.organization_id,
        name="Team",
        limit=Decimal(10),
        period=BudgetPeriod.MONTHLY,
        thresholds=[50, 100],
    )
    session.add(row)
    session.commit()
    return row


def _budget_alert(session: Session, people: People, **facts: Any) -> Alert:
    facts = {"type": AlertType.BUDGET_EXCEEDED, "comparison_type": ComparisonType.GREATER_THAN_OR_EQUAL, **facts}
    return add_alert(session, people.alice, threshold=Decimal(100), **facts)


def test_a_budget_through_its_months(session: Session, people: People, budget: Budget) -> None:
    alert = _budget_alert(session, people)
    add_calls(session, people.alice, NOW, "4.99")
    assert run(session, people.alice, NOW) == []
    add_calls(session, people.alice, NOW, "0.01")
    assert run(session, people.alice, NOW) == [
        "firing: AI provider spend has reached 50\u00a0% of the budget Team, past 50\u00a0%."
    ]
    add_calls(session, people.alice, NOW, "6")
    assert len(run(session, people.alice, NOW)) == 1
    december = datetime(2026, 12, 1, 0, 5, tzinfo=UTC)
    assert run(session, people.alice, december) == [], "a new period is no recovery"
    assert session.get_one(Alert, alert.id).state is AlertState.OK
    add_calls(session, people.alice, december, "30")
    [said] = run(session, people.alice, december + MINUTE)
    assert "past 100" in said, "of two thresholds at once the higher one is told of"
    assert run(session, people.alice, december + DAY) == []
    assert story(session, alert, f"{budget.id}/50") == ["firing!", "ok", "firing"]
    assert story(session, alert, f"{budget.id}/100") == ["firing!", "ok", "firing!"]


def test_a_budget_that_is_edited_while_it_is_crossed(session: Session, people: People, budget: Budget) -> None:
    alert = _budget_alert(session, people)
    add_calls(session, people.alice, NOW, "11")
    assert len(run(session, people.alice, NOW)) == 1
    budget.limit = Decimal(20)
    session.commit()
    [said] = run(session, people.alice, NOW + MINUTE)
    assert said.startswith("recovered: ")
    assert state(session, alert, f"{budget.id}/50") == "firing"
    budget.limit, budget.raised_limit, budget.raised_until = Decimal(10), Decimal(100), NOW + HOUR
    session.commit()
    assert len(run(session, people.alice, NOW + 2 * MINUTE)) == 1, "11 % of what it is raised to"
    assert len(run(session, people.alice, NOW + HOUR)) == 1, "the raise is over by the clock alone"
    budget.thresholds = [90]
    session.commit()
    assert len(run(session, people.alice, NOW + HOUR + MINUTE)) == 1
    assert (state(session, alert, f"{budget.id}/50"), state(session, alert, f"{budget.id}/90")) == ("ok", "firing")
    budget.is_active = False
    session.commit()
    assert run(session, people.alice, NOW + HOUR + 2 * MINUTE) == []
    assert session.get_one(Alert, alert.id).state is AlertState.OK


def test_one_budget_and_one_without_thresholds(session: Session, people: People, budget: Budget) -> None:
    budget.thresholds = []
    other = Budget(organization_id=budget.organization_id, name="Other", limit=Decimal(1))
    session.add(other)
    session.commit()
    alert = _budget_alert(session, people, meta={"budgetId": budget.id})
    add_calls(session, people.alice, NOW, "9")
    assert run(session, people.alice, NOW) == []
    add_calls(session, people.alice, NOW, "1")
    assert len(run(session, people.alice, NOW)) == 1
    assert story(session, alert, f"{budget.id}/100") == ["firing!"]


def test_a_forecast(session: Session, people: People, budget: Budget) -> None:
    alert = _budget_alert(session, people, metric="forecast")
    for day in range(1, 41):
        add_calls(session, people.alice, NOW - day * DAY, "0.2")
    assert [said for said in run(session, people.alice, NOW) if "past 100" in said] == []
    for day in range(1, 18):
        add_calls(session, people.alice, NOW - day * DAY, "0.6")
    invalidate_organization(people.alice.organization_id)
    [said] = run(session, people.alice, NOW)
    assert "At this pace" in said
    assert state(session, alert, f"{budget.id}/100") == "firing"


def _key(session: Session, people: People, external_id: str | None = None) -> str:
    key = ApiKey(
        provider=Provider.OPENAI,
        encrypted_key="00",
        iv="00",
        tag="00",
        label="main",
        user_id=people.alice.user_id,
        organization_id=people.alice.organization_id,
        meta={"kind": "admin", **({"externalKeyId": external_id} if external_id else {})},
    )
    session.add(key)
    session.commit()
    return key.id


def test_what_fires_says_why(session: Session, people: People) -> None:
    alert = add_alert(session, people.alice, window="1d", group_by="team")
    for model, first, second in (("gpt-5", 2, 8), ("gpt-4o", 2, 2)):
        add_calls(session, people.alice, NOW - 25 * HOUR, *["1"] * first, model=model, tags={"team": "web"})
        add_calls(session, people.alice, NOW - HOUR, *["2"] * second, model=model, tags={"team": "web"})
    add_calls(session, people.alice, NOW - HOUR, "9", tags={"team": "ops"})
    assert len(run(session, people.alice, NOW)) == 1
    notice = session.exec(select(AlertNotification).where(AlertNotification.alert_id == alert.id)).one().payload or {}
    assert notice["group"] == "web"
    labels = [cause["label"] for cause in notice["causes"]]
    assert labels[0].startswith(("more calls", "higher prices"))
    assert sum(Decimal(cause["amount"]) for cause in notice["causes"]) >= Decimal(16), "from $4 to $20"
