"""The queues of the installation: what waits, runs and failed, and why; failed jobs are tried again or dropped."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.job import Job

from guardian.errors import ConflictError, NotFoundError, UnavailableError
from guardian.queue import QUEUE_NAMES, connection
from guardian.services.actor import Actor

MAX_LISTED = 100
_CAUSE = 300  # characters of an error that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """Numbers of jobs by what they do, and of workers that take from this queue."""

    name: str
    waiting: int
    running: int
    scheduled: int
    failed: int
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedJob:
    """A job that ended with an error or with its worker. `about` are the ids that it was given, `cause` the last line
    of its error.
    """

    id: str
    queue: str
    function: str
    about: tuple[str, ...]
    cause: str
    failed_at: datetime | None


def list_queues(actor: Actor) -> list[QueueView]:
    """The queues, in the order of their names. Raises AuthorizationError, UnavailableError."""
    actor.require("admin:read")
    with _redis_answers():
        workers = Worker.all(connection=connection())
        taken = [{queue.name for queue in cast("Sequence[Queue]", worker.queues)} for worker in workers]
        return [_queue_view(name, sum(name in names for names in taken)) for name in QUEUE_NAMES]


def list_failed(actor: Actor, limit: int = MAX_LISTED) -> list[FailedJob]:
    """The jobs that failed last, of all queues; they are forgotten after a week. Raises as list_queues."""
    actor.require("admin:read")
    found: list[FailedJob] = []
    with _redis_answers():
        for name in QUEUE_NAMES:
            # The registry is in the order of the times at which its jobs are forgotten, so the newest are at its end.
            ids = _queue(name).failed_job_registry.get_job_ids(start=-limit)
            jobs = Job.fetch_many(ids, connection=connection())
            found += [_failed(job) for job in jobs if job is not None]
    long_ago = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda job: (job.failed_at or long_ago, job.id), reverse=True)[:limit]


def retry_job(actor: Actor, job_id: str) -> FailedJob:
    """Put a failed job back on its queue; what it was. Raises as list_queues, NotFoundError, ConflictError."""
    actor.require("admin:update")
    with _redis_answers():
        job = _find(job_id)
        if not job.is_failed:
            raise ConflictError("This job is tried again already.")
        failed = _failed(job)
        _queue(job.origin).failed_job_registry.requeue(job)
        return failed


def drop_job(actor: Actor, job_id: str) -> FailedJob:
    """Forget a failed job; what it was. What it worked on stays as it is. Raises as retry_job."""
    actor.require("admin:update")
    with _redis_answers():
        job = _find(job_id)
        if not job.is_failed:
            raise ConflictError("This job is tried again already.")
        failed = _failed(job)
        _queue(job.origin).failed_job_registry.remove(job, delete_job=True)
        return failed


@contextmanager
def _redis_answers() -> Generator[None]:
    try:
        yield
    except RedisError as error:
        raise UnavailableError("Redis does not answer. Nothing was changed; try again shortly.") from error


def _queue(name: str) -> Queue:
    return Queue(name, connection=connection())


def _queue_view(name: str, workers: int) -> QueueView:
    queue = _queue(name)
    return QueueView(
        name=name,
        waiting=queue.count,
        running=queue.started_job_registry.get_job_count(cleanup=False),
        scheduled=queue.scheduled_job_registry.get_job_count(cleanup=False),
        failed=queue.failed_job_registry.get_job_count(cleanup=False),
        workers=workers,
    )


def _find(job_id: str) -> Job:
    job = Job.fetch_many([job_id], connection=connection())[0]
    if job is None or job.origin not in QUEUE_NAMES:
        raise NotFoundError("Job")
    return job


def _failed(job: Job) -> FailedJob:
    result = job.latest_result()
    lines = ((result.exc_string if result else None) or "").strip().splitlines()
    ended = job.ended_at
    return FailedJob(
        id=job.id,
        queue=job.origin,
        function=(job.func_name or "").removeprefix("guardian.jobs."),
        about=tuple(str(each) for each in cast("Sequence[object]", job.args or ())),
        cause=lines[-1][:_CAUSE] if lines else "Its worker ended before it did.",
        failed_at=ended.replace(tzinfo=UTC) if ended is not None and ended.tzinfo is None else ended,
    )
