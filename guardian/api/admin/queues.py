"""admin/queues: what waits, runs and failed; failed jobs are tried again or forgotten."""

from datetime import datetime

from fastapi import APIRouter

from guardian.api.answers.envelope import Out
from guardian.api.steps import CallDep, route
from guardian.services.people import queues

api = APIRouter(prefix="/api/v1/admin", tags=["admin"])


class QueueOut(Out):
    """Numbers of jobs by what they do, and of workers that take from this queue."""

    name: str
    waiting: int
    running: int
    scheduled: int
    failed: int
    workers: int


class FailedJobOut(Out):
    """`about` are the ids that the job was given, `cause` the last line of its error."""

    id: str
    queue: str
    function: str
    about: list[str]
    cause: str
    failed_at: datetime | None


class QueuesOut(Out):
    """The queues, and the jobs that failed last."""

    queues: list[QueueOut]
    failed: list[FailedJobOut]


@route(api, "GET", "/queues", permission="admin:read")
def list_queues(call: CallDep) -> QueuesOut:
    """What waits, runs and failed."""
    return QueuesOut(
        queues=[QueueOut.model_validate(each) for each in queues.list_queues(call.actor)],
        failed=[FailedJobOut.model_validate(each) for each in queues.list_failed(call.actor)],
    )


@route(api, "POST", "/queues/jobs/{job_id}/retry", permission="admin:update", action="JOB_RETRY")
def retry_job(call: CallDep, job_id: str) -> FailedJobOut:
    """Put a failed job back on its queue."""
    with call.transaction():
        job = queues.retry_job(call.actor, job_id)
        call.note("job", job.id, function=job.function, queue=job.queue)
    return FailedJobOut.model_validate(job)


@route(api, "DELETE", "/queues/jobs/{job_id}", permission="admin:update", action="JOB_DROP", fails=(409,))
def drop_job(call: CallDep, job_id: str) -> None:
    """Forget a failed job. What it worked on stays as it is."""
    with call.transaction():
        job = queues.drop_job(call.actor, job_id)
        call.note("job", job.id, function=job.function, queue=job.queue)
