"""Budgets: limits of ours on tracked spend: kept, summed from the ledger, and handed to the gateway that holds them."""

from guardian.services.guard.budgets.changing import (
    create_budget,
    delete_budget,
    end_raise,
    raise_budget,
    update_budget,
)
from guardian.services.guard.budgets.checking import DEFAULT_THRESHOLDS, NewBudget
from guardian.services.guard.budgets.limits import HardBudget, hard_budgets_of
from guardian.services.guard.budgets.reading import forecast_of, get_budget, list_budgets, views_of
from guardian.services.guard.budgets.scopes import SCOPES, Scope
from guardian.services.guard.budgets.spending import Spent, spent_in, spent_of
from guardian.services.guard.budgets.targets import Target, targets_of
from guardian.services.guard.budgets.views import BudgetState, BudgetView, Raised, facts, raise_facts
from guardian.services.guard.budgets.what_if import WhatIf, preview

__all__ = [
    "DEFAULT_THRESHOLDS",
    "SCOPES",
    "BudgetState",
    "BudgetView",
    "HardBudget",
    "NewBudget",
    "Raised",
    "Scope",
    "Spent",
    "Target",
    "WhatIf",
    "create_budget",
    "delete_budget",
    "end_raise",
    "facts",
    "forecast_of",
    "get_budget",
    "hard_budgets_of",
    "list_budgets",
    "preview",
    "raise_budget",
    "raise_facts",
    "spent_in",
    "spent_of",
    "targets_of",
    "update_budget",
    "views_of",
]
