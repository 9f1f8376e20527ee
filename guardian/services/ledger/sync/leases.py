"""Who may work on a SyncRun: one worker at a time, as long as it renews its lease. All clocks are the database's."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, case, func, or_, update
from sqlmodel import Session, col, select

from guardian.config import settings
from guardian.crypto import SealedSecret, new_token
from guardian.errors import GuardianError, ValidationError
from guardian.models import ApiKey, SyncRun
from guardian.models.enums import Provider, SyncStatus
from guardian.periods import Window, utcnow
from guardian.services.ledger.pricebook.overrides import overrides_of
from guardian.services.ledger.sync.coverage import account_id_of, know_account
from guardian.services.ledger.sync.events import end_run, steps_done, tell
from guardian.services.ledger.writing.rows import LedgerAccount

# A run whose workers die this often in a row, without one step done in between, is what kills them.
MOST_LOST = 20
# RQ looks at its own clock and we at the database's.
_EARLY = timedelta(seconds=5)


class LeaseLost(Exception):
    """Another worker has taken the run over, or it was deleted: this one must not write any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A run that this worker may work on as long as it renews the lease. `done` holds the steps done before."""

    run_id: str
    token: str
    api_key_id: str
    provider: Provider
    sealed: SealedSecret = field(repr=False)
    metadata: dict[str, Any]
    account: LedgerAccount
    window: Window
    done: frozenset[str]


def claim(session: Session, run_id: str) -> Claim | None:
    """Take a run up if it is due, or if the worker that had it is gone; None when it is not ours to take.

    A run whose key was switched off, or that kills its workers, is given up here.
    """
    key = lock_key(session, run_id)
    if key is None:
        return None
    token = new_token()
    if not _take(session, run_id, token):
        return None
    run = session.get_one(SyncRun, run_id)
    if not key.is_active or key.organization_id != run.organization_id:
        end_run(session, run, ValidationError("This key was switched off. Switch it on and pull again."))
        return None
    if run.failures >= MOST_LOST:
        end_run(session, run, GuardianError(f"This pull was cut off {run.failures} times. Look at the worker's log."))
        return None
    key.account_id = account_id_of(key)
    key.last_used = utcnow()
    know_account(session, run.organization_id, key.provider, key.account_id)
    session.flush()
    tell(session, run)
    return _claim(session, run, key, token)


def _take(session: Session, run_id: str, token: str) -> bool:
    """Whether the run was due, or its worker gone, and is this token's now."""
    lost = col(SyncRun.status) == SyncStatus.RUNNING
    due = or_(col(SyncRun.not_before).is_(None), col(SyncRun.not_before) <= func.now() + _EARLY)
    taken = session.exec(
        update(SyncRun)
        .where(
            col(SyncRun.id) == run_id,
            or_(
                and_(col(SyncRun.status) == SyncStatus.QUEUED, due),
                and_(lost, col(SyncRun.lease_until) < func.clock_timestamp()),
            ),
        )
        .values(
            status=SyncStatus.RUNNING,
            lease_token=token,
            lease_until=_lease_end(),
            not_before=None,
            started_at=func.coalesce(col(SyncRun.started_at), func.now()),
            attempt=col(SyncRun.attempt) + 1,
            failures=case((lost, col(SyncRun.failures) + 1), else_=col(SyncRun.failures)),
        )
        .returning(col(SyncRun.id))
    )
    return taken.first() is not None


def _claim(session: Session, run: SyncRun, key: ApiKey, token: str) -> Claim:
    return Claim(
        run_id=run.id,
        token=token,
        api_key_id=key.id,
        provider=key.provider,
        sealed=SealedSecret(key.encrypted_key, key.iv, key.tag, key.encryption_key_id),
        metadata=dict(key.meta or {}),
        account=LedgerAccount(
            organization_id=run.organization_id,
            provider=key.provider,
            account_id=account_id_of(key),
            user_id=key.user_id,
            overrides=overrides_of(session, run.organization_id, key.provider),
        ),
        window=Window(run.window_start, run.window_end),
        done=frozenset(steps_done(run)),
    )


def renew(session: Session, claim: Claim) -> bool:
    """Hold the run for another while; False when somebody else has it by now, or it is over."""
    renewed = session.exec(
        update(SyncRun)
        .where(
            col(SyncRun.id) == claim.run_id,
            col(SyncRun.lease_token) == claim.token,
            col(SyncRun.status) == SyncStatus.RUNNING,
        )
        .values(lease_until=_lease_end())
        .returning(col(SyncRun.id))
    )
    return renewed.first() is not None


def is_done(session: Session, claim: Claim, step: str) -> bool:
    """Whether an earlier try has committed this step already, its answer lost. Raises LeaseLost."""
    run = session.exec(select(SyncRun).where(SyncRun.id == claim.run_id, SyncRun.lease_token == claim.token)).first()
    if run is None:
        raise LeaseLost
    return step in steps_done(run)


def lock_key(session: Session, run_id: str) -> ApiKey | None:
    """The run's key, which nobody changes or deletes until the transaction ends; None when both are gone.

    Taken before the run, because deleting a key locks it first and its runs after it.
    """
    return session.exec(
        select(ApiKey)
        .join(SyncRun, col(SyncRun.api_key_id) == col(ApiKey.id))
        .where(SyncRun.id == run_id)
        .with_for_update(of=ApiKey, key_share=True)
    ).first()


def held(session: Session, claim: Claim) -> SyncRun:
    """The run, locked until the transaction ends. Raises LeaseLost when it is not ours any more."""
    run = session.exec(
        select(SyncRun)
        .where(SyncRun.id == claim.run_id, SyncRun.lease_token == claim.token)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if run is None:
        raise LeaseLost
    return run


def _lease_end() -> Any:
    # Not now(), which is when the transaction began: a renewal may have waited for a lock.
    return func.clock_timestamp() + timedelta(seconds=settings().sync_lease_seconds)
