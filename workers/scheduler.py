"""`guardian scheduler`: rq-scheduler, moving recurring and delayed jobs to their queues when they are due."""

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq.scheduler import RQScheduler
from rq_scheduler import Scheduler
from rq_scheduler.utils import get_next_scheduled_time  # pyright: ignore[reportUnknownVariableType]  # untyped library

from guardian import logs, telemetry
from guardian.config import settings
from guardian.queue import QUEUE_NAMES, connection

_INTERVAL = 1  # seconds between two looks: a delayed retry is at most that late
_TIMEOUT = 600  # seconds that a recurring job may run
_LONGEST_WAIT = 5.0
# The entries are looked after again now and then: Redis may have been emptied, or a failed job's entry have expired.
_REGISTER_AGAIN = timedelta(minutes=10)
_MARK = "recurring"

log = structlog.get_logger(__name__)


class Recurring(Protocol):
    """A job and when it runs: `cron` has five fields and is in UTC."""

    @property
    def job_id(self) -> str: ...
    @property
    def cron(self) -> str: ...
    @property
    def func(self) -> Callable[..., Any]: ...
    @property
    def queue(self) -> str: ...


class GuardianScheduler(Scheduler):
    """rq-scheduler with one lock for recurring and delayed jobs; a job that still waits or runs is not queued twice."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(connection=redis, interval=_INTERVAL)
        self._redis = redis
        self._delayed = RQScheduler(QUEUE_NAMES, connection=redis, logging_level="WARNING")
        self._delayed.prepare_registries(QUEUE_NAMES)

    def register(self, recurring: Iterable[Recurring]) -> None:
        """Make the schedule what is listed. An entry that is as it should be stays: one that is overdue still comes."""
        wanted = {entry.job_id: entry for entry in recurring}
        for job in list(cast("Iterable[Job]", self.get_jobs())):
            if job.meta.get(_MARK) and job.id not in wanted:
                self.cancel(job)
                job.delete()
                log.info("scheduler.removed", job=job.id)
        for entry in wanted.values():
            if not self._has(entry):
                self._set(entry)

    def tick(self) -> bool:
        """Queue what is due, unless another scheduler is doing it right now; says whether it was us."""
        if not self.acquire_lock():
            return False
        try:
            self.enqueue_jobs()
            self._delayed.enqueue_scheduled_jobs()
        finally:
            self.remove_lock()
        return True

    def enqueue_job(self, job: Job) -> None:
        began = time.monotonic()
        queue = cast("Queue", self.get_queue_for_job(job))
        waits = queue.get_job_position(job.id) is not None
        with _utc_is_local():
            if waits or job.id in queue.started_job_registry.get_job_ids(cleanup=False):
                log.info("scheduler.still_busy", job=job.id)
                self.change_execution_time(job, cast("datetime", get_next_scheduled_time(job.meta["cron_string"])))
                return
            super().enqueue_job(job)
        telemetry.figures().note(time.monotonic() - began)
        log.info("scheduler.queued", job=job.id, queue=job.origin)

    def _has(self, entry: Recurring) -> bool:
        job = Job.fetch_many([entry.job_id], connection=self._redis)[0]
        if job is None or job.id not in self:
            return False
        known = (job.func_name, job.origin, job.meta.get("cron_string"), job.timeout, job.meta.get(_MARK))
        return known == (_path(entry.func), entry.queue, entry.cron, _TIMEOUT, True)

    def _set(self, entry: Recurring) -> None:
        self.cancel(entry.job_id)
        with _utc_is_local():
            self.cron(
                entry.cron,
                func=entry.func,
                id=entry.job_id,
                queue_name=entry.queue,
                timeout=_TIMEOUT,
                meta={_MARK: True},
            )
        log.info("scheduler.registered", job=entry.job_id, cron=entry.cron, queue=entry.queue)


@contextmanager
def _utc_is_local() -> Generator[None]:
    """rq-scheduler reckons in local time, which `main` makes UTC; its cron library warns that this may change."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*[Cc]rontab", category=FutureWarning)
        yield


def _path(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def run(recurring: Iterable[Recurring], stop: threading.Event) -> None:
    """Look every second until `stop` is set; without Redis, wait for it and then look after the entries again."""
    entries, wait, register_at = tuple(recurring), 0.5, 0.0
    scheduler = GuardianScheduler(connection())
    while not stop.is_set():
        try:
            if time.monotonic() >= register_at:
                scheduler.register(entries)
                register_at = time.monotonic() + _REGISTER_AGAIN.total_seconds()
            scheduler.tick()
            wait = 0.5
        except RedisError as error:
            log.warning("scheduler.redis_unreachable", error=str(error), again_in_seconds=wait)
            register_at = 0.0
            stop.wait(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
            continue
        stop.wait(_INTERVAL)


def main(recurring: Iterable[Recurring]) -> None:
    """`python -m workers.scheduler`: run until SIGTERM or SIGINT."""
    entries = tuple(recurring)
    os.environ["TZ"] = "UTC"
    time.tzset()
    logs.configure(settings(), "scheduler")
    stop = threading.Event()

    def leave(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    log.info("scheduler.started", recurring=[entry.job_id for entry in entries])
    with telemetry.telling("scheduler"):
        run(entries, stop)


if __name__ == "__main__":
    from guardian.jobs.schedule import RECURRING

    main(RECURRING)
