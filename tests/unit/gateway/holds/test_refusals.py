"""What a refused call is told: each amount as it is, however small."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from guardian.gateway.holds.holding import Item
from guardian.gateway.holds.refusals import exceeded
from guardian.models.enums import BudgetPeriod
from guardian.periods import Window
from guardian.services.guard.budgets import HardBudget, Scope

START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("limit", "spent", "worst", "said"),
    [
        ("0.004", 0, 42 * 10**6, "$0.00 spent and $0.00 held of $0.0040, and this call may cost $0.0042."),
        ("1500", 14_999_900_000_000, 2 * 10**7, "$1,499.99 spent and $0.00 held of $1,500.00, and this call may cost"),
        ("1", 0, 10_000, "this call may cost $0.0000010."),
    ],
)
def test_no_amount_is_rounded_away(limit: str, spent: int, worst: int, said: str) -> None:
    budget = HardBudget(
        id="b",
        organization_id="o",
        name="Web",
        scope=Scope("organization"),
        period=BudgetPeriod.MONTHLY,
        limit=Decimal(limit),
        time_zone="UTC",
    )
    item = Item(budget=budget, window=Window(START, START + timedelta(days=30)), key="k", limit=Decimal(limit))
    assert said in str(exceeded(item, spent, 0, worst, alone=True))
