"""Re-pricing: what a dry run shows is what applying writes, undoing restores every digit, and a pull loses nothing."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rq import Queue
from rq.utils import import_attribute
from sqlmodel import Session, col, select

from guardian import db
from guardian.errors import AuthorizationError, ConflictError, NotFoundError, ValidationError
from guardian.jobs.repricing import reprice, resume_repricing
from guardian.models import PriceOverride, RepriceChange, RepriceRun, UsageLog
from guardian.models.enums import CostSource, Provider, RepriceStatus, UsageOrigin
from guardian.periods import DAY, HOUR
from guardian.queue import USAGE_QUEUE, connection
from guardian.records import UsageBucket, UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.ledger import repricing
from guardian.services.ledger.bills.short import price_of
from guardian.services.ledger.pricebook.overrides import overrides_of
from guardian.services.ledger.repricing import steps
from guardian.services.ledger.repricing.views import RepriceRequest, RepriceView
from guardian.services.ledger.sql.shared import read_shared
from guardian.services.ledger.writing.buckets import replace_buckets
from guardian.services.ledger.writing.calls import Call, add_calls
from guardian.services.people.paging import Asked
from tests.conftest import People
from tests.unit.ledger.making import T0, account, bucket, contents, usage

END = T0 + 30 * DAY


def plant(actor: Actor, *buckets: UsageBucket, **changes: Any) -> None:
    with db.session() as session:
        mine = account(actor, **changes)
        prices = overrides_of(session, mine.organization_id, mine.provider)
        replace_buckets(session, replace(mine, overrides=prices), buckets)


def agree(actor: Actor, pattern: str = "gpt-6-sol", **facts: Any) -> str:
    """A price as it stands in the database; half of the list without anything else."""
    mine = {"organization_id": actor.organization_id, "provider": Provider.OPENAI, "model_pattern": pattern}
    if "prices" not in facts:
        facts.setdefault("percent_of_list", Decimal(50))
    with db.session() as session:
        row = PriceOverride(**{"valid_from": T0 - DAY, **mine, **facts})
        session.add(row)
        return row.id


def ask(actor: Actor, *, dry_run: bool = True, **facts: Any) -> RepriceView:
    with db.session() as session:
        wanted = RepriceRequest(**{"start": T0, "end": END, "dry_run": dry_run, **facts})
        return repricing.request_run(session, actor, wanted)


def get(actor: Actor, run_id: str) -> RepriceView:
    with db.session() as session:
        return repricing.get_run(session, actor, run_id)


def run(actor: Actor, **facts: Any) -> RepriceView:
    """Ask for a run and do it here and now."""
    asked = ask(actor, **facts)
    reprice(asked.id)
    return get(actor, asked.id)


def go_on(actor: Actor, what: Callable[[Session, Actor, str], RepriceView], run_id: str) -> RepriceView:
    with db.session() as session:
        what(session, actor, run_id)
    reprice(run_id)
    return get(actor, run_id)


def ledger() -> dict[str, list[tuple[Any, ...]]]:
    with db.session() as session:
        return contents(session)


def die_within_a_chunk(run_id: str) -> None:
    with db.session() as session:
        steps.step(session, run_id)
        raise ZeroDivisionError


def unknown(hour: float, *, tokens: int = 1000, model: str = "gpt-9") -> UsageRecord:
    return usage(hour, tokens=tokens, model=model)


def test_a_dry_run_shows_the_difference_and_changes_nothing(people: People) -> None:
    """1,000 in at $2 and 100 out at $10 a million are $0.003; at half of it $0.0015. Two rows of it, one unknown."""
    plant(people.alice, bucket(0, usage(0), unknown(0)), bucket(1, usage(1)))
    agree(people.alice)
    agree(people.alice, "gpt-9", prices={"input_tokens": "1", "output_tokens": "20"})
    before = ledger()
    found = run(people.alice)
    assert ledger() == before
    assert (found.status, found.error, found.progress) == (RepriceStatus.FINISHED, None, 1.0)
    assert (found.rows_total, found.rows_read, found.rows_changed) == (3, 3, 3)
    assert (found.cost_before, found.cost_after) == (Decimal("0.006"), Decimal("0.006"))
    assert (found.unpriced_before, found.unpriced_after) == (1, 0)
    by_model = {each.model: each for each in found.models}
    assert by_model["gpt-6-sol"].change == Decimal("-0.003")
    assert (by_model["gpt-6-sol"].rows, by_model["gpt-6-sol"].before) == (2, Decimal("0.006"))
    # 1,000 in at $1 and 100 out at $20 a million.
    assert (by_model["gpt-9"].before, by_model["gpt-9"].after) == (0, Decimal("0.003"))
    assert found.can_apply
    assert not found.can_undo
    with db.session() as session:
        assert session.exec(select(RepriceChange)).all() == []


def test_applying_writes_what_was_shown_and_undoing_puts_back_every_digit(people: People) -> None:
    plant(people.alice, *(bucket(hour, usage(hour), unknown(hour)) for hour in range(5)))
    agree(people.alice, percent_of_list=Decimal("33.3333"))
    agree(people.alice, "gpt-9", prices={"input_tokens": "0.1", "output_tokens": "0.7"})
    before = ledger()
    shown = run(people.alice)
    applied = go_on(people.alice, repricing.apply_run, shown.id)
    assert (applied.status, applied.dry_run, applied.can_undo) == (RepriceStatus.APPLIED, False, True)
    assert (applied.models, applied.rows_changed) == (shown.models, 10)
    assert applied.applied_at is not None
    after = ledger()
    assert after != before
    with db.session() as session:
        rows = session.exec(select(UsageLog)).all()
        assert sum((row.cost or Decimal(0)) for row in rows) == applied.cost_after
        prices = read_shared(session, {row.price_id for row in rows}).values()
        assert {price_of(price).source for price in prices} == {"override"}
        assert len(session.exec(select(RepriceChange)).all()) == 10
    undone = go_on(people.alice, repricing.undo_run, shown.id)
    assert (undone.status, undone.rows_restored, undone.rows_refused) == (RepriceStatus.UNDONE, 10, 0)
    assert (undone.models, undone.undone_at is not None, undone.can_undo) == (shown.models, True, False)
    assert ledger() == before


@pytest.mark.parametrize("rows_per_chunk", [1, 2, 3, 100])
def test_chunks_of_every_size_give_the_same(
    people: People, monkeypatch: pytest.MonkeyPatch, rows_per_chunk: int
) -> None:
    monkeypatch.setattr(steps, "ROWS_PER_CHUNK", rows_per_chunk)
    plant(people.alice, *(bucket(hour, usage(hour), usage(hour, model="gpt-5")) for hour in range(3)))
    agree(people.alice, "*")
    before = ledger()
    found = run(people.alice, dry_run=False)
    assert (found.status, found.rows_read, found.rows_changed) == (RepriceStatus.APPLIED, 6, 6)
    ledger()
    assert go_on(people.alice, repricing.undo_run, found.id).rows_restored == 6
    assert ledger() == before


_MODELS = st.sampled_from(("gpt-6-sol", "gpt-5", "o3", "gpt-9", "text-embedding-3-small"))
_ROWS = st.lists(
    st.tuples(st.integers(0, 40), _MODELS, st.integers(0, 400_000), st.sampled_from((None, "batch", "flex"))),
    min_size=1,
    max_size=8,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS, percent=st.decimals("0.0001", "300", places=4))
def test_at_the_original_version_nothing_changes_and_what_was_changed_comes_back(
    people: People, rows: list[tuple[int, str, int, str | None]], percent: Decimal
) -> None:
    with db.session() as session:
        for table in ("reprice_changes", "reprice_runs", "usage_rollups", "usage_logs", "price_overrides"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
    hours = sorted({hour for hour, *_ in rows})
    plant(
        people.alice,
        *(
            bucket(h, *(usage(h, model=m, tokens=n, service_tier=tier) for at, m, n, tier in rows if at == h))
            for h in hours
        ),
    )
    before = ledger()
    same = run(people.alice, dry_run=False)
    assert (same.status, same.rows_changed, same.models) == (RepriceStatus.APPLIED, 0, ())
    assert ledger() == before
    agree(people.alice, "*", percent_of_list=percent)
    changed = run(people.alice, dry_run=False)
    ledger()
    if changed.rows_changed:
        go_on(people.alice, repricing.undo_run, changed.id)
    assert ledger() == before


def test_only_what_was_asked_for(people: People) -> None:
    plant(people.alice, bucket(0, usage(0), usage(0, model="gpt-5")), bucket(48, usage(48)))
    claude = usage(0, provider=Provider.ANTHROPIC, model="claude-opus-5-5")
    plant(people.alice, bucket(0, claude), provider=Provider.ANTHROPIC)
    agree(people.alice, "*")
    agree(people.alice, "*", provider=Provider.ANTHROPIC)
    assert run(people.alice).rows_changed == 4
    assert run(people.alice, provider=Provider.ANTHROPIC).rows_changed == 1
    assert run(people.alice, model_pattern="GPT-6*").rows_changed == 2
    assert run(people.alice, model_pattern="GPT-6*", end=T0 + DAY).rows_changed == 1
    assert run(people.alice, start=T0 + HOUR, model_pattern="gpt-5").rows_changed == 0
    nothing = run(people.alice, model_pattern="nobody-uses-it")
    assert (nothing.status, nothing.rows_total, nothing.rows_read) == (RepriceStatus.FINISHED, 0, 0)


def test_what_a_provider_or_a_sender_stated_stays(people: People) -> None:
    plant(people.alice, bucket(0, usage(0, provider_cost=Decimal("0.123456789012")), usage(0, model="gpt-5")))
    at = T0 + HOUR / 2
    counts = UsageCounts(input_tokens=10, output_tokens=10)
    call = UsageRecord(provider=Provider.OPENAI, operation="chat", model="o3", start=at, end=at, counts=counts)
    stated = replace(call, provider_cost=Decimal("0.5"))
    with db.session() as session:
        add_calls(
            session,
            people.alice.organization_id,
            [
                Call(identity=("a",), origin=UsageOrigin.GATEWAY, usage=call, user_id=people.alice.user_id),
                Call(identity=("b",), origin=UsageOrigin.GATEWAY, usage=stated, user_id=people.alice.user_id),
            ],
        )
    agree(people.alice, "*")
    found = run(people.alice, dry_run=False)
    assert sorted(each.model for each in found.models) == ["gpt-5", "o3"]
    with db.session() as session:
        costs = session.exec(select(UsageLog.cost).where(UsageLog.cost_source == CostSource.PROVIDER)).all()
    assert sorted(filter(None, costs)) == [Decimal("0.1234567890"), Decimal("0.5")]
    ledger()


def test_rows_that_were_restated_since_are_refused_and_counted(people: People) -> None:
    plant(people.alice, *(bucket(hour, usage(hour)) for hour in range(4)))
    agree(people.alice)
    found = run(people.alice, dry_run=False)
    plant(people.alice, bucket(1, usage(1, tokens=5_000)), bucket(2))
    expected = ledger()
    undone = go_on(people.alice, repricing.undo_run, found.id)
    assert (undone.rows_restored, undone.rows_refused) == (2, 2)
    now = ledger()
    with db.session() as session:
        costs = [row.cost for row in session.exec(select(UsageLog).order_by(col(UsageLog.timestamp)))]
    # 5,000 in and 500 out at half of the list price, as the restatement was priced; the others at the list price again.
    assert costs == [Decimal("0.003"), Decimal("0.0075"), Decimal("0.003")]
    assert now != expected


def test_an_undone_unpriced_row_keeps_no_bill_of_other_counts(people: People) -> None:
    """The restated row has no price before and after, so only its counts tell that it is another one."""
    price = agree(people.alice, "gpt-9", prices={"input_tokens": "1", "output_tokens": "1"})
    plant(people.alice, bucket(0, unknown(0)))
    with db.session() as session:
        session.delete(session.get_one(PriceOverride, price))
    found = run(people.alice, dry_run=False)
    assert (found.unpriced_before, found.unpriced_after) == (0, 1)
    plant(people.alice, bucket(0, unknown(0, tokens=7)))
    undone = go_on(people.alice, repricing.undo_run, found.id)
    assert (undone.rows_restored, undone.rows_refused) == (0, 1)
    ledger()


def test_the_later_of_two_runs_is_undone_first(people: People) -> None:
    plant(people.alice, bucket(0, usage(0)))
    before = ledger()
    agree(people.alice)
    first = run(people.alice, dry_run=False)
    agree(people.alice, valid_from=T0 - HOUR, percent_of_list=Decimal(25))
    second = run(people.alice, dry_run=False)
    early = go_on(people.alice, repricing.undo_run, first.id)
    assert (early.rows_restored, early.rows_refused) == (0, 1)
    go_on(people.alice, repricing.undo_run, second.id)
    with db.session() as session:
        assert session.exec(select(UsageLog.cost)).one() == Decimal("0.0015")
    assert ledger() != before


def test_a_run_that_was_cut_off_goes_on_where_it_was(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "ROWS_PER_CHUNK", 2)
    plant(people.alice, *(bucket(hour, usage(hour)) for hour in range(7)))
    agree(people.alice)
    asked = ask(people.alice, dry_run=False)
    with db.session() as session:
        assert steps.step(session, asked.id)
    half = get(people.alice, asked.id)
    assert (half.status, half.rows_changed, half.rows_total) == (RepriceStatus.RUNNING, 2, 7)
    assert half.progress == pytest.approx(2 / 7)
    ledger()
    # A worker that dies within a chunk leaves nothing of it.
    with pytest.raises(ZeroDivisionError):
        die_within_a_chunk(asked.id)
    assert get(people.alice, asked.id).rows_changed == 2
    reprice(asked.id)
    assert get(people.alice, asked.id).rows_changed == 7
    ledger()
    reprice(asked.id)
    assert get(people.alice, asked.id).rows_changed == 7


def test_a_worker_that_is_killed_loses_and_doubles_nothing(people: People) -> None:
    plant(people.alice, *(bucket(hour, usage(hour)) for hour in range(60)))
    agree(people.alice)
    asked = ask(people.alice, dry_run=False)
    program = (
        "import sys; from guardian.services.ledger.repricing import steps; steps.ROWS_PER_CHUNK = 1; "
        "from guardian.jobs.repricing import reprice; reprice(sys.argv[1])"
    )
    worker = subprocess.Popen([sys.executable, "-c", program, asked.id], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while get(people.alice, asked.id).rows_read < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    worker.kill()
    worker.wait()
    half = get(people.alice, asked.id)
    assert 3 <= half.rows_read == half.rows_changed < 60
    ledger()
    reprice(asked.id)
    found = get(people.alice, asked.id)
    assert (found.status, found.rows_read, found.rows_changed) == (RepriceStatus.APPLIED, 60, 60)
    # 60 rows of $0.003 at half of it.
    assert (found.cost_before, found.cost_after) == (Decimal("0.18"), Decimal("0.09"))
    ledger()
    assert go_on(people.alice, repricing.undo_run, asked.id).rows_restored == 60


def test_the_job_is_the_one_that_the_service_names() -> None:
    assert import_attribute(repricing.REPRICE) is reprice


def test_a_run_whose_worker_is_gone_is_brought_back(people: People, queued: Callable[[], list[str]]) -> None:
    plant(people.alice, bucket(0, usage(0)))
    asked = ask(people.alice)
    assert queued() == [f"reprice-{asked.id}-dry"]
    resume_repricing()
    assert len(queued()) == 1
    with db.session() as session:
        row = session.get_one(RepriceRun, asked.id)
        row.updated_at = row.updated_at - timedelta(minutes=2)
        session.add(row)
    resume_repricing()
    assert sorted(queued()) == [f"reprice-{asked.id}-dry", f"reprice-{asked.id}-dry-again"]


def test_one_at_a_time_in_an_organization(people: People) -> None:
    asked = ask(people.alice)
    with pytest.raises(ConflictError, match="under way"):
        ask(people.alice)
    ask(people.charlie)
    reprice(asked.id)
    ask(people.alice)
    with db.session() as session, pytest.raises(ConflictError, match="under way"):
        repricing.apply_run(session, people.alice, asked.id)


def test_prices_that_changed_since_the_dry_run_are_not_written(people: People) -> None:
    plant(people.alice, bucket(0, usage(0)))
    agree(people.alice)
    found = run(people.alice)
    price = agree(people.alice, percent_of_list=Decimal(1), valid_from=T0 - HOUR)
    with db.session() as session, pytest.raises(ConflictError, match="Prices have changed since this dry run"):
        repricing.apply_run(session, people.alice, found.id)
    with db.session() as session:
        session.delete(session.get_one(PriceOverride, price))
    assert go_on(people.alice, repricing.apply_run, found.id).status is RepriceStatus.APPLIED


def test_prices_that_change_under_a_run_end_it_and_what_it_wrote_can_be_undone(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "ROWS_PER_CHUNK", 1)
    plant(people.alice, bucket(0, usage(0)), bucket(1, usage(1)))
    before = ledger()
    agree(people.alice)
    asked = ask(people.alice, dry_run=False)
    with db.session() as session:
        steps.step(session, asked.id)
    agree(people.alice, percent_of_list=Decimal(1), valid_from=T0 - HOUR)
    reprice(asked.id)
    failed = get(people.alice, asked.id)
    assert (failed.status, failed.rows_changed, failed.can_undo) == (RepriceStatus.FAILED, 1, True)
    assert failed.error == ("Prices were changed while this run was at work. Undo what it wrote, and start it anew.")
    assert go_on(people.alice, repricing.undo_run, asked.id).rows_restored == 1
    assert ledger() == before


def test_an_error_of_ours_ends_the_run_with_words(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(people.alice, bucket(0, usage(0)))
    asked = ask(people.alice)
    monkeypatch.setattr(steps, "priced_again", None)
    with pytest.raises(TypeError):
        reprice(asked.id)
    failed = get(people.alice, asked.id)
    assert (failed.status, failed.can_apply, failed.can_undo) == (RepriceStatus.FAILED, False, False)
    assert failed.error == f"An error of ours stopped this run. Look for {asked.id} in the worker's log."


def test_pulls_that_restate_the_same_rows_meanwhile_lose_and_double_nothing(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "ROWS_PER_CHUNK", 3)
    hours = range(24)
    plant(people.alice, *(bucket(hour, usage(hour)) for hour in hours))
    agree(people.alice)

    def pull(first: int) -> None:
        for round in range(6):
            tokens = 1000 + 10 * round + first
            plant(people.alice, *(bucket(hour, usage(hour, tokens=tokens)) for hour in hours if hour % 2 == first))

    with ThreadPoolExecutor(2) as threads:
        pulls = [threads.submit(pull, first) for first in (0, 1)]
        found = run(people.alice, dry_run=False)
        run(people.alice, dry_run=False)
        if found.can_undo:
            go_on(people.alice, repricing.undo_run, found.id)
        for done in pulls:
            done.result()
    ledger()  # the rollups agree with the rows
    run(people.alice, dry_run=False)
    with db.session() as session:
        rows = session.exec(select(UsageLog)).all()
    assert len(rows) == 24
    for row in rows:
        # Half of $2 and $10 a million, whatever the counts were in the end.
        assert row.cost == (Decimal(row.input_tokens) + 5 * Decimal(row.output_tokens)) / 1_000_000
    ledger()


def test_a_pull_that_comes_between_waits_for_the_chunk(people: People) -> None:
    """It works out what its rows add to the rollups from what it reads: before the chunk's commit that is outdated."""
    plant(people.alice, bucket(0, usage(0)))
    agree(people.alice)
    asked = ask(people.alice, dry_run=False)
    with ThreadPoolExecutor(1) as thread:
        with db.session() as session:
            steps.step(session, asked.id)
            pull = thread.submit(plant, people.alice, bucket(0, usage(0, tokens=3_000)))
            wait_for_a_waiter()
        pull.result()
    ledger()
    with db.session() as session:
        assert session.exec(select(UsageLog.cost)).one() == Decimal("0.0045")


def wait_for_a_waiter() -> None:
    """Until some connection of this database waits for a lock."""
    deadline = time.monotonic() + 20
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while time.monotonic() < deadline:
        with db.session() as session:
            if session.connection().exec_driver_sql(waiting).scalar_one():
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize("what", [repricing.apply_run, repricing.undo_run, repricing.get_run])
def test_another_organizations_run_does_not_exist(people: People, what: Callable[..., RepriceView]) -> None:
    asked = ask(people.alice)
    with db.session() as session, pytest.raises(NotFoundError, match="Run not found"):
        what(session, people.charlie, asked.id)
    with db.session() as session:
        assert repricing.list_runs(session, people.charlie, Asked()).items == ()
        assert [each.id for each in repricing.list_runs(session, people.bob, Asked()).items] == [asked.id]


def test_who_may(people: People) -> None:
    with pytest.raises(AuthorizationError):
        ask(people.bob)
    asked = run(people.alice)
    for what in (repricing.apply_run, repricing.undo_run):
        with db.session() as session, pytest.raises(AuthorizationError):
            what(session, people.bob, asked.id)
    assert get(people.bob, asked.id).requested_by == "Alice"


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"end": T0}, "The span must end after it starts"),
        ({"model_pattern": "x" * 201}, "at most 200 characters"),
        ({"model_pattern": "gpt\n5"}, "at most 200 characters"),
    ],
)
def test_what_cannot_be_asked_for(people: People, facts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        ask(people.alice, **facts)


def test_a_run_that_has_written_nothing_has_nothing_to_undo(people: People) -> None:
    found = run(people.alice)
    with db.session() as session, pytest.raises(ConflictError, match="has written nothing"):
        repricing.undo_run(session, people.alice, found.id)
    with db.session() as session:
        repricing.apply_run(session, people.alice, found.id)
    reprice(found.id)
    with db.session() as session, pytest.raises(ConflictError, match="Only a finished dry run"):
        repricing.apply_run(session, people.alice, found.id)


def test_a_run_that_is_no_more_is_no_error(people: People) -> None:
    reprice("c" + "0" * 24)


@pytest.fixture
def queued(environment: object) -> Callable[[], list[str]]:
    return lambda: list(Queue(USAGE_QUEUE, connection=connection()).get_job_ids())
