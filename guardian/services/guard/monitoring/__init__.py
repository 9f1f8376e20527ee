"""Figures of the whole installation for its monitoring. They name no person, so they ask for no actor."""

from guardian.services.guard.monitoring.budgets import measure_budgets
from guardian.services.guard.monitoring.gaps import measure_gaps
from guardian.services.guard.monitoring.spend import Month, measure_spend, months
from guardian.services.guard.monitoring.syncs import measure_syncs

__all__ = ["Month", "measure_budgets", "measure_gaps", "measure_spend", "measure_syncs", "months"]
