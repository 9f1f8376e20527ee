"""Every night, calls that are older than their organization's plan keeps are forgotten."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from guardian import db
from guardian.errors import UnavailableError
from guardian.models import Organization
from guardian.periods import utcnow
from guardian.services.ledger import retention
from guardian.services.people.billing.plans import retention_days

log = structlog.get_logger(__name__)


def forget_calls() -> None:
    """Months first: what is dropped with them need not be deleted."""
    run(lambda words: log.info("retention.done", what=words), dry_run=False)


def run(tell: Callable[[str], None], *, dry_run: bool) -> None:
    """Forget what no plan keeps, or with `dry_run` only tell what that would be."""
    now = utcnow()
    with db.session() as session:
        floors = _floors(session, now)
        if not dry_run:
            for organization_id, floor in floors.items():
                if floor is not None:
                    retention.keep_from(session, organization_id, floor)
    would = "would be " if dry_run else ""
    try:
        with db.session() as session:
            dropped = retention.drop_months(session, floors, now, dry_run=dry_run)
    except (OperationalError, UnavailableError) as error:
        log.warning("retention.months_in_use", error=str(error).partition("\n")[0])
        dropped = []
    for month in dropped:
        rows = "rows not counted" if month.rows is None else f"about {month.rows:,} rows"
        tell(f"month {month.start:%Y-%m} {would}dropped ({rows})")
    for organization_id, floor in floors.items():
        if floor is not None and (gone := _forget(organization_id, floor, dry_run=dry_run)):
            tell(f"{gone:,} calls before {floor:%Y-%m-%d} {would}deleted ({organization_id})")


def _floors(session: Session, now: datetime) -> dict[str, datetime | None]:
    rows = session.exec(select(Organization).order_by(Organization.id))
    return {row.id: retention.floor_of(retention_days(row, now), now) for row in rows}


def _forget(organization_id: str, floor: datetime, *, dry_run: bool) -> int:
    if dry_run:
        with db.session() as session:
            return retention.count_older(session, organization_id, floor)
    total, some = 0, 1
    while some:
        with db.session() as session:
            some = retention.forget_older(session, organization_id, floor)
        total += some
    return total
