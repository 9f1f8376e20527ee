"""Jobs that price stored usage anew: one run chunk by chunk, and those that were cut off brought back."""

from functools import partial

import structlog
from rq.timeouts import BaseTimeoutException

from guardian import db
from guardian.errors import ApiError, GuardianError, UnavailableError
from guardian.jobs.patience import patiently
from guardian.services.ledger.repricing import fail_run, resume_runs
from guardian.services.ledger.repricing.steps import step

log = structlog.get_logger(__name__)


def reprice(run_id: str) -> None:
    """Do what is left of a run. One that is cut off goes on at its next chunk, by whoever takes it up."""
    try:
        while patiently(partial(step, run_id=run_id)):
            pass
        log.info("reprice.over", run=run_id)
    except (UnavailableError, BaseTimeoutException):
        raise  # nothing of the open chunk is written, and the run goes on later where it is
    except ApiError as error:
        log.warning("reprice.failed", run=run_id, error=error.message)
        patiently(partial(fail_run, run_id=run_id, error=error))
    except Exception:  # whatever it is: a run that never ends would be brought back, and fail, for ever
        ours = GuardianError(f"An error of ours stopped this run. Look for {run_id} in the worker's log.")
        patiently(partial(fail_run, run_id=run_id, error=ours))
        raise


def resume_repricing() -> None:
    """Call workers for runs that were cut off, or lost with the queue."""
    with db.session() as session:
        resumed = resume_runs(session)
    if resumed:
        log.info("reprice.resumed", runs=resumed)
