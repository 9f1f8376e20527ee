"""Audit: what was done, chained by hash, so that a row that is changed, added or taken away later shows."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from sqlmodel import Session, col, select

from guardian import db
from guardian.errors import ValidationError
from guardian.logs import mask
from guardian.models import ActivityLog, User
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people.views import ActivityView, Page

MAX_TEXT = 500
MAX_PAGE = 200

# A value under such a name is a secret, however it looks; "keyId" and "inputTokens" are not such names.
_SECRET_NAME = re.compile(r"(password|secret|token|authorization|cookie|(^|[a-z_\-])key)$", re.IGNORECASE)


def record(
    session: Session,
    actor: Actor | None,
    action: str,
    *,
    resource_type: str | None = None,
    resource_id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    organization_id: str | None = None,
    request_id: str | None = None,
    ip_address: str | None = None,
) -> ActivityLog:
    """Append one action to the organization's chain, in the caller's transaction; call it last, it takes a lock.

    `organization_id`, `request_id` and `ip_address` are the actor's, or the given ones where there is no actor; an
    action of nobody in no organization goes to the chain "". Secrets in `metadata` are left out.
    """
    organization = actor.organization_id if actor else organization_id
    chain = organization or ""
    facts = _clean(metadata or {})
    if actor is not None:
        # The column user_id is emptied with the person; this copy is covered by the hash and stays.
        facts = {**facts, "userId": actor.user_id}
    db.lock(session, "activity", chain)
    last, previous_hash = _end(session, chain)
    row = ActivityLog(
        chain=chain,
        sequence=last + 1,
        user_id=actor.user_id if actor else None,
        organization_id=organization,
        action=action,
        resource_type=resource_type,
        resource_id=_text(resource_id) if resource_id is not None else None,
        request_id=actor.request_id if actor else request_id,
        ip_address=actor.ip_address if actor else ip_address,
        meta=facts,
        previous_hash=previous_hash,
        hash="",
        created_at=utcnow(),
    )
    row.hash = _hash(row)
    session.add(row)
    session.flush()
    return row


def _end(session: Session, chain: str) -> tuple[int, str]:
    """The number and the hash of the chain's last row; (0, "") where it has none."""
    found = session.exec(
        select(ActivityLog.sequence, ActivityLog.hash)
        .where(ActivityLog.chain == chain)
        .order_by(col(ActivityLog.sequence).desc())
        .limit(1)
    ).first()
    return (found[0], found[1]) if found else (0, "")


def verify(session: Session, chain: str) -> str | None:
    """The id of the first row of the chain that is not as it was written, or follows a missing one; None when sound."""
    expected, previous_hash = 1, ""
    query = select(ActivityLog).where(ActivityLog.chain == chain).order_by(col(ActivityLog.sequence))
    # Closed at the first broken row, or its cursor would stay open on the server.
    with session.exec(query, execution_options={"yield_per": 1_000}) as rows:
        for row in rows:
            stranger = row.user_id is not None and (row.meta or {}).get("userId") != row.user_id
            if row.sequence != expected or row.previous_hash != previous_hash or row.hash != _hash(row) or stranger:
                return row.id
            expected, previous_hash = expected + 1, row.hash
    return None


def chains(session: Session) -> list[str]:
    """The names of all chains: an organization's id each, and "" for actions of nobody."""
    return list(session.exec(select(ActivityLog.chain).distinct().order_by(ActivityLog.chain)))


def list_activity(session: Session, actor: Actor, cursor: str | None = None, limit: int = 50) -> Page[ActivityView]:
    """What was done in the actor's organization, newest first. Raises ValidationError for a cursor not of ours."""
    actor.require("activity:read")
    limit = max(1, min(limit, MAX_PAGE))
    query = (
        select(ActivityLog, User.name, User.email)
        .join(User, col(User.id) == col(ActivityLog.user_id), isouter=True)
        .where(ActivityLog.chain == actor.organization_id)
        .order_by(col(ActivityLog.sequence).desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        query = query.where(col(ActivityLog.sequence) < _sequence(cursor))
    rows = session.exec(query).all()
    return Page(
        items=tuple(
            ActivityView(
                id=row.id,
                action=row.action,
                actor=name or email,
                user_id=row.user_id,
                resource_type=row.resource_type,
                resource_id=row.resource_id,
                request_id=row.request_id,
                ip_address=row.ip_address,
                metadata={key: value for key, value in (row.meta or {}).items() if key != "userId"},
                created_at=row.created_at,
            )
            for row, name, email in rows[:limit]
        ),
        next_cursor=str(rows[limit - 1][0].sequence) if len(rows) > limit else None,
    )


def _sequence(cursor: str) -> int:
    # 18 digits always fit a bigint.
    if not re.fullmatch(r"[0-9]{1,18}", cursor):
        raise ValidationError(
            "This cursor is not one that a list gave.", details=[{"field": "cursor", "message": "unknown cursor"}]
        )
    return int(cursor)


def _hash(row: ActivityLog) -> str:
    """SHA-256 over the canonical JSON of the row and the hash before it; two columns that may be emptied stay out."""
    content = {
        "id": row.id,
        "chain": row.chain,
        "sequence": row.sequence,
        "action": row.action,
        "resourceType": row.resource_type,
        "resourceId": row.resource_id,
        "requestId": row.request_id,
        "ipAddress": row.ip_address,
        "metadata": row.meta,
        "createdAt": row.created_at.astimezone(UTC).isoformat(),
        "previousHash": row.previous_hash,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _clean(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {_text(name): _value(value) for name, value in facts.items() if not _SECRET_NAME.search(name)}


def _value(value: object) -> Any:
    """What comes back from jsonb as it went in: no floats, no times, no NUL, nothing longer than a line."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return _clean(cast("Mapping[str, Any]", value))
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(item) for item in cast("list[object]", value)]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return _text(str(value))


def _text(value: str) -> str:
    return mask(value.replace("\x00", ""))[:MAX_TEXT]
