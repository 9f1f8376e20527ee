"""Appends what was done to an organization's chain, in the transaction that did it."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sqlmodel import Session

from guardian import db
from guardian.logs import mask
from guardian.models import ActivityLog
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people.audit import chain as chained
from guardian.services.people.audit import changes
from guardian.services.people.audit.changes import Change

MAX_TEXT = 500
MAX_ALSO = 20  # further rows that one action changed; more are counted

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
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    organization_id: str | None = None,
    request_id: str | None = None,
    ip_address: str | None = None,
) -> ActivityLog:
    """Append one action to the organization's chain, in the caller's transaction; call it last, it takes a lock.

    `organization_id`, `request_id` and `ip_address` are the actor's, or the given ones where there is no actor; an
    action of nobody in no organization goes to the chain "". With an actor, an `organization_id` is the one that the
    action was done to, where that is not the actor's own. What the action changed is noticed (changes.py) and kept
    as `before` and `after`; give them where a row was not changed through the ORM. Secrets are left out of all.
    """
    organization = organization_id or (actor.organization_id if actor else None)
    chain = organization or ""
    facts = _clean(metadata or {}) | _changed(changes.take(session), resource_id, before, after) | _who(actor)
    db.lock(session, "activity", chain)
    last, previous_hash = chained.end(session, chain)
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
    row.hash = chained.hash_of(row)
    session.add(row)
    session.flush()
    chained.seal(session, row)
    return row


def _who(actor: Actor | None) -> dict[str, Any]:
    """The column user_id is emptied with the person; this copy is covered by the hash and stays."""
    if actor is None:
        return {}
    eyes = {} if actor.impersonator_id is None else {"impersonatorId": actor.impersonator_id}
    return {"userId": actor.user_id, **eyes}


def _changed(
    found: Sequence[Change],
    resource_id: str | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The facts `before` and `after` of what the action is about, and `also`: what else it changed."""
    facts: dict[str, Any] = {}
    subject = next((each for each in found if each.id == resource_id), None)
    if subject is None and before is None and after is None and len(found) == 1:
        subject = found[0]
    old, new = before or (subject.before if subject else {}), after or (subject.after if subject else {})
    if old:
        facts["before"] = _clean(old)
    if new:
        facts["after"] = _clean(new)
    others = [each for each in found if each is not subject]
    if others:
        facts["also"] = [_told(each) for each in others[:MAX_ALSO]]
    if len(others) > MAX_ALSO:
        facts["alsoMore"] = len(others) - MAX_ALSO
    return facts


def _told(change: Change) -> dict[str, Any]:
    told: dict[str, Any] = {"what": change.what, "id": _text(change.id)}
    if change.before:
        told["before"] = _clean(change.before)
    if change.after:
        told["after"] = _clean(change.after)
    return told


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
