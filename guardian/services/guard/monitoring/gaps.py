"""How far the three books of an organization lie apart, for Prometheus."""

from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from guardian.periods import DAY, floor_day
from guardian.services.ledger.reconciliation.service import read_books
from guardian.services.ledger.reconciliation.views import Comparison, ReconciliationQuery

DAYS = 30

Gaps = dict[tuple[str, ...], Decimal]


def measure_gaps(session: Session, organization_id: str, now: datetime, found: Gaps) -> None:
    """Add what leads from each book to the next, by (provider, comparison), over the last 30 UTC days that are over.

    What only one of the books can hold takes no part: it is no gap between them. Nor is there one to a book in which
    nothing stands of the provider: who never calls it through the gateway does not miss its whole spend there.
    """
    today = floor_day(now)
    query = ReconciliationQuery(first=(today - DAYS * DAY).date(), last=(today - DAY).date())
    books = read_books(session, organization_id, query)
    tracked, reported = ({spot.provider for spot in book} for book in (books.tracked, books.reported))
    billed = {line.spot.provider for line in books.billed}
    both = {Comparison.TRACKED_REPORTED: tracked & reported, Comparison.REPORTED_BILLED: reported & billed}
    for part in books.slices:
        if not part.outside and part.spot.provider in both[part.comparison]:
            labels = (part.spot.provider.value, part.comparison.value)
            found[labels] = found.get(labels, Decimal(0)) + part.amount
