"""Budgets: limits of ours on tracked spend: kept, summed from the ledger, and handed to the gateway that holds them."""

from guardian.services.guard.budgets.changing import NewBudget, create_budget, delete_budget, update_budget
from guardian.services.guard.budgets.limits import HardBudget, hard_budgets_of
from guardian.services.guard.budgets.reading import get_budget, list_budgets
from guardian.services.guard.budgets.scopes import SCOPES, Scope
from guardian.services.guard.budgets.spending import Spent, spent_of
from guardian.services.guard.budgets.views import BudgetView

__all__ = [
    "SCOPES",
    "BudgetView",
    "HardBudget",
    "NewBudget",
    "Scope",
    "Spent",
    "create_budget",
    "delete_budget",
    "get_budget",
    "hard_budgets_of",
    "list_budgets",
    "spent_of",
    "update_budget",
]
