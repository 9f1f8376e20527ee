"""A pull, end to end in one process: exact amounts, nothing twice, resumable, fenced."""

from contextlib import closing
from decimal import Decimal

import pytest
from sqlalchemy import func, text
from sqlmodel import col, select

from guardian import db
from guardian.jobs.pulling import pull
from guardian.models import ProviderAccount, ProviderCost, ProviderResource, SyncRun, UsageLog
from guardian.models.enums import CostSource, KeyStatus, Provider, SyncStatus, SyncTrigger
from guardian.periods import DAY, floor_hour, utcnow
from guardian.pricing.calculator import price
from guardian.providers.registry import provider_for
from guardian.services.ledger.sync import leases, runs
from guardian.services.ledger.sync.leases import LeaseLost
from guardian.services.ledger.sync.pull import fetch, plan, write
from guardian.services.ledger.writing.buckets import WriteResult
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import example
from tests.jobs.conftest import FIRST_DAY, SECRETS, START, Pulls, hours_ago


def costs_of(model: str) -> list[Decimal | None]:
    with db.session() as session:
        return list(
            session.exec(select(UsageLog.cost).where(UsageLog.model == model).order_by(col(UsageLog.timestamp)))
        )


def billed() -> Decimal:
    with db.session() as session:
        return session.exec(select(func.sum(ProviderCost.billed_cost))).one()


def test_openais_examples_end_in_exact_amounts(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("openai", FIRST_DAY)
    run = pulls.finished(pulls.add_key())
    # 350k × $2 + 800k × $0.20 + 50k × $2.50 + 90k × $10 a million; the second row is of the priority tier.
    standard, priority = costs_of("gpt-6-sol")
    assert standard == Decimal("1.885")
    # 5.4M × $0.375 + 610k × $2.25: the batch prices.
    assert costs_of("gpt-5.4-mini") == [Decimal("2.025") + Decimal("1.3725")]
    # 190k × $4 + 120k × $0.40 + 21k × $20: twice the standard price.
    assert priority == Decimal("1.228")
    lines = [Decimal(str(row["amount"]["value"])) for bucket in _openai_costs() for row in bucket["results"]]
    assert billed() == sum(lines)
    assert run.rows_read == run.rows_added == 3 + len(lines)
    pulls.ledger()


def test_a_pull_finds_the_providers_id_of_a_stored_key(fake: FakeProvider, pulls: Pulls) -> None:
    calls = pulls.add_key(secret="sk-proj-abc0123456789uvwxyzdef", label="Calls", kind="inference")
    fake.openai.admin_keys = [{"id": "key_calls", "name": "Web shop", "redacted_value": "sk-proj-abc...def"}]
    pulls.finished(pulls.add_key())
    assert (pulls.key(calls).meta or {})["externalKeyId"] == "key_calls"


def _openai_costs() -> list[dict[str, list[dict[str, dict[str, object]]]]]:
    return example("openai/costs_grouped")["data"]


def test_anthropics_examples_end_in_exact_amounts(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("anthropic", FIRST_DAY)
    pulls.finished(pulls.add_key(Provider.ANTHROPIC))
    # A million each of input, output, cache reads and five-minute cache writes: 4 + 20 + 0.20 + 5, and 3 searches.
    assert costs_of("claude-opus-5-5") == [Decimal("29.23")]
    # 52k × $1 + 8,100 × $5 a million, half of it for batch.
    assert costs_of("claude-haiku-4-5-20251001") == [Decimal("0.04625")]
    with db.session() as session:
        day = session.exec(
            select(func.sum(ProviderCost.billed_cost)).where(ProviderCost.period_start == FIRST_DAY)
        ).one()
    assert day == Decimal("29.28")  # in cents in the report; ours and 5 cents of code execution, which has no tokens


def test_names_coverage_and_the_key_follow(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("openai", FIRST_DAY)
    key_id = pulls.add_key()
    run = pulls.finished(key_id)
    with db.session() as session:
        names = {r.external_id: r.name for r in session.exec(select(ProviderResource))}
        account = session.exec(select(ProviderAccount)).one()
    assert names["proj_web"] == "Web"
    assert names["key_Ab1"] == "web production"
    assert (account.account_id, account.covered_from) == ("acct", START)
    assert account.covered_to == floor_hour(run.window_end)
    key = pulls.key(key_id)
    assert (key.status, key.status_message) == (KeyStatus.ACTIVE, None)
    assert key.last_used is not None
    assert (run.steps_done, run.steps_total, run.failures) == (run.steps_total, 1 + 11 + 1, 0)
    assert (run.lease_token, run.lease_until) == (None, None)
    assert run.finished_at is not None


def test_a_second_pull_changes_nothing(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("openai", FIRST_DAY)
    key_id = pulls.add_key()
    first = pulls.finished(key_id)
    before = pulls.ledger()
    versions = text(
        "SELECT id, xmin::text FROM usage_logs UNION ALL SELECT id, xmin::text FROM usage_rollups "
        "UNION ALL SELECT id, xmin::text FROM provider_costs UNION ALL SELECT id, xmin::text FROM provider_resources "
        "ORDER BY 1"
    )
    with db.session() as session:
        written = session.connection().execute(versions).all()
    second = pulls.finished(key_id)
    assert second.id != first.id
    assert (second.rows_read, second.rows_added, second.rows_changed, second.rows_removed) == (first.rows_read, 0, 0, 0)
    assert pulls.ledger() == before
    with db.session() as session:
        assert session.connection().execute(versions).all() == written


def test_restated_rows_follow_the_provider(fake: FakeProvider, pulls: Pulls) -> None:
    row = fake.openai.plant_completion(hours_ago(5), model="gpt-6-sol", uncached=1000, output=10)
    gone = fake.openai.plant_completion(hours_ago(4), model="gpt-6-sol", uncached=1000, output=10)
    key_id = pulls.add_key()
    pulls.finished(key_id)
    fake.openai.usage["completions"].restate(row, input_tokens=3000, input_uncached_tokens=3000, input_text_tokens=3000)
    fake.openai.usage["completions"].delete(gone)
    fake.openai.plant_completion(hours_ago(3), model="gpt-6-sol", uncached=1, output=1)
    run = pulls.finished(key_id)
    assert (run.rows_added, run.rows_changed, run.rows_removed) == (1, 1, 1)
    assert costs_of("gpt-6-sol") == [Decimal("0.0061"), Decimal("0.000012")]


def test_two_keys_of_one_account_do_not_double(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("openai", FIRST_DAY)
    fake.openai.keys["sk-admin-second-0123456789"] = fake.openai.keys[next(iter(fake.openai.keys))]
    pulls.finished(pulls.add_key())
    before = pulls.ledger()
    second = pulls.add_key(secret="sk-admin-second-0123456789", label="Second", actor=pulls.people.bob)
    run = pulls.finished(second, actor=pulls.people.bob)
    assert run.rows_read > 0
    assert (run.rows_added, run.rows_changed, run.rows_removed) == (0, 0, 0)
    assert pulls.ledger() == before


def test_a_key_without_an_account_is_its_own(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("openai", FIRST_DAY)
    key_id = pulls.add_key()
    with db.session() as session:
        session.connection().execute(text("UPDATE api_keys SET account_id = NULL"))
    pulls.finished(key_id)
    assert pulls.key(key_id).account_id == f"key:{key_id}"


def test_unknown_models_are_counted_and_not_free(fake: FakeProvider, pulls: Pulls) -> None:
    fake.openai.plant_completion(hours_ago(5), model="gpt-9-nova", uncached=1000, output=10)
    pulls.finished(pulls.add_key())
    with db.session() as session:
        row = session.exec(select(UsageLog)).one()
    assert (row.cost, row.cost_source) == (None, CostSource.UNPRICED)


def test_a_backfill_reads_ninety_days_from_today_back(fake: FakeProvider, pulls: Pulls) -> None:
    for days in (1, 30, 89, 95):
        fake.openai.plant_completion(hours_ago(24 * days), model="gpt-6-sol", uncached=1000, output=10)
    run = pulls.finished(pulls.add_key(), start=None, trigger=SyncTrigger.BACKFILL)
    assert run.rows_added == 3
    assert run.window_end - run.window_start >= 90 * DAY
    asked = [int(dict(r.query)["start_time"]) for r in fake.requests("/organization/usage/completions")]
    assert asked == sorted(asked, reverse=True)
    assert len(asked) == 13  # one page a week
    names = [r.path for r in fake.requests()]
    assert names[0] == "/organization/projects"
    assert names[-1] == "/organization/costs"


def test_the_next_pull_goes_on_three_days_before_where_the_last_one_ended(fake: FakeProvider, pulls: Pulls) -> None:
    key_id = pulls.add_key()
    pulls.finished(key_id, start=None, trigger=SyncTrigger.BACKFILL)
    run = pulls.finished(key_id, start=None, trigger=SyncTrigger.SCHEDULE)
    assert 3 * DAY <= run.window_end - run.window_start <= 4 * DAY + DAY
    assert run.requested_by_id is None


def test_a_backfill_that_failed_half_way_is_completed_by_the_next_pull(fake: FakeProvider, pulls: Pulls) -> None:
    key_id = pulls.add_key()
    fake.fail("/organization/usage/completions", status=403, skip=2)
    failed = pulls.run(key_id, start=None, trigger=SyncTrigger.BACKFILL)
    assert failed.status is SyncStatus.FAILED
    with db.session() as session:
        account = session.exec(select(ProviderAccount)).one()
    assert account.covered_from is not None
    assert account.covered_from > failed.window_start
    fake.heal()
    run = pulls.finished(key_id, start=None, trigger=SyncTrigger.DEMAND)
    assert run.window_start == failed.window_start
    with db.session() as session:
        assert session.exec(select(ProviderAccount.covered_from)).one() == failed.window_start


def test_a_run_that_was_cut_off_goes_on_with_what_is_left(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("openai", FIRST_DAY)
    key_id = pulls.add_key()
    fake.fail("/organization/usage/images", status=500, times=1)
    first = pulls.run(key_id)
    assert first.status is SyncStatus.QUEUED
    before = len(fake.log)
    run = pulls.again(first.id)
    assert run.status is SyncStatus.FINISHED
    asked = [r.path for r in fake.log[before:]]
    assert "/organization/usage/completions" not in asked
    assert asked[0] == "/organization/usage/images"
    assert (run.attempt, run.failures, run.error) == (2, 0, None)


def test_only_one_worker_has_a_run_and_a_lost_one_can_write_nothing(fake: FakeProvider, pulls: Pulls) -> None:
    asked = pulls.request(pulls.add_key())
    with db.session() as session:
        first = leases.claim(session, asked.id)
    assert first is not None
    with db.session() as session:
        assert leases.claim(session, asked.id) is None  # its lease runs
        assert leases.renew(session, first)
    with db.session() as session:
        session.connection().execute(text("UPDATE sync_runs SET lease_until = now() - interval '1 second'"))
    with db.session() as session:
        second = leases.claim(session, asked.id)
    assert second is not None
    assert second.token != first.token
    with db.session() as session:
        assert not leases.renew(session, first)
    for attempt in (
        lambda s: runs.record_step(s, first, "names", total=1, result=WriteResult(), read=lambda _: []),
        lambda s: leases.is_done(s, first, "names"),
        lambda s: runs.finish(s, first),
    ):
        with pytest.raises(LeaseLost), db.session() as session:
            attempt(session)
    assert pulls.get(asked.id).failures == 1


def test_a_worker_whose_run_was_taken_over_stops_quietly_and_leaves_no_trace(fake: FakeProvider, pulls: Pulls) -> None:
    fake.openai.plant_completion(hours_ago(5), model="gpt-6-sol", uncached=1000, output=10)
    asked = pulls.request(pulls.add_key())

    def take_over(body: dict[str, object]) -> None:
        with db.session() as session:
            session.connection().execute(text("UPDATE sync_runs SET lease_token = 'another'"))

    fake.alter("/organization/usage/completions", take_over, times=1)
    pull(asked.id)
    run = pulls.get(asked.id)
    assert (run.status, run.lease_token, run.rows_read) == (SyncStatus.RUNNING, "another", 0)
    pulls.assert_empty()


def test_a_step_whose_commit_was_not_heard_of_is_not_done_again(fake: FakeProvider, pulls: Pulls) -> None:
    fake.openai.plant_completion(hours_ago(5), model="gpt-6-sol", uncached=1000, output=10)
    asked = pulls.request(pulls.add_key())
    with db.session() as session:
        claim = leases.claim(session, asked.id)
    assert claim is not None
    with closing(provider_for(Provider.OPENAI, pricer=price)) as provider:
        steps = plan(provider, claim.window)
        step = next(s for s in steps if s.report == "completions")
        fetched = fetch(provider, SECRETS[Provider.OPENAI], step)
    for _ in range(2):
        with db.session() as session:
            write(session, claim, steps, step, fetched)
    run = pulls.get(asked.id)
    assert (run.steps_done, run.rows_read, run.rows_added) == (1, 1, 1)


def test_a_run_that_kills_its_workers_ends_and_says_so(fake: FakeProvider, pulls: Pulls) -> None:
    asked = pulls.request(pulls.add_key())
    for _ in range(leases.MOST_LOST):
        with db.session() as session:
            assert leases.claim(session, asked.id) is not None
            session.connection().execute(text("UPDATE sync_runs SET lease_until = now() - interval '1 second'"))
    with db.session() as session:
        assert leases.claim(session, asked.id) is None
    run = pulls.get(asked.id)
    assert run.status is SyncStatus.FAILED
    assert "cut off 20 times" in str(run.error)


def test_deleting_the_key_ends_its_pull_quietly(fake: FakeProvider, pulls: Pulls) -> None:
    asked = pulls.request(pulls.add_key())

    def delete(body: dict[str, object]) -> None:
        with db.session() as session:
            session.connection().execute(text("DELETE FROM api_keys"))

    fake.alter("/organization/usage/embeddings", delete, times=1)
    pull(asked.id)
    with db.session() as session:
        assert session.exec(select(SyncRun)).all() == []
    pull(asked.id)  # its job may still come


def test_a_key_that_was_switched_off_is_not_pulled(fake: FakeProvider, pulls: Pulls) -> None:
    asked = pulls.request(pulls.add_key())
    with db.session() as session:
        session.connection().execute(text("UPDATE api_keys SET is_active = false"))
    pull(asked.id)
    run = pulls.get(asked.id)
    assert (run.status, run.error) == (SyncStatus.FAILED, "This key was switched off. Switch it on and pull again.")
    assert fake.log == []


def test_the_window_ends_where_it_did_when_a_put_off_run_goes_on(fake: FakeProvider, pulls: Pulls) -> None:
    fake.fail("/organization/usage/completions", status=503, times=1)
    run = pulls.run(pulls.add_key())
    end = run.window_end
    assert end <= utcnow()
    assert pulls.again(run.id).window_end == end
