"""SIGKILL in the middle of a back-fill, at random points: the ledger ends as if nothing had happened."""

import os
import random
import time
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from guardian import db
from guardian.jobs.usage import resume_syncs
from guardian.models.enums import SyncStatus, SyncTrigger
from tests.conftest import forget_caches
from tests.fakes.provider_server import FakeProvider
from tests.jobs.conftest import Pulls, hours_ago
from tests.jobs.processes import WorkerProcess, wait_for

KILLS = int(os.environ.get("GUARDIAN_KILLS", "10" if os.environ.get("GUARDIAN_FULL") else "3"))
MODELS = ("gpt-6-sol", "gpt-5.4-mini", "gpt-9-nova")


def plant_three_months(fake: FakeProvider) -> None:
    for hours in range(3, 24 * 89, 7):
        for number, model in enumerate(MODELS):
            for project in ("proj_web", "proj_etl"):
                at = hours_ago(hours)
                tokens = 1_000 + hours * 10 + number
                fake.openai.plant_completion(at, model=model, project_id=project, uncached=tokens, output=tokens // 7)
        fake.openai.usage["embeddings"].plant(
            hours_ago(hours), model="text-embedding-3-small", input_tokens=hours, num_model_requests=1
        )
    for days in range(1, 89):
        fake.openai.plant_cost(hours_ago(24 * days), Decimal(days) / 7, "gpt-6-sol, input_tokens")


def forget_the_ledger() -> None:
    with db.session() as session:
        for table in ("usage_logs", "usage_rollups", "provider_costs", "provider_accounts", "sync_runs"):
            session.connection().execute(text(f"DELETE FROM {table}"))


def test_a_killed_backfill_ends_in_the_ledger_of_one_that_was_not(
    fake: FakeProvider, pulls: Pulls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SYNC_LEASE_SECONDS", "2")
    forget_caches()
    plant_three_months(fake)
    key_id = pulls.add_key()
    seed = random.randrange(10**9)
    print(f"seed {seed}, {KILLS} kills")
    dice = random.Random(seed)
    worker = WorkerProcess(tmp_path / "worker.log").start()
    asked = pulls.request(key_id, start=None, trigger=SyncTrigger.BACKFILL)

    def over() -> bool:
        return pulls.get(asked.id).status not in (SyncStatus.QUEUED, SyncStatus.RUNNING)

    killed_at: list[int] = []
    try:
        for _ in range(KILLS):
            goal = len(fake.log) + dice.randint(1, 120 // KILLS)
            calls = iter(range(10**9))

            def reached(goal: int = goal, calls: object = calls) -> bool:
                if next(calls) % 25 == 24:  # type: ignore[call-overload]
                    resume_syncs()  # as the scheduler does each minute
                return len(fake.log) >= goal or over()

            wait_for(reached, f"request {goal}")
            assert not over(), "the back-fill ended before it could be killed often enough"
            time.sleep(dice.uniform(0, 0.06))  # somewhere between asking, writing and committing
            killed_at.append(pulls.get(asked.id).steps_done)
            how = dice.choice(["both", "worker", "horse"])
            if how == "horse":
                worker.kill_horses()
            else:
                worker.kill(horses_too=how == "both")
                worker = WorkerProcess(worker.log).start()

        def ended() -> bool:
            resume_syncs()
            return over()

        wait_for(ended, f"the end of the run; the worker said:\n{worker.said()[-4000:]}", every=0.5)
    finally:
        worker.kill()
    run = pulls.get(asked.id)
    print(f"killed after steps {killed_at} of {run.steps_total}; {run.attempt} workers had it")
    assert (run.status, run.error) == (SyncStatus.FINISHED, None)
    assert run.attempt > 1
    after_kills = pulls.ledger()
    counted = (run.steps_done, run.rows_read, run.rows_added, run.rows_changed, run.rows_removed)
    forget_the_ledger()
    clean = pulls.finished(key_id, start=None, trigger=SyncTrigger.BACKFILL)
    assert after_kills == pulls.ledger()
    assert counted == (clean.steps_done, clean.rows_read, clean.rows_added, 0, 0)


def test_two_workers_do_each_step_once(fake: FakeProvider, pulls: Pulls, tmp_path: Path) -> None:
    plant_three_months(fake)
    key_id = pulls.add_key()
    with WorkerProcess(tmp_path / "one.log"), WorkerProcess(tmp_path / "two.log"):
        asked = pulls.request(key_id, start=None, trigger=SyncTrigger.BACKFILL)
        with db.session() as session:  # the same run in the queue a second time, under another job's name
            session.connection().execute(text("UPDATE sync_runs SET created_at = now() - interval '2 minutes'"))
        resume_syncs()
        wait_for(lambda: pulls.get(asked.id).status is SyncStatus.FINISHED, "the end of the run")
    run = pulls.get(asked.id)
    assert run.attempt == 1
    requests = [(r.path, tuple(sorted(r.query))) for r in fake.log]
    assert len(requests) == len(set(requests))
    assert pulls.ledger()["usage_logs"] != []
