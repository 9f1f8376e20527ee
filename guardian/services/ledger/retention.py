"""How long single calls are kept: old months are dropped, and what a plan does not keep of younger ones is deleted.

Only rows of usage_logs go. Rollups, sums of days and bills stay, so no total changes, and a call that comes again, or a
report that is pulled again, must not be counted as new: what is older than `kept_from` is no longer written.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from guardian.models import Organization
from guardian.models.base import id_at
from guardian.periods import floor_day, next_month

KEPT_FROM = "callsKeptFrom"
"""In Organization.meta: the moment (RFC 3339) before which calls were, or are being, forgotten."""
AT_ONCE = 5_000
_TRUSTED_SECONDS = 60.0
_TIMED = 9  # characters of an id that tell its time
# By engine, and not by its address: to write that out takes longer than all else that an event waits for here.
_known: WeakKeyDictionary[Engine, dict[str, tuple[datetime | None, float]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Month:
    """A partition of usage_logs, and about how many rows it has: None where PostgreSQL has not counted yet."""

    name: str
    start: datetime
    rows: int | None


def floor_of(retention_days: int | None, now: datetime) -> datetime | None:
    """The first moment that a plan keeps; None where it keeps all."""
    return None if retention_days is None else floor_day(now - timedelta(days=retention_days))


def keep_from(session: Session, organization_id: str, floor: datetime) -> None:
    """Write nothing older any more: committed before the first row is deleted."""
    row = session.exec(select(Organization).where(Organization.id == organization_id).with_for_update()).one()
    known = _parsed((row.meta or {}).get(KEPT_FROM))
    if known is None or known < floor:
        row.meta = {**(row.meta or {}), KEPT_FROM: floor.isoformat()}
        session.add(row)
        session.flush()


def kept_from(session: Session, organization_id: str) -> datetime | None:
    """Before it nothing is written; as of the last minute."""
    known = _known.setdefault(session.connection().engine, {})
    found, until = known.get(organization_id, (None, 0.0))
    if time.monotonic() < until:
        return found
    meta = session.connection().execute(select(col(Organization.meta)).where(col(Organization.id) == organization_id))
    found = _parsed((meta.scalar_one_or_none() or {}).get(KEPT_FROM))
    if len(known) > 10_000:
        known.clear()
    known[organization_id] = (found, time.monotonic() + _TRUSTED_SECONDS)
    return found


def still_kept(lines: Sequence[str], floor: datetime) -> list[str]:
    """Those of the ledger's lines, which begin with their ids, that are not older."""
    first = id_at("c" * 25, floor)[:_TIMED]
    return [line for line in lines if line[:_TIMED] >= first]


def count_older(session: Session, organization_id: str, floor: datetime) -> int:
    """How many calls of the organization are older."""
    return int(session.connection().execute(_COUNT, {"id": organization_id, "floor": floor}).scalar_one())


def forget_older(session: Session, organization_id: str, floor: datetime, at_once: int = AT_ONCE) -> int:
    """Delete some of the organization's calls that are older; gives how many. Call it until that is zero."""
    where = {"id": organization_id, "floor": floor, "most": at_once}
    return session.connection().execute(_DELETE, where).rowcount


def months(session: Session) -> list[Month]:
    """The partitions, oldest first."""
    rows = session.connection().execute(_MONTHS)
    found = [
        Month(
            name,
            datetime.fromisoformat(f"{name[-7:].replace('_', '-')}-01T00:00:00+00:00"),
            None if count < 0 else int(count),
        )
        for name, count in rows
    ]
    return sorted(found, key=lambda month: month.start)


def drop_months(
    session: Session, floors: Mapping[str, datetime | None], now: datetime, *, dry_run: bool
) -> list[Month]:
    """Drop each month that nobody needs: it is over for at least a month, and lies before the floor of every
    organization that has rows in it. `floors` are by organization.

    A partition is taken off before it is dropped, so that readers of the others wait for no more than a moment. Raises
    OperationalError where a long query stands in the way: the next run drops it.
    """
    dropped: list[Month] = []
    for month in months(session):
        end = next_month(month.start)
        if next_month(end) > now:
            break
        owners = session.connection().execute(text(f"SELECT DISTINCT organization_id FROM {month.name}")).scalars()  # noqa: S608  # its name is ours
        if not _unneeded(owners, floors, end):
            continue
        dropped.append(month)
        if not dry_run:
            session.connection().execute(text("SET LOCAL lock_timeout = '5s'"))
            session.connection().execute(text(f"ALTER TABLE usage_logs DETACH PARTITION {month.name}"))
            session.connection().execute(text(f"DROP TABLE {month.name}"))
    return dropped


def _unneeded(owners: Iterable[str | None], floors: Mapping[str, datetime | None], end: datetime) -> bool:
    """Rows of no organization have nobody who could read them."""
    needed = [floors.get(owner) for owner in owners if owner is not None]
    return all(floor is not None and floor >= end for floor in needed)


def _parsed(stored: object) -> datetime | None:
    return datetime.fromisoformat(stored) if isinstance(stored, str) else None


_COUNT = text("SELECT count(*) FROM usage_logs WHERE organization_id = :id AND timestamp < :floor")
_DELETE = text(
    "DELETE FROM usage_logs WHERE (id, timestamp) IN "
    "(SELECT id, timestamp FROM usage_logs WHERE organization_id = :id AND timestamp < :floor LIMIT :most)"
)
_MONTHS = text(
    "SELECT c.relname, c.reltuples FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid "
    "WHERE inhparent = 'usage_logs'::regclass"
)
