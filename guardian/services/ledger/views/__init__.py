"""What the ledger's queries take and give: frozen values, ready for a page or for JSON, money as Decimal."""

from guardian.services.ledger.views.board import BoardFigures, Comparison, Dashboard, ExpensiveLine
from guardian.services.ledger.views.calls import CallChoices, CallFilter, RecentCalls
from guardian.services.ledger.views.pulls import Freshness, SyncRunView
from guardian.services.ledger.views.spend import (
    DIMENSIONS,
    Billed,
    BilledGroup,
    Bucket,
    Group,
    SpendBucket,
    Summary,
    SummaryQuery,
    Totals,
)
from guardian.services.ledger.views.usage import ROW_DIMENSIONS, USAGE_FILTERS, UsageFilter, UsageView

__all__ = [
    "DIMENSIONS",
    "ROW_DIMENSIONS",
    "USAGE_FILTERS",
    "Billed",
    "BilledGroup",
    "BoardFigures",
    "Bucket",
    "CallChoices",
    "CallFilter",
    "Comparison",
    "Dashboard",
    "ExpensiveLine",
    "Freshness",
    "Group",
    "RecentCalls",
    "SpendBucket",
    "Summary",
    "SummaryQuery",
    "SyncRunView",
    "Totals",
    "UsageFilter",
    "UsageView",
]
