"""What becomes of a SyncRun under its lease: a step done, all done, put off, or given up. Every write is fenced."""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from sqlmodel import Session

from guardian import db, live, queue
from guardian.errors import GuardianError, ProviderError
from guardian.models import SyncRun
from guardian.models.enums import KeyStatus, SyncStatus
from guardian.periods import Window, utcnow
from guardian.services.ledger.sync.coverage import extend_coverage, know_account
from guardian.services.ledger.sync.events import close_run, end_run, enqueue_run, steps_done, tell
from guardian.services.ledger.sync.leases import Claim, held, lock_key
from guardian.services.ledger.sync.outcomes import stop_key
from guardian.services.ledger.writing.buckets import WriteResult
from guardian.services.people import kept
from guardian.services.people.provider_keys import mark_key

# Minutes to wait after the first, second, … temporary failure in a row, ± 20 %.
BACKOFF = (1, 2, 5, 15, 30, 60, 60)
MOST_FAILURES = len(BACKOFF) + 1
LONGEST_WAIT = timedelta(hours=6)


def record_step(
    session: Session,
    claim: Claim,
    step: str,
    *,
    total: int,
    result: WriteResult,
    read: Callable[[frozenset[str]], Sequence[Window]],
) -> None:
    """Note a step as done and what it changed. `read` tells, by the steps done, the spans of which all is read.

    Call it last: from here until the commit nobody else can take the run over. Raises LeaseLost.
    """
    run = held(session, claim)
    done = [*steps_done(run), step]
    run.cursor = {"done": done}
    run.steps_done, run.steps_total, run.failures = len(done), total, 0
    run.rows_read += result.read
    run.rows_added += result.added
    run.rows_changed += result.changed
    run.rows_removed += result.removed
    account = claim.account
    if spans := read(frozenset(done)):
        extend_coverage(know_account(session, account.organization_id, account.provider, account.account_id), spans)
    session.flush()
    tell(session, run)
    if result.altered:
        facts = {"provider": account.provider, "accountId": account.account_id, "runId": run.id}
        db.after_commit(session, partial(live.publish, "org", account.organization_id, live.USAGE_UPDATE, facts))
        db.after_commit(session, partial(queue.check_soon, account.organization_id))


def finish(session: Session, claim: Claim) -> None:
    """All is read: the run is over, and the key has shown that it works. Raises LeaseLost."""
    key = lock_key(session, claim.run_id)
    run = held(session, claim)
    run.error_code = run.error = None
    close_run(run, SyncStatus.FINISHED)
    if key is not None and key.iv == claim.sealed.iv:
        mark_key(session, claim.api_key_id, KeyStatus.ACTIVE, None)
    session.flush()
    kept.forget(session, kept.provider_owner(claim.provider))
    tell(session, run)


def give_up(session: Session, claim: Claim, error: GuardianError, vendor: str) -> None:
    """A failure that waiting does not mend: the run is over, the key is marked and its owner told. Raises LeaseLost.

    A key that was replaced in the meantime is tried again at once instead: the old one's failure says nothing of it.
    """
    key = lock_key(session, claim.run_id)
    run = held(session, claim)
    if key is not None and key.iv != claim.sealed.iv:
        _requeue(session, run, timedelta(0))
        return
    stop_key(session, claim.api_key_id, error, vendor)
    end_run(session, run, error)


def put_off(session: Session, claim: Claim, error: ProviderError) -> None:
    """A failure that may pass: tried again later, and given up only after MOST_FAILURES in a row. Raises LeaseLost."""
    run = held(session, claim)
    run.failures += 1
    if run.failures >= MOST_FAILURES:
        end_run(session, run, error)
        return
    run.error_code, run.error = error.code, error.message
    wait = timedelta(minutes=BACKOFF[run.failures - 1]) * random.uniform(0.8, 1.2)  # noqa: S311  # jitter is no secret
    asked = timedelta(seconds=min(error.retry_after or 0, LONGEST_WAIT.total_seconds()))
    _requeue(session, run, max(wait, asked))


def break_off(session: Session, claim: Claim, error: GuardianError) -> None:
    """A failure of our own: the run is over, the key is not to blame. Raises LeaseLost."""
    end_run(session, held(session, claim), error)


def _requeue(session: Session, run: SyncRun, wait: timedelta) -> None:
    run.status, run.lease_token, run.lease_until = SyncStatus.QUEUED, None, None
    run.not_before = utcnow() + wait if wait else None
    session.flush()
    enqueue_run(session, run, delay=wait)
    tell(session, run)
