"""Tells every difference between the three books, with its cause and its amount; never adds the books together."""

from guardian.services.ledger.reconciliation.service import MOST_LINES, reconcile

__all__ = ["MOST_LINES", "reconcile"]
