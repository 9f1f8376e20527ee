"""What the jobs measure of the ledger, and what Prometheus then reads."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from freezegun import freeze_time
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from sqlmodel import Session

from guardian import queue
from guardian.jobs import monitoring as jobs
from guardian.models import ApiKey, Budget, ProviderAccount
from guardian.models.enums import BudgetKind, BudgetPeriod, Provider
from guardian.periods import utcnow
from guardian.services.guard import monitoring
from guardian.telemetry import ledger
from tests.conftest import People, Servers
from tests.unit.guard.ledger import add_calls


def exported() -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(ledger.LedgerCollector())
    lines = generate_latest(registry).decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_a_month_is_summed_up_by_labels_over_all_organizations(session: Session, people: People) -> None:
    now = utcnow()
    add_calls(session, people.alice, now, "1.25", "0.5", tags={"team": "web"})
    add_calls(session, people.charlie, now, "2", model="o3")
    add_calls(session, people.charlie, now, "", model="unknown-1")
    session.commit()
    jobs.measure_ledger()
    found = exported()
    cost = 'aicg_cost_usd_total{{cost_source="provider",model="{}",provider="OPENAI",team="{}"}}'
    assert found[cost.format("gpt-5", "web")] == 1.75
    assert found[cost.format("o3", "")] == 2
    assert found['aicg_unpriced_tokens_total{model="unknown-1",provider="OPENAI"}'] == 10
    assert found['aicg_measured_age_seconds{figure="aicg_budget_remaining_usd"}'] < 100
    jobs.measure_ledger()
    assert exported()[cost.format("gpt-5", "web")] == 1.75


def test_both_months_are_measured_while_the_last_one_may_change(session: Session, people: People) -> None:
    assert [month.name for month in monitoring.months(datetime(2026, 3, 2, tzinfo=UTC))] == ["2026-02", "2026-03"]
    assert [month.name for month in monitoring.months(datetime(2026, 3, 5, tzinfo=UTC))] == ["2026-03"]
    with freeze_time(datetime(2026, 3, 1, 1, tzinfo=UTC)):
        add_calls(session, people.alice, datetime(2026, 2, 28, 23, tzinfo=UTC), "1")
        add_calls(session, people.alice, datetime(2026, 3, 1, 0, tzinfo=UTC), "4")
        months = monitoring.months(utcnow())
        for month in months:
            monitoring.measure_spend(session, people.alice.organization_id, month)
    assert [sum(month.cost.values()) for month in months] == [1, 4]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.decimals(0, 1_000, places=4), min_size=1, max_size=6))
def test_a_counter_never_falls_and_counts_what_grows(environment: Servers, sums: list[Decimal]) -> None:
    queue.connection().flushdb()
    total = before = Decimal(0)
    for month, value in enumerate(sums):
        ledger.count(ledger.COST, "2026-01", {("OPENAI", "m", "", "computed"): value})
        total += max(Decimal(0), value - before)
        before = value
        found = exported().get('aicg_cost_usd_total{cost_source="computed",model="m",provider="OPENAI",team=""}', 0.0)
        assert found == pytest.approx(float(total), abs=1e-6), month


def test_another_month_begins_at_zero(environment: Servers) -> None:
    labels = ("OPENAI", "m", "", "computed")
    ledger.count(ledger.COST, "2026-01", {labels: Decimal(100)})
    ledger.count(ledger.COST, "2026-02", {labels: Decimal(3)})
    assert exported()['aicg_cost_usd_total{cost_source="computed",model="m",provider="OPENAI",team=""}'] == 103


def test_made_up_models_make_no_series_without_end(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST_SERIES", 3)
    values = {("CUSTOM", f"made-up-{n}"): Decimal(1) for n in range(10)}
    ledger.count(ledger.UNPRICED, "2026-01", values)
    ledger.count(ledger.UNPRICED, "2026-01", values)
    found = {name: value for name, value in exported().items() if name.startswith("aicg_unpriced")}
    assert len(found) == 4
    assert found['aicg_unpriced_tokens_total{model="_OTHER",provider="CUSTOM"}'] == 7


def test_what_budgets_have_left(session: Session, people: People) -> None:
    for name, limit in (("Web", "10"), ("Web", "20"), ("All", "1")):
        session.add(
            Budget(
                organization_id=people.alice.organization_id,
                user_id=people.alice.user_id,
                name=name,
                limit=Decimal(limit),
                period=BudgetPeriod.MONTHLY,
                kind=BudgetKind.HARD,
            )
        )
    add_calls(session, people.alice, utcnow(), "3")
    session.commit()
    jobs.measure_ledger()
    found = [(name, value) for name, value in exported().items() if name.startswith("aicg_budget_remaining_usd{")]
    assert sorted(value for _, value in found) == [-2, 7, 17]
    assert all('organization="Acme"' in name and 'kind="HARD"' in name for name, _ in found)


def test_how_old_what_was_pulled_is(session: Session, people: People) -> None:
    for account, hours, active in (("org-1", 2, True), ("org-2", 5, True), ("org-3", 50, False)):
        mine = {"organization_id": people.alice.organization_id, "provider": Provider.OPENAI, "account_id": account}
        session.add(ProviderAccount(**mine, covered_to=utcnow() - timedelta(hours=hours)))
        session.add(
            ApiKey(
                **mine, encrypted_key="", iv="", tag="", label=account, is_active=active, user_id=people.alice.user_id
            )
        )
    session.commit()
    assert not any(name.startswith("aicg_provider_sync_age_seconds") for name in exported())
    jobs.measure_ledger()
    assert 5 * 3600 <= exported()['aicg_provider_sync_age_seconds{provider="OPENAI"}'] < 6 * 3600


def test_books_without_each_other_have_no_gap(session: Session, people: People) -> None:
    add_calls(session, people.alice, utcnow() - timedelta(days=3), "3")
    session.commit()
    jobs.measure_gaps()
    assert not any(name.startswith("aicg_reconciliation_gap_usd") for name in exported())
