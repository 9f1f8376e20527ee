"""Spend and unpriced tokens of a UTC month, by the labels that Prometheus gets, of one organization."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import func
from sqlmodel import Session, col

from guardian.models import UsageRollup
from guardian.periods import Window, floor_month, next_month
from guardian.services.ledger.queries.books import read_books, spend

_LATE = timedelta(days=3)  # a provider restates its last days for about as long

Cost = dict[tuple[str, ...], Decimal]


@dataclass(slots=True)
class Month:
    """Sums of several organizations: cost by (provider, model, team, cost source), tokens by (provider, model)."""

    window: Window
    cost: Cost = field(default_factory=dict[tuple[str, ...], Decimal])
    unpriced: Cost = field(default_factory=dict[tuple[str, ...], Decimal])

    @property
    def name(self) -> str:
        return f"{self.window.start:%Y-%m}"


def months(now: datetime) -> Sequence[Month]:
    """The month that is, and the one before while it may still change."""
    this = floor_month(now)
    before = [floor_month(this - timedelta(days=1))] if now - this < _LATE else []
    return [Month(Window(start, next_month(start))) for start in (*before, this)]


def measure_spend(session: Session, organization_id: str, month: Month) -> None:
    """Add the organization's spend of the month, by the spend rule: no dollar of two books is counted twice."""
    books = read_books(session, organization_id, month.window, by_day=False)
    labels = (
        col(UsageRollup.provider),
        col(UsageRollup.model),
        col(UsageRollup.team),
        col(UsageRollup.cost_source),
    )
    sums = (func.sum(col(UsageRollup.cost)), func.sum(col(UsageRollup.unpriced_tokens)))
    for provider, model, team, source, cost, tokens in session.connection().execute(
        spend(books, month.window, {}, *labels, *sums).group_by(*labels)
    ):
        if cost:
            of = (provider.value, model, team or "", source.value)
            month.cost[of] = month.cost.get(of, Decimal(0)) + cost
        if tokens:
            place = (provider.value, model)
            month.unpriced[place] = month.unpriced.get(place, Decimal(0)) + Decimal(int(tokens))
