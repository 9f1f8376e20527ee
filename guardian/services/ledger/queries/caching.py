"""What is cached of an organization's figures, and what makes it outdated."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlmodel import Session, col

from guardian import db
from guardian.cache import DEFAULT_TTL, MOST_BYTES, CacheService
from guardian.models.sync import SyncRun

_REPLICA_TTL = 10  # seconds; what a replica says may be older than the change that made the cache forget
_LATEST_RUNS = 200  # more than can be unfinished at once; finished ones no longer change
_PULLS = "guardian.cache.pulls"  # in the session: the state of the pulls by organization

T = TypeVar("T")


def cached(
    session: Session,
    organization_id: str,
    question: Any,
    fetch: Callable[[], T],
    *,
    user_id: str | None = None,
    ttl: int = DEFAULT_TTL,
    most_bytes: int = MOST_BYTES,
) -> T:
    """The answer to this question (JSON that holds all that the answer depends on besides the ledger), maybe cached.

    With `user_id` it is about the usage of this person alone. A pull makes it outdated by its commit alone, however its
    worker ends after that: the state of the pulls is part of the key, and is read before the ledger. Whoever else
    changes the ledger calls invalidate_organization.
    """
    if db.is_replica(session):
        ttl = min(ttl, _REPLICA_TTL)
    asked = hashlib.sha256(json.dumps(question, default=str).encode()).hexdigest()[:32]
    # A person may work in several organizations.
    mine = CacheService.keys.organization_usage(organization_id)
    of = f"{CacheService.keys.user_usage(user_id)}:{organization_id}" if user_id else mine
    key = f"{of}:{asked}:{_pulls(session, organization_id)}"
    return CacheService().get_or_set(key, fetch, ttl, owner=organization_id, most_bytes=most_bytes)


def invalidate_organization(organization_id: str) -> None:
    """Forget what is cached of an organization's figures.

    Whoever changes the ledger outside of a pull calls it after the commit and before telling the pages, which then read
    anew.
    """
    CacheService().invalidate(organization_id)


def _pulls(session: Session, organization_id: str) -> str:
    """Asked once by a session that only reads, which may ask for the sums of fifty budgets: older than the ledger that
    is read after it, at worst, it is no key of anything outdated.
    """
    if not (db.is_replica(session) or db.only_reads(session)):
        return _pulls_now(session, organization_id)
    known: dict[str, str] = session.info.setdefault(_PULLS, {})
    if organization_id not in known:
        known[organization_id] = _pulls_now(session, organization_id)
    return known[organization_id]


def _pulls_now(session: Session, organization_id: str) -> str:
    latest = (
        select(col(SyncRun.id), col(SyncRun.updated_at))
        .where(col(SyncRun.organization_id) == organization_id)
        .order_by(col(SyncRun.created_at).desc())
        .limit(_LATEST_RUNS)
        .subquery()
    )
    # A sum does not mind the order; it changes with any of the runs.
    state = func.sum(func.hashtextextended(func.concat(latest.c.id, latest.c.updated_at), 0))
    return f"{session.connection().execute(select(state)).scalar_one()}"
