"""Uses of stored secrets: a row for the first of each secret, purpose, machine and day, not one for every call."""

import os
import socket
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from guardian import db
from guardian.models import ActivityLog
from guardian.periods import utcnow
from guardian.services.people.audit.writing import record

ACTION = "SECRET_USE"
_KEPT = 10_000

# What this process need not ask the database about any more.
_known: dict[tuple[str, str], date] = {}


def note_use(session: Session, organization_id: str | None, resource_type: str, resource_id: str, purpose: str) -> bool:
    """Write down that a secret is used ("sync", "gateway", "notice"); whether it was the first time today, here."""
    now = utcnow()
    place = (resource_id, purpose)
    if _known.get(place) == now.date() or _is_known(session, organization_id or "", resource_id, purpose, now):
        _remember(place, now.date())
        return False
    record(
        session,
        None,
        ACTION,
        resource_type=resource_type,
        resource_id=resource_id,
        metadata={"purpose": purpose, "host": socket.gethostname(), "process": os.getpid()},
        organization_id=organization_id,
    )
    # Not before the row is there for good.
    db.after_commit(session, lambda: _remember(place, now.date()))
    return True


def _is_known(session: Session, chain: str, resource_id: str, purpose: str, now: datetime) -> bool:
    """A worker forgets with each job, as it forks for each: the rows of today tell as well."""
    midnight = datetime.combine(now.date(), time(), ZoneInfo("UTC"))
    query = (
        select(ActivityLog.id)
        .where(
            ActivityLog.chain == chain,
            ActivityLog.resource_id == resource_id,
            ActivityLog.action == ACTION,
            col(ActivityLog.created_at) >= midnight,
            col(ActivityLog.meta)["purpose"].astext == purpose,
            col(ActivityLog.meta)["host"].astext == socket.gethostname(),
        )
        .limit(1)
    )
    return session.exec(query).first() is not None


def _remember(place: tuple[str, str], day: date) -> None:
    if len(_known) >= _KEPT:
        _known.clear()
    _known[place] = day
