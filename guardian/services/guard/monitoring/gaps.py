"""How far the three books of an organization lie apart, for Prometheus."""

from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from guardian.periods import DAY, floor_day
from guardian.services.ledger.reconciliation.service import read_books
from guardian.services.ledger.reconciliation.views import ReconciliationQuery

DAYS = 30

Gaps = dict[tuple[str, ...], Decimal]


def measure_gaps(session: Session, organization_id: str, now: datetime, found: Gaps) -> None:
    """Add what leads from each book to the next, by (provider, comparison), over the last 30 UTC days that are over.

    What only one of the books can hold takes no part: it is no gap between them.
    """
    today = floor_day(now)
    query = ReconciliationQuery(first=(today - DAYS * DAY).date(), last=(today - DAY).date())
    for part in read_books(session, organization_id, query).slices:
        if not part.outside:
            labels = (part.spot.provider.value, part.comparison.value)
            found[labels] = found.get(labels, Decimal(0)) + part.amount
