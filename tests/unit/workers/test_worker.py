"""The worker with a real Redis: it waits for Redis, gives a job back in time, and takes over from the killed."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
import redis
from rq import Queue
from rq.job import Job, JobStatus

from guardian.embedded.processes import wait_until
from guardian.embedded.redis import RedisServer
from guardian.queue import QUEUE_NAMES, USAGE_QUEUE
from tests.unit.workers.conftest import Start
from tests.unit.workers.sample_jobs import poison, quick, until_released
from workers.worker import MOST_RETURNS, machine, new_name, was_killed

WORKER = ("-m", "workers.worker")
# The same worker, which is given less time to end its job.
HASTY = ("-c", "import workers.worker as w; w.GuardianWorker.grace_seconds = 0.2; w.main([])")


def diary(folder: Path) -> list[str]:
    file = folder / "diary"
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


def put(client: redis.Redis, function: object, folder: Path, queue: str = USAGE_QUEUE) -> Job:
    return Queue(queue, connection=client).enqueue(function, str(folder), job_id=f"job-{os.urandom(4).hex()}")


def finished(job: Job) -> bool:
    return job.get_status() == JobStatus.FINISHED


def horse_of(process: subprocess.Popen[bytes]) -> psutil.Process | None:
    children = psutil.Process(process.pid).children()
    return children[0] if children else None


@pytest.mark.parametrize("queue", QUEUE_NAMES)
def test_jobs_of_every_queue_are_done(client: redis.Redis, start: Start, tmp_path: Path, queue: str) -> None:
    job = put(client, quick, tmp_path, queue)
    start(*WORKER)
    assert wait_until(lambda: finished(job), 30)
    assert diary(tmp_path) == ["quick"]


def test_a_worker_of_some_queues_leaves_the_others_alone(client: redis.Redis, start: Start, tmp_path: Path) -> None:
    other = put(client, quick, tmp_path, USAGE_QUEUE)
    mine = put(client, quick, tmp_path, "email-sending")
    start(*WORKER, "email-sending", "alert-checking")
    assert wait_until(lambda: finished(mine), 30)
    assert other.get_status() == JobStatus.QUEUED


def test_an_unknown_queue_is_refused(start: Start) -> None:
    assert start(*WORKER, "emails").wait(30) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_worker_ends_when_asked(client: redis.Redis, start: Start, number: signal.Signals) -> None:
    process = start(*WORKER)
    assert wait_until(lambda: client.scard("rq:workers") == 1, 30)
    process.send_signal(number)
    assert process.wait(20) == 0
    assert client.scard("rq:workers") == 0


def test_a_worker_asked_while_it_registers_is_not_left_on_the_list(client: redis.Redis, start: Start) -> None:
    asking = """
import os, signal
from workers import worker
def subscribe(self):  # what RQ does between the registration and its own handlers
    os.kill(os.getpid(), signal.SIGINT)
worker.GuardianWorker.subscribe = subscribe
worker.main([])
"""
    assert start("-c", asking).wait(30) == 0
    assert client.scard("rq:workers") == 0


def test_a_worker_without_redis_ends_when_asked(own_redis: RedisServer, start: Start, tmp_path: Path) -> None:
    own_redis.stop()
    process = start(*WORKER)
    assert wait_until(lambda: "worker.starting" in (tmp_path / "process-0.log").read_text(), 30)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_a_job_in_time_is_ended_before_the_worker_goes(client: redis.Redis, start: Start, tmp_path: Path) -> None:
    job = put(client, until_released, tmp_path)
    process = start(*WORKER)
    assert wait_until(lambda: diary(tmp_path) == ["begun"], 30)
    process.send_signal(signal.SIGTERM)
    (tmp_path / "released").touch()
    assert process.wait(20) == 0
    assert finished(job)
    assert diary(tmp_path) == ["begun", "ended"]


def test_a_job_that_takes_longer_is_given_back_and_done_by_the_next_worker(
    client: redis.Redis, start: Start, tmp_path: Path
) -> None:
    job = put(client, until_released, tmp_path)
    later = put(client, quick, tmp_path)
    process = start(*HASTY)
    assert wait_until(lambda: diary(tmp_path) == ["begun"], 30)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert job.get_status() == JobStatus.QUEUED
    assert Queue(USAGE_QUEUE, connection=client).get_job_ids() == [job.id, later.id]
    (tmp_path / "released").touch()
    start(*WORKER)
    assert wait_until(lambda: finished(job) and finished(later), 30)
    assert diary(tmp_path) == ["begun", "begun", "ended", "quick"]


def test_the_job_of_a_killed_worker_dies_with_it_and_the_next_worker_starts_it_again(
    client: redis.Redis, start: Start, tmp_path: Path
) -> None:
    job = put(client, until_released, tmp_path)
    process = start(*WORKER)
    assert wait_until(lambda: diary(tmp_path) == ["begun"], 30)
    horse = horse_of(process)
    assert horse is not None
    process.kill()
    process.wait()
    assert wait_until(lambda: not horse.is_running() or horse.status() == psutil.STATUS_ZOMBIE, 10)
    assert job.get_status() == JobStatus.STARTED
    (tmp_path / "released").touch()
    start(*WORKER)
    assert wait_until(lambda: finished(job), 30)
    assert diary(tmp_path) == ["begun", "begun", "ended"]
    assert wait_until(lambda: client.scard("rq:workers") == 1, 10)


def test_a_job_that_kills_its_workers_is_not_given_back_for_ever(
    client: redis.Redis, start: Start, tmp_path: Path
) -> None:
    job = put(client, poison, tmp_path)
    client.set(f"guardian:returned:{job.id}", MOST_RETURNS - 1)
    for _ in range(2):
        assert start(*WORKER).wait(30) == -signal.SIGKILL
    after = put(client, quick, tmp_path)
    start(*WORKER)
    assert wait_until(lambda: finished(after), 30)
    assert diary(tmp_path).count("poison") == 2
    assert 0 < client.ttl(f"guardian:returned:{job.id}") <= 3_600
    assert job.get_status() == JobStatus.STARTED  # RQ's own maintenance calls it failed when its time is over


def test_a_worker_survives_a_redis_that_is_killed_and_comes_back(
    own_redis: RedisServer, client: redis.Redis, start: Start, tmp_path: Path
) -> None:
    process = start(*WORKER)
    first = put(client, quick, tmp_path)
    assert wait_until(lambda: finished(first), 30)
    pid = own_redis.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: own_redis.pid is None, 10)
    own_redis.start()
    second = put(client, quick, tmp_path)
    assert wait_until(lambda: finished(second), 60)
    assert process.poll() is None


def test_a_job_that_runs_while_redis_is_away_is_done_once_and_known_to_be_done(
    own_redis: RedisServer, client: redis.Redis, start: Start, tmp_path: Path
) -> None:
    process = start(*WORKER)
    job = put(client, until_released, tmp_path)
    assert wait_until(lambda: diary(tmp_path) == ["begun"], 30)
    own_redis.stop()
    (tmp_path / "released").touch()
    assert wait_until(lambda: diary(tmp_path) == ["begun", "ended"], 30)
    own_redis.start()
    assert wait_until(lambda: finished(job), 60)
    after = put(client, quick, tmp_path)
    assert wait_until(lambda: finished(after), 60)
    assert diary(tmp_path) == ["begun", "ended", "quick"]
    assert process.poll() is None


def test_a_name_tells_whether_its_process_lives() -> None:
    assert not was_killed(new_name())
    host, pid, created, tail = new_name().split("_")
    assert host == machine()
    assert was_killed(f"{host}_{pid}_{float(created) - 60!r}_{tail}"), "the number was given to another process"
    assert not was_killed(f"elsewhere_{pid}_1.0_{tail}"), "of other machines we know nothing"
    assert not was_killed("0123456789abcdef")
