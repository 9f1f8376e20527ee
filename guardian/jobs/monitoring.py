"""Jobs that measure the ledger for Prometheus: a scrape must not sum it up."""

from decimal import Decimal

import structlog
from sqlmodel import col, select

from guardian import db
from guardian.models import Organization
from guardian.periods import utcnow
from guardian.services.guard import monitoring
from guardian.services.guard.monitoring.budgets import MOST, Left
from guardian.telemetry import ledger

log = structlog.get_logger(__name__)


def measure_ledger() -> None:
    """Spend, unpriced tokens, budgets and the age of what was pulled, of all organizations."""
    now = utcnow()
    months, left = monitoring.months(now), Left()
    for organization in _organizations():
        for month in months:
            with db.session() as session:
                monitoring.measure_spend(session, organization.id, month)
        if len(left) < MOST:
            with db.session() as session:
                monitoring.measure_budgets(session, organization, now, left)
    for month in months:
        ledger.count(ledger.COST, month.name, month.cost)
        ledger.count(ledger.UNPRICED, month.name, month.unpriced)
    ledger.keep(ledger.BUDGET, {labels: rest for labels, (rest, _) in left.items()})
    ledger.keep(ledger.BUDGET_LIMIT, {labels: limit for labels, (_, limit) in left.items()})
    with db.session() as session:
        ledger.keep(ledger.SYNC, monitoring.measure_syncs(session))


def measure_gaps() -> None:
    """How far the books of all organizations lie apart, as sums by provider."""
    gaps: dict[tuple[str, ...], Decimal] = {}
    now = utcnow()
    for organization in _organizations():
        with db.session() as session:
            monitoring.measure_gaps(session, organization.id, now, gaps)
    ledger.keep(ledger.GAP, gaps)


def _organizations() -> list[Organization]:
    with db.session() as session:
        return list(session.exec(select(Organization).order_by(col(Organization.id))))
