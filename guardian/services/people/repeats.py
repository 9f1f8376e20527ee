"""Requests that are sent twice: done once, and answered twice with the same words.

A request that names an Idempotency-Key takes its row before it does anything, in a transaction of its own. What it does
marks the row in its own transaction: it cannot be done without the mark, nor marked without being done, whatever dies
when. Its answer follows. A row that is not marked when its lease is over belongs to a process that is gone, and whoever
asks next takes it over. Answers are sealed, every one of them: some hold a secret that is told only once.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, delete, select

from guardian.crypto import EncryptedData, EncryptionService, encryption
from guardian.errors import ApiError, ConflictError, DecryptionError
from guardian.models import IdempotentRequest
from guardian.models.base import new_id
from guardian.periods import utcnow
from guardian.services.actor import Actor

KEPT = timedelta(hours=24)
LEASE = timedelta(minutes=2)  # longer than any route takes: a key's test has 30 s for each of three attempts
_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that is ours to do: no other process has the same row with this lease."""

    id: str
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered the first time."""

    status: int
    body: str


class RequestRunning(ConflictError):
    """The first one is not over; `retry_after` in seconds."""

    code = "REQUEST_RUNNING"

    def __init__(self, retry_after: int) -> None:
        super().__init__("A request with this Idempotency-Key is still running. Ask again for its answer.")
        self.retry_after = retry_after


def claim(session: Session, actor: Actor, key: str, fingerprint: str) -> Claim | Answered:
    """Take the key for this request, or give the answer that it was given before.

    Raises ApiError (422) when the key was used for another request, RequestRunning while the first one runs, and
    ConflictError when it was done and its answer is lost.
    """
    now = utcnow()
    fresh = Claim(new_id(), now + LEASE)
    values = {
        "id": fresh.id,
        "organization_id": actor.organization_id,
        "user_id": actor.user_id,
        "key": key,
        "fingerprint": fingerprint,
        "created_at": now,
        "lease_until": fresh.lease_until,
    }
    made = session.exec(
        insert(IdempotentRequest).values(values).on_conflict_do_nothing().returning(col(IdempotentRequest.id))
    )
    if made.first() is not None:
        return fresh
    row = session.exec(
        select(IdempotentRequest)
        .where(
            IdempotentRequest.organization_id == actor.organization_id,
            IdempotentRequest.user_id == actor.user_id,
            IdempotentRequest.key == key,
        )
        .with_for_update()
    ).first()
    if row is None:  # it was taken back in between
        raise RequestRunning(1)
    return _again(session, row, fingerprint, now)


def _again(session: Session, row: IdempotentRequest, fingerprint: str, now: datetime) -> Claim | Answered:
    is_old = row.created_at <= now - KEPT
    if row.fingerprint != fingerprint and not is_old:
        raise ApiError(
            "This Idempotency-Key was used for another request. Use a new key for each request.",
            422,
            "IDEMPOTENCY_KEY_REUSED",
        )
    if row.lease_until > now and row.body is None:
        raise RequestRunning(max(1, min(5, int((row.lease_until - now).total_seconds()))))
    if row.status is None or is_old:
        row.lease_until, row.fingerprint, row.status, row.body = now + LEASE, fingerprint, None, None
        row.created_at = now
        session.flush()
        return Claim(row.id, row.lease_until)
    return Answered(row.status, _open(row.body))


def mark(session: Session, claim: Claim, status: int) -> None:
    """In the transaction that does it: it is done. Raises ConflictError when the lease was taken over."""
    marked = session.exec(
        update(IdempotentRequest)
        .where(
            col(IdempotentRequest.id) == claim.id,
            col(IdempotentRequest.lease_until) == claim.lease_until,
            col(IdempotentRequest.status).is_(None),
        )
        .values(status=status)
    )
    if not marked.rowcount:
        raise ConflictError("This request took too long, and was done anew by another one. Ask again for its answer.")


def keep(session: Session, claim: Claim, status: int, body: str) -> None:
    """Its answer, sealed, for KEPT."""
    values = {"status": status, "body": sealed(encryption(), body)}
    session.exec(update(IdempotentRequest).where(col(IdempotentRequest.id) == claim.id).values(**values))


def release(session: Session, claim: Claim) -> None:
    """It was refused and nothing was done: the key is free. What is marked as done stays so."""
    session.exec(
        delete(IdempotentRequest).where(
            col(IdempotentRequest.id) == claim.id,
            col(IdempotentRequest.lease_until) == claim.lease_until,
            col(IdempotentRequest.status).is_(None),
        )
    )


def forget_old(session: Session) -> int:
    """Delete rows that are older than KEPT, at most _BATCH of them; how many."""
    old = select(IdempotentRequest.id).where(IdempotentRequest.created_at <= utcnow() - KEPT).limit(_BATCH)
    return session.exec(delete(IdempotentRequest).where(col(IdempotentRequest.id).in_(old))).rowcount


def _open(body: str | None) -> str:
    lost = "This was done, but its answer is lost. Read what it made, or use a new Idempotency-Key."
    if body is None:
        raise ConflictError(lost)
    try:
        return opened(encryption(), body)[0]
    except DecryptionError:
        raise ConflictError(lost) from None


def sealed(service: EncryptionService, answer: str) -> str:
    """An answer as it is stored."""
    return json.dumps(asdict(service.encrypt(answer)))


def opened(service: EncryptionService, stored: str) -> tuple[str, str]:
    """A stored answer, and the id of the key that sealed it. Raises DecryptionError."""
    data = EncryptedData(**json.loads(stored))
    return service.decrypt(data.encrypted_data, data.iv, data.tag, data.key_id), data.key_id
