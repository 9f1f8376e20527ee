"""The analyses of guard/analysis, asked of the ledger for a scope: its days, its hours, and why its spend changed."""

from guardian.services.guard.explaining.changes import CAUSES, Cause, causes_of, change_of
from guardian.services.guard.explaining.reading import ORGANIZATION, Hour, days_of, hours_of, mix_of

__all__ = ["CAUSES", "ORGANIZATION", "Cause", "Hour", "causes_of", "change_of", "days_of", "hours_of", "mix_of"]
