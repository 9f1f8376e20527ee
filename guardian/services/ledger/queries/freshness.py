"""How old the figures are: the pulls that are done, under way, or failing."""

from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from guardian.models.enums import SyncStatus
from guardian.models.keys import ApiKey
from guardian.models.sync import SyncRun
from guardian.periods import DAY, floor_day
from guardian.services.ledger.views import Freshness, SyncRunView

_UNFINISHED = (SyncStatus.QUEUED, SyncStatus.RUNNING)


def read_freshness(session: Session, organization_id: str, now: datetime) -> Freshness:
    """`as_of` is the latest instant that a finished pull reached; `failing` are active keys whose last pull failed."""
    reached = func.max(func.least(col(SyncRun.window_end), col(SyncRun.finished_at)))
    mine = col(SyncRun.organization_id) == organization_id
    as_of = select(reached).where(mine, col(SyncRun.status) == SyncStatus.FINISHED).scalar_subquery()
    other = aliased(SyncRun)
    newest = (
        select(col(other.id))
        .where(col(other.organization_id) == organization_id, col(other.api_key_id) == col(ApiKey.id))
        .order_by(col(other.created_at).desc(), col(other.id).desc())
        .limit(1)
        .scalar_subquery()
    )
    latest = (
        select(SyncRun, ApiKey, as_of)
        .join(ApiKey, col(ApiKey.id) == col(SyncRun.api_key_id))
        .where(mine, col(SyncRun.id) == newest)
        .order_by(col(SyncRun.created_at), col(SyncRun.id))
    )
    rows: list[Any] = list(session.exec(latest))
    views = [(run_view(run, key), key.is_active) for run, key, _ in rows]
    return Freshness(
        as_of=rows[0][2] if rows else None,
        next_pull=floor_day(now) + DAY,
        running=tuple(view for view, _ in views if view.status in _UNFINISHED),
        failing=tuple(view for view, active in views if active and view.status is SyncStatus.FAILED),
    )


def run_view(run: SyncRun, key: ApiKey) -> SyncRunView:
    """One pull, with the label of its key."""
    done = run.status is SyncStatus.FINISHED
    return SyncRunView(
        id=run.id,
        api_key_id=run.api_key_id,
        key_label=key.label or f"…{key.hint}",
        provider=key.provider.value,
        trigger=run.trigger,
        status=run.status,
        progress=1.0 if done else min(run.steps_done / run.steps_total, 1.0) if run.steps_total else 0.0,
        window_start=run.window_start,
        window_end=run.window_end,
        rows_read=run.rows_read,
        rows_added=run.rows_added,
        rows_changed=run.rows_changed,
        rows_removed=run.rows_removed,
        error=run.error,
        error_code=run.error_code,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        not_before=run.not_before,
    )
