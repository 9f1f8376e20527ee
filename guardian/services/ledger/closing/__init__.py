"""Closing a month: its figures are frozen as they stand, and later changes are shown as adjustments to them."""

from guardian.services.ledger.closing.months import close_month, get_month, list_months, reopen_month

__all__ = ["close_month", "get_month", "list_months", "reopen_month"]
