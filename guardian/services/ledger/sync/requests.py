"""Pulls of a key's reports: asked for, looked at, scheduled, and brought back when their worker is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import and_, func, not_, or_, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from guardian.errors import NotFoundError, UnavailableError, ValidationError
from guardian.models import ApiKey, Organization, SyncRun
from guardian.models.enums import KeyStatus, SyncStatus, SyncTrigger
from guardian.periods import calendar_period, utcnow, zone
from guardian.providers.registry import adapter_of
from guardian.services.actor import Actor
from guardian.services.ledger.queries.freshness import run_view
from guardian.services.ledger.sync.coverage import window_for
from guardian.services.ledger.sync.events import enqueue_run, tell
from guardian.services.ledger.sync.outcomes import STOPPED, STOPPING_CODES
from guardian.services.ledger.views import SyncRunView

MOST_LISTED = 100
_UNFINISHED = (SyncStatus.QUEUED, SyncStatus.RUNNING)
# A run that was due this long ago and that no worker took up: its job was lost with Redis.
_OVERDUE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DueKey:
    """A key that the schedule pulls, and for whom."""

    key_id: str
    user_id: str
    organization_id: str


def request_sync(
    session: Session,
    actor: Actor,
    key_id: str,
    *,
    start: date | None = None,
    end: date | None = None,
    trigger: SyncTrigger,
) -> SyncRunView:
    """Have a key's reports pulled, by a worker, after this transaction's commit; gives the job.

    A key has at most one unfinished pull: that one is given if there is one, and asked for by hand it waits no longer.
    `start` and `end` are UTC days, `end` included, or instants; without them the pull goes on where the last one
    ended. Raises NotFoundError, AuthorizationError, and ValidationError for a key or a span that cannot be pulled.
    """
    actor.require("keys:sync")
    key = session.get(ApiKey, key_id)
    if key is None or key.organization_id != actor.organization_id:
        raise NotFoundError("Key")
    _check_key(key)
    window = window_for(session, key, trigger, start, end, utcnow())
    wanted = SyncRun(
        organization_id=actor.organization_id,
        api_key_id=key.id,
        requested_by_id=None if trigger is SyncTrigger.SCHEDULE else actor.user_id,
        trigger=trigger,
        window_start=window.start,
        window_end=window.end,
    )
    # An unfinished pull that is not seen may be finished in the next moment, and then a new one is possible.
    for _ in range(3):
        run = _insert(session, wanted)
        if run is not None:
            enqueue_run(session, run)
            tell(session, run)
            return run_view(run, key)
        run = session.exec(
            select(SyncRun).where(SyncRun.api_key_id == key.id, col(SyncRun.status).in_(_UNFINISHED))
        ).first()
        if run is not None:
            if trigger is SyncTrigger.DEMAND:
                _hurry(session, run)
            return run_view(run, key)
    raise UnavailableError("Pulls of this key begin and end too fast right now. Try again shortly.")


def _check_key(key: ApiKey) -> None:
    """Raises ValidationError, in words that say what to do."""
    message, facts = None, key.meta or {}
    if facts.get("kind") != "admin":
        message = f"There is nothing to pull. {adapter_of(key.provider).why_no_reports(facts.get('kind'), facts)}"
    elif not key.is_active:
        message = "This key is switched off. Switch it on and pull again."
    if message is not None:
        raise ValidationError(message, details=[{"field": "id", "message": message}])


def _insert(session: Session, wanted: SyncRun) -> SyncRun | None:
    """The new run, or None when the key has an unfinished one; waits for whoever is just adding or ending one."""
    statement = (
        insert(SyncRun)
        .values(wanted.model_dump())
        .on_conflict_do_nothing(index_elements=["api_key_id"], index_where=text("status IN ('queued', 'running')"))
        .returning(col(SyncRun.id))
    )
    added = session.exec(statement).first()
    return None if added is None else session.get_one(SyncRun, wanted.id)


def _hurry(session: Session, run: SyncRun) -> None:
    if run.status is SyncStatus.QUEUED and run.not_before is not None:
        run.not_before = None
        session.flush()
        enqueue_run(session, run, suffix="-now")


def get_run(session: Session, actor: Actor, run_id: str) -> SyncRunView:
    """One pull of the organization. Raises NotFoundError, AuthorizationError."""
    actor.require("jobs:read")
    found = session.exec(
        select(SyncRun, ApiKey)
        .join(ApiKey, col(ApiKey.id) == col(SyncRun.api_key_id))
        .where(SyncRun.id == run_id, SyncRun.organization_id == actor.organization_id)
    ).first()
    if found is None:
        raise NotFoundError("Job")
    return run_view(*found)


def list_runs(session: Session, actor: Actor, key_id: str | None = None, limit: int = 20) -> list[SyncRunView]:
    """The organization's pulls, or one key's, newest first, at most 100. Raises AuthorizationError."""
    actor.require("jobs:read")
    query = (
        select(SyncRun, ApiKey)
        .join(ApiKey, col(ApiKey.id) == col(SyncRun.api_key_id))
        .where(SyncRun.organization_id == actor.organization_id)
        .order_by(col(SyncRun.created_at).desc(), col(SyncRun.id).desc())
        .limit(max(1, min(limit, MOST_LISTED)))
    )
    if key_id is not None:
        query = query.where(SyncRun.api_key_id == key_id)
    return [run_view(run, key) for run, key in session.exec(query)]


def due_keys(session: Session, now: datetime) -> Sequence[DueKey]:
    """What the schedule pulls now, of all organizations: active admin keys that nothing permanent is wrong with, and
    that the schedule has not pulled since midnight in their organization's time zone. A key that was added since then
    was pulled when it was added.
    """
    last = (
        select(SyncRun.error_code)
        .where(SyncRun.api_key_id == ApiKey.id)
        .order_by(col(SyncRun.created_at).desc(), col(SyncRun.id).desc())
        .limit(1)
        .scalar_subquery()
    )
    failing = and_(col(ApiKey.status) == KeyStatus.FAILING, func.coalesce(last, "").in_(STOPPING_CODES))
    scheduled = (
        select(func.max(SyncRun.created_at))
        .where(SyncRun.api_key_id == ApiKey.id, SyncRun.trigger == SyncTrigger.SCHEDULE)
        .scalar_subquery()
    )
    rows = session.exec(
        select(ApiKey, Organization, scheduled)
        .join(Organization, col(Organization.id) == col(ApiKey.organization_id))
        .where(
            col(ApiKey.is_active),
            col(ApiKey.status).not_in(STOPPED),
            not_(failing),
            col(ApiKey.meta)["kind"].astext == "admin",
        )
        .order_by(ApiKey.id)
    )
    return [
        DueKey(key.id, key.user_id, organization.id)
        for key, organization, latest in rows
        if max(key.created_at, latest or key.created_at) < _midnight(organization, now)
    ]


def _midnight(organization: Organization, now: datetime) -> datetime:
    return calendar_period(now, "day", zone(organization.time_zone)).start


def resume_runs(session: Session) -> int:
    """Call workers again for runs whose worker is gone, and for those that are due and that none took up."""
    runs = session.exec(
        select(SyncRun).where(
            or_(
                and_(col(SyncRun.status) == SyncStatus.RUNNING, col(SyncRun.lease_until) < func.now()),
                and_(
                    col(SyncRun.status) == SyncStatus.QUEUED,
                    func.coalesce(col(SyncRun.not_before), col(SyncRun.created_at)) < func.now() - _OVERDUE,
                ),
            )
        )
    ).all()
    for run in runs:
        # Not the id of the job that may have been lost with its delay still on it.
        enqueue_run(session, run, suffix="-again")
    return len(runs)
