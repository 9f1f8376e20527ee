"""jobs: how far a pull has come, and what it brought."""

from fastapi import APIRouter

from guardian.api.answers.envelope import Out, Time
from guardian.api.steps import CallDep, route
from guardian.models.enums import SyncStatus, SyncTrigger
from guardian.services.ledger import sync
from guardian.services.ledger.views import SyncRunView

api = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])


class JobResultOut(Out):
    """Rows of usage and cost: read from the provider, and what they did to the ledger."""

    rows_read: int
    rows_added: int
    rows_changed: int
    rows_removed: int


class JobOut(Out):
    """`progress` is from 0 to 1. `error` says in words what went wrong last, also while it is tried again."""

    id: str
    status: SyncStatus
    progress: float
    result: JobResultOut
    error: str | None
    error_code: str | None
    kind: SyncTrigger
    key_id: str
    start: Time
    end: Time
    created_at: Time
    started_at: Time | None
    finished_at: Time | None


@route(api, "GET", "/{job_id}", permission="jobs:read")
def get_job(call: CallDep, job_id: str) -> JobOut:
    """One pull of a key."""
    with call.transaction() as session:
        return job_json(sync.get_run(session, call.actor, job_id))


def job_json(run: SyncRunView) -> JobOut:
    return JobOut(
        id=run.id,
        status=run.status,
        progress=run.progress,
        result=JobResultOut.model_validate(run),
        error=run.error,
        error_code=run.error_code,
        kind=run.trigger,
        key_id=run.api_key_id,
        start=run.window_start,
        end=run.window_end,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )
