"""The chain of an organization's rows: each holds the hash of the one before, and the last is sealed with our key.

Hashes alone show a changed row; whoever can write to the database could still hash all rows anew, or cut off the last
ones. The seal of the last row is made with the encryption key, which is not in the database. What cannot be told: a
whole database that was put back to an earlier state, seals included.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from sqlalchemy import Row, func, or_
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select, union

from guardian.crypto import EncryptionService, encryption
from guardian.models import ActivityHead, ActivityLog

_BATCH = 2_000
# Made once: json.dumps would make it for each of a million rows.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode
_COLUMNS: Any = (
    col(ActivityLog.id),
    col(ActivityLog.chain),
    col(ActivityLog.sequence),
    col(ActivityLog.user_id),
    col(ActivityLog.action),
    col(ActivityLog.resource_type),
    col(ActivityLog.resource_id),
    col(ActivityLog.request_id),
    col(ActivityLog.ip_address),
    col(ActivityLog.meta).label("meta"),
    col(ActivityLog.previous_hash),
    col(ActivityLog.hash),
    col(ActivityLog.created_at),
)

Kind = Literal["changed", "removed", "inserted", "moved", "cut off", "seal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """The first thing of a chain that is not as it was written.

    `sequence` is the number of the row that is altered or gone, `row_id` its id, or where it is gone that of the row
    that follows it (None at the chain's end). `what` says it as a sentence.
    """

    chain: str
    kind: Kind
    sequence: int
    row_id: str | None
    what: str


def end(session: Session, chain: str) -> tuple[int, str]:
    """The number and the hash of the chain's last row; (0, "") where it has none."""
    found = session.exec(
        select(ActivityLog.sequence, ActivityLog.hash)
        .where(ActivityLog.chain == chain)
        .order_by(col(ActivityLog.sequence).desc())
        .limit(1)
    ).first()
    return (found[0], found[1]) if found else (0, "")


def hash_of(row: ActivityLog | Row[Any]) -> str:
    """SHA-256 over the canonical JSON of the row and the hash before it; two columns that may be emptied stay out."""
    return _hash(row, row.sequence)


def _hash(row: ActivityLog | Row[Any], sequence: int) -> str:
    created: datetime = row.created_at
    content = {
        "id": row.id,
        "chain": row.chain,
        "sequence": sequence,
        "action": row.action,
        "resourceType": row.resource_type,
        "resourceId": row.resource_id,
        "requestId": row.request_id,
        "ipAddress": row.ip_address,
        "metadata": row.meta,
        "createdAt": created.astimezone(UTC).isoformat(),
        "previousHash": row.previous_hash,
    }
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def seal(session: Session, row: ActivityLog) -> None:
    """Note, sealed with our key, that this row is the chain's last."""
    mac, key_id = encryption().sign(_sealed(row.chain, row.sequence, row.hash))
    values = {"sequence": row.sequence, "hash": row.hash, "mac": mac, "key_id": key_id}
    statement = insert(ActivityHead).values(chain=row.chain, **values)
    session.connection().execute(statement.on_conflict_do_update(index_elements=["chain"], set_=values))


def fits(ring: EncryptionService, head: ActivityHead) -> bool:
    """Whether the seal was made of this end, by a key of the ring."""
    try:
        return head.key_id is not None and ring.signed(_text(head), head.mac, head.key_id)
    except LookupError:
        return False


def seal_anew(ring: EncryptionService, head: ActivityHead) -> None:
    """With the current key."""
    head.mac, head.key_id = ring.sign(_text(head))


def _text(head: ActivityHead) -> str:
    return _sealed(head.chain, head.sequence, head.hash)


def chains(session: Session) -> list[str]:
    """The names of all chains: an organization's id each, and "" for actions of nobody."""
    return sorted(session.exec(union(select(ActivityLog.chain), select(ActivityHead.chain))).scalars())  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownMemberType, reportUnknownVariableType, reportUnknownArgumentType]  # SQLModel's exec knows no compound selects


def verify(session: Session, chain: str) -> Alteration | None:
    """The first alteration of the chain; None when it is sound. It is streamed: a million rows take no more memory."""
    expected, hashes = 1, ("", "")  # the hash of the row before, and of the one before that
    last: Row[Any] | None = None
    for row in _rows(session, chain):
        found = _look(session, row, expected, hashes, last)
        if found is not None:
            return found
        expected, hashes, last = expected + 1, (row.hash, hashes[0]), row
    return _look_at_seal(session, chain, expected - 1, hashes[0], last)


def _rows(session: Session, chain: str) -> Iterator[Row[Any]]:
    query: Any = select_columns(*_COLUMNS).where(col(ActivityLog.chain) == chain).order_by(col(ActivityLog.sequence))
    # Closed at the first broken row, or its cursor would stay open on the server. Not through the session, which would
    # look at each row for objects: a sixth of the time.
    with session.connection().execute(query, execution_options={"yield_per": _BATCH}) as rows:
        yield from rows


def _look(
    session: Session, row: Row[Any], expected: int, hashes: tuple[str, str], last: Row[Any] | None
) -> Alteration | None:
    def found(kind: Kind, sequence: int, row_id: str, what: str) -> Alteration:
        return Alteration(chain=row.chain, kind=kind, sequence=sequence, row_id=row_id, what=what)

    if row.sequence != expected:
        gone = f"{expected}" if row.sequence == expected + 1 else f"{expected} to {row.sequence - 1}"
        return found("removed", expected, row.id, f"row {gone} is gone; row {row.sequence} ({row.id}) follows")
    own = hash_of(row) == row.hash
    person: object = cast("dict[str, Any]", row.meta or {}).get("userId")
    if own and row.previous_hash == hashes[0]:
        if row.user_id is None or person == row.user_id:
            return None
        return found("changed", expected, row.id, f"row {expected} ({row.id}) names another person than it was written")
    if own and last is not None:
        # What was written after a row knows its hash: the row before has been replaced, hash and all.
        return found("changed", last.sequence, last.id, f"row {last.sequence} ({last.id}) was changed and hashed anew")
    if last is not None and row.previous_hash == hashes[1] and _hash(row, expected - 1) == row.hash:
        return found("inserted", last.sequence, last.id, f"row {last.sequence} ({last.id}) was put in later")
    origin = _origin(session, row)
    if origin is not None and origin > expected and not _is_there(session, row):
        gone = f"{expected}" if origin == expected + 1 else f"{expected} to {origin - 1}"
        return found("removed", expected, row.id, f"row {gone} is gone, and {row.id} has taken its number")
    if origin is not None:
        return found("moved", expected, row.id, f"row {expected} ({row.id}) was written as row {origin}: re-ordered")
    return found("changed", expected, row.id, f"row {expected} ({row.id}) is not as it was written")


def _origin(session: Session, row: Row[Any]) -> int | None:
    """The place that the row was written for, by its neighbours of then; None where no such place fits."""
    places = session.exec(
        select(ActivityLog.sequence).where(
            ActivityLog.chain == row.chain,
            or_(col(ActivityLog.previous_hash) == row.hash, col(ActivityLog.hash) == row.previous_hash),
        )
    ).all()
    candidates = {place + step for place in places for step in range(-2, 3)}
    return next((place for place in sorted(candidates) if _hash(row, place) == row.hash), None)


def _is_there(session: Session, row: Row[Any]) -> bool:
    """Whether the row that this one was written after still is."""
    before = select(ActivityLog.id).where(ActivityLog.chain == row.chain, ActivityLog.hash == row.previous_hash)
    return session.exec(before.limit(1)).first() is not None


def _look_at_seal(
    session: Session, chain: str, sequence: int, last_hash: str, last: Row[Any] | None
) -> Alteration | None:
    def found(kind: Kind, number: int, what: str) -> Alteration:
        return Alteration(chain=chain, kind=kind, sequence=number, row_id=last.id if last else None, what=what)

    head = session.get(ActivityHead, chain)
    if head is None:
        return found("seal", sequence, f"the seal of its end (row {sequence}) is gone") if sequence else None
    if head.key_id is None:
        return None  # from before there were seals; its next row is sealed
    try:
        sealed = encryption().signed(_sealed(chain, head.sequence, head.hash), head.mac, head.key_id)
    except LookupError:
        return found("seal", sequence, f"its end is sealed with key {head.key_id}, which is not configured")
    if not sealed:
        return found("seal", sequence, f"the seal of its end (row {head.sequence}) was forged")
    if head.sequence > sequence:
        return found("cut off", sequence + 1, f"rows {sequence + 1} to {head.sequence} were cut off its end")
    if head.sequence < sequence:
        return found("inserted", head.sequence + 1, f"row {head.sequence + 1} and later were put in, past its seal")
    if head.hash != last_hash:
        return found("changed", sequence, f"row {sequence} was changed and hashed anew")
    return None


def _sealed(chain: str, sequence: int, last_hash: str) -> str:
    return f"{chain}:{sequence}:{last_hash}"


def length(session: Session, chain: str) -> int:
    """How many rows the chain has."""
    return int(session.exec(select(func.count()).where(ActivityLog.chain == chain)).one())
