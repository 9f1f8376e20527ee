"""What every change of a SyncRun ends with: its last words stored, people told, a worker called."""

from datetime import timedelta
from functools import partial

from sqlmodel import Session

from guardian import db, live, queue
from guardian.errors import GuardianError
from guardian.models import SyncRun
from guardian.models.enums import SyncStatus
from guardian.periods import utcnow

SYNC_USAGE = "guardian.jobs.usage.sync_usage"  # by name: services do not know the jobs
SYNC_TIMEOUT = 4 * 3600  # seconds; a pull that is cut off there goes on where it was


def enqueue_run(session: Session, run: SyncRun, *, delay: timedelta | None = None, suffix: str = "") -> None:
    """Have a worker take the run up, after this transaction's commit."""
    job_id = f"sync-usage-{run.id}-{run.attempt}{suffix}"
    send = partial(queue.enqueue_if_possible, queue.USAGE_QUEUE, SYNC_USAGE, run.id, job_id=job_id)
    db.after_commit(session, partial(send, timeout=SYNC_TIMEOUT, delay=delay))


def end_run(session: Session, run: SyncRun, error: GuardianError) -> None:
    run.error_code, run.error = error.code, error.message
    close_run(run, SyncStatus.FAILED)
    session.flush()
    tell(session, run)


def close_run(run: SyncRun, status: SyncStatus) -> None:
    run.status, run.finished_at = status, utcnow()
    run.not_before = run.lease_token = run.lease_until = None


def steps_done(run: SyncRun) -> list[str]:
    return list((run.cursor or {}).get("done", []))


def tell(session: Session, run: SyncRun) -> None:
    facts = {
        "id": run.id,
        "keyId": run.api_key_id,
        "status": run.status,
        "stepsDone": run.steps_done,
        "stepsTotal": run.steps_total,
    }
    db.after_commit(session, partial(live.publish, "org", run.organization_id, live.JOB_UPDATE, facts))
