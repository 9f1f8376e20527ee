"""Versions of rows: which one a client saw, so that it does not overwrite what somebody else has changed since."""

from typing import Any

from sqlmodel import Session, col, select

from guardian.errors import ApiError
from guardian.models.base import Row
from guardian.services.actor import Actor


def version_of(session: Session, actor: Actor, model: type[Row], row_id: str, *, lock: bool = False) -> str | None:
    """The version of a row of the actor's organization; None where it has no such row.

    `lock` keeps others from changing it until the transaction ends.
    """
    # Row has no organization of its own; most tables that are made of it have.
    owner: Any = getattr(model, "organization_id", None)
    owned = owner == actor.organization_id if owner is not None else col(model.id) == actor.organization_id
    query = select(model.updated_at).where(col(model.id) == row_id, owned)
    changed = session.exec(query.with_for_update() if lock else query).one_or_none()
    return None if changed is None else f"{round(changed.timestamp() * 1_000_000):x}"


def require_version(session: Session, actor: Actor, model: type[Row], row_id: str, wanted: frozenset[str]) -> None:
    """Hold the row, if it is there, and see that it is one of the wanted versions. Raises ApiError (412)."""
    version = version_of(session, actor, model, row_id, lock=True)
    if version is not None and version not in wanted:
        raise stale("This was changed since you read it. Read it again, and make your change to what it is now.")


def stale(message: str) -> ApiError:
    """412: what the caller said in If-Match does not hold."""
    return ApiError(message, 412, "PRECONDITION_FAILED")
