"""What the ledger answers: spend summed up, the dashboard, single rows, and the provider's bill."""

from guardian.services.ledger.queries.bills import billed
from guardian.services.ledger.queries.caching import invalidate_organization
from guardian.services.ledger.queries.calls import call_choices, recent_calls
from guardian.services.ledger.queries.dashboards import dashboard
from guardian.services.ledger.queries.freshness import run_view
from guardian.services.ledger.queries.rows import get_usage, list_usage
from guardian.services.ledger.queries.summaries import summary

__all__ = [
    "billed",
    "call_choices",
    "dashboard",
    "get_usage",
    "invalidate_organization",
    "list_usage",
    "recent_calls",
    "run_view",
    "summary",
]
