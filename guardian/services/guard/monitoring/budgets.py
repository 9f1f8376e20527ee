"""What the budgets of an organization have left, for Prometheus."""

from datetime import datetime
from decimal import Decimal

from sqlmodel import Session, col, select

from guardian.models import Budget, Organization
from guardian.services.guard.budgets.reading import held_of, limits_of
from guardian.services.guard.budgets.spending import spent_of

MOST = 500
"""Budgets that are told of, of the whole installation."""

Left = dict[tuple[str, ...], tuple[Decimal, Decimal]]


def measure_budgets(session: Session, organization: Organization, now: datetime, found: Left) -> None:
    """Add (what is left, the limit) of the organization's active budgets, by (organization, budget, kind).

    Two of one name are told apart by their ids.
    """
    query = select(Budget).where(Budget.organization_id == organization.id, col(Budget.is_active))
    rows = session.exec(query.order_by(col(Budget.id)).limit(MOST - len(found))).all()
    if not rows:
        return
    limits = limits_of(session, rows)
    spent, held = spent_of(session, limits, now), held_of(limits, now)
    for row, limit, on_hold in zip(rows, limits, held, strict=True):
        allowed = limit.limit_at(now)
        labels = (organization.name, row.name, row.kind.value)
        if labels in found:
            labels = (organization.name, f"{row.name} ({row.id})", row.kind.value)
        found[labels] = (allowed - spent[row.id].total - (on_hold or Decimal(0)), allowed)
