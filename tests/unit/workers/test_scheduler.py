"""The scheduler with a real Redis: what is listed is scheduled, what is due is queued once, Redis may come and go."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Queue
from rq.job import Job, JobStatus

from guardian.embedded.processes import wait_until
from guardian.embedded.redis import RedisServer
from guardian.queue import ALERT_QUEUE, EMAIL_QUEUE, USAGE_QUEUE, connection, enqueue
from tests.unit.workers.conftest import Start
from tests.unit.workers.sample_jobs import quick, until_released
from workers.scheduler import GuardianScheduler

DUE = "rq:scheduler:scheduled_jobs"


@dataclass(frozen=True)
class Entry:
    job_id: str
    cron: str = "0 0 * * *"
    func: Callable[..., Any] = quick
    queue: str = USAGE_QUEUE


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone that the scheduler's own process gives itself."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def scheduler(own_redis: RedisServer, utc: None) -> GuardianScheduler:
    return GuardianScheduler(connection())


def due(client: redis.Redis) -> dict[str, datetime]:
    return {
        name.decode(): datetime.fromtimestamp(score, UTC) for name, score in client.zrange(DUE, 0, -1, withscores=True)
    }


def make_due(client: redis.Redis, job_id: str) -> None:
    client.zadd(DUE, {job_id: time.time() - 3600})


def queued(client: redis.Redis, queue: str = USAGE_QUEUE) -> list[str]:
    return Queue(queue, connection=client).get_job_ids()


def test_a_daily_job_is_due_at_the_next_midnight_in_utc(scheduler: GuardianScheduler, client: redis.Redis) -> None:
    scheduler.register([Entry("sync-daily")])
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert due(client)["sync-daily"] in (midnight, midnight + timedelta(days=1))
    assert queued(client) == []


def test_registering_again_leaves_an_overdue_job_due(scheduler: GuardianScheduler, client: redis.Redis) -> None:
    scheduler.register([Entry("sync-daily")])
    make_due(client, "sync-daily")
    before = due(client)
    scheduler.register([Entry("sync-daily")])
    assert due(client) == before
    scheduler.tick()
    assert queued(client) == ["sync-daily"]


@pytest.mark.parametrize(
    "changed",
    [
        Entry("job", cron="30 * * * *"),
        Entry("job", func=until_released),
        Entry("job", queue=ALERT_QUEUE),
    ],
)
def test_what_changed_is_replaced(scheduler: GuardianScheduler, client: redis.Redis, changed: Entry) -> None:
    scheduler.register([Entry("job")])
    scheduler.register([changed])
    job = Job.fetch("job", connection=client)
    assert (job.func_name.rsplit(".", 1)[1], job.origin) == (changed.func.__name__, changed.queue)
    assert job.meta["cron_string"] == changed.cron
    assert len(due(client)) == 1


def test_what_is_no_longer_listed_is_removed_and_nothing_else(
    scheduler: GuardianScheduler, client: redis.Redis
) -> None:
    scheduler.register([Entry("stays"), Entry("goes")])
    scheduler.enqueue_at(datetime(2100, 1, 1), quick, "/tmp", job_id="somebody-elses")
    scheduler.register([Entry("stays")])
    assert due(client).keys() == {"stays", "somebody-elses"}
    assert not Job.exists("goes", connection=client)


def test_what_is_due_is_queued_once_and_comes_again(scheduler: GuardianScheduler, client: redis.Redis) -> None:
    scheduler.register([Entry("job", queue=ALERT_QUEUE)])
    make_due(client, "job")
    assert scheduler.tick()
    scheduler.tick()
    assert queued(client, ALERT_QUEUE) == ["job"]
    assert due(client)["job"] > datetime.now(UTC)


def test_a_job_that_still_waits_or_runs_is_not_queued_again(scheduler: GuardianScheduler, client: redis.Redis) -> None:
    scheduler.register([Entry("job")])
    make_due(client, "job")
    scheduler.tick()
    make_due(client, "job")
    scheduler.tick()
    assert queued(client) == ["job"]
    assert due(client)["job"] > datetime.now(UTC)
    client.delete(f"rq:queue:{USAGE_QUEUE}")
    client.zadd(f"rq:wip:{USAGE_QUEUE}", {"job:execution": time.time() + 60})
    make_due(client, "job")
    scheduler.tick()
    assert queued(client) == []


def test_a_job_that_got_lost_is_queued_when_it_is_due_again(scheduler: GuardianScheduler, client: redis.Redis) -> None:
    scheduler.register([Entry("job")])
    make_due(client, "job")
    scheduler.tick()
    client.delete(f"rq:queue:{USAGE_QUEUE}")  # as when a worker is killed between taking it and saying so
    assert Job.fetch("job", connection=client).get_status() == JobStatus.QUEUED
    make_due(client, "job")
    scheduler.tick()
    assert queued(client) == ["job"]


def test_of_two_schedulers_only_one_looks_at_a_time(scheduler: GuardianScheduler, client: redis.Redis) -> None:
    other = GuardianScheduler(connection())
    scheduler.register([Entry("job")])
    make_due(client, "job")
    assert scheduler.acquire_lock()
    assert not other.tick()
    assert queued(client) == []
    scheduler.remove_lock()
    assert other.tick()
    assert queued(client) == ["job"]


def test_a_delayed_job_comes_to_its_queue_when_its_time_is_over(
    scheduler: GuardianScheduler, client: redis.Redis, tmp_path: Path
) -> None:
    enqueue(EMAIL_QUEUE, quick, str(tmp_path), job_id="later", delay=timedelta(hours=1))
    scheduler.tick()
    assert queued(client, EMAIL_QUEUE) == []
    client.zadd(f"rq:scheduled:{EMAIL_QUEUE}", {"later": time.time() - 1})
    scheduler.tick()
    assert queued(client, EMAIL_QUEUE) == ["later"]


RUN = """
from tests.unit.workers.test_scheduler import Entry
from workers.scheduler import main
main([Entry("job", cron="* * * * *")])
"""


def test_two_schedulers_queue_a_job_once_a_minute(client: redis.Redis, start: Start) -> None:
    processes = [start("-c", RUN), start("-c", RUN)]
    assert wait_until(lambda: "job" in due(client), 30)
    make_due(client, "job")
    assert wait_until(lambda: queued(client) == ["job"], 30)
    assert due(client)["job"] > datetime.now(UTC) - timedelta(seconds=1)
    for process in processes:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert queued(client).count("job") == 1


def test_a_scheduler_survives_a_redis_that_comes_back_empty(
    own_redis: RedisServer, client: redis.Redis, start: Start
) -> None:
    process = start("-c", RUN)
    assert wait_until(lambda: "job" in due(client), 30)
    own_redis.stop()
    (own_redis.home.path / "appendonly.aof").unlink()
    # It has noticed when a look of its own has failed: it says so in its log.
    assert wait_until(lambda: "redis_unreachable" in log_of(process), 60)
    own_redis.start()
    assert wait_until(lambda: "job" in due(client), 60)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def test_a_scheduler_that_is_killed_with_the_lock_in_hand_is_replaced(client: redis.Redis, start: Start) -> None:
    client.set("rq:scheduler_lock", "of a dead one", ex=2)
    start("-c", RUN)
    assert wait_until(lambda: "job" in due(client), 30)
    make_due(client, "job")
    assert wait_until(lambda: queued(client) == ["job"], 30)


def log_of(process: Any) -> str:
    """What a process that `start` made has said so far."""
    return Path(os.readlink(f"/proc/{process.pid}/fd/1")).read_text()
