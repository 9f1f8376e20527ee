"""The way through a table whose rows keep something sealed: a batch at a time, with the current encryption key."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from sqlalchemy.orm import InstrumentedAttribute, Mapped
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from guardian.errors import DecryptionError
from guardian.models.base import Table

BATCH = 200
Row = TypeVar("Row", bound=Table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unopened:
    """What no key of the ring opens: its owner has to store it again."""

    id: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one step found: `resealed` rows got the current key, `current` ones had it already.

    `last_id` is where the next step goes on; None when there was nothing left.
    """

    last_id: str | None
    resealed: int
    current: int
    unopened: tuple[Unopened, ...]


def reseal(
    session: Session,
    query: SelectOfScalar[Row],
    key: Mapped[str],
    renew: Callable[[Row, bool], bool],
    name: Callable[[Row], str | None],
    *,
    after: str | None = None,
    size: int = BATCH,
    dry_run: bool = False,
) -> Batch:
    """Renew the query's next rows after `after`, in order of their `key`. Run again, it changes nothing.

    `renew` opens what a row keeps, says whether it was sealed by another key than the current one, and then seals it
    anew where its second argument is true; it raises DecryptionError. `name` says whose it is that cannot be opened;
    None where nobody could do anything about it. One batch is one transaction, so that rows are locked briefly. With
    `dry_run` it counts what it would do. It acts for the installation and therefore takes no actor: only the command
    line calls it.
    """
    query = query.order_by(key).limit(size)
    if after is not None:
        query = query.where(key > after)
    rows = session.exec(query if dry_run else query.with_for_update()).all()
    resealed = current = 0
    unopened: list[Unopened] = []
    for row in rows:
        try:
            renewed = renew(row, not dry_run)
        except DecryptionError as error:
            if (whose := name(row)) is not None:
                unopened.append(Unopened(id=_id(row, key), name=whose, reason=error.message))
            continue
        resealed, current = resealed + renewed, current + (not renewed)
    session.flush()
    last = _id(rows[-1], key) if rows else None
    return Batch(last_id=last, resealed=resealed, current=current, unopened=tuple(unopened))


def _id(row: Table, key: Mapped[str]) -> str:
    found: str = getattr(row, cast("InstrumentedAttribute[str]", key).key)
    return found
