"""BudgetView: a budget as pages and the API show it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from guardian.models.enums import BudgetKind, BudgetPeriod
from guardian.services.guard.budgets.scopes import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """`spent` in the current period, in dollars; `unpriced_calls` are not in it. `held` is reserved by calls that are
    under way, None while Redis does not answer. `forecast` is for the whole period at the pace so far, None in its
    first hour. `thresholds` are percentages of the limit. `when_redis_is_away` is open or closed, `unpriced_models`
    refuse or allow.
    """

    id: str
    name: str
    scope: Scope
    limit: Decimal
    period: BudgetPeriod
    kind: BudgetKind
    thresholds: tuple[int, ...]
    is_active: bool
    when_redis_is_away: str
    unpriced_models: str
    spent: Decimal
    unpriced_calls: int
    held: Decimal | None
    forecast: Decimal | None
    starts_at: datetime
    resets_at: datetime
    created_at: datetime
