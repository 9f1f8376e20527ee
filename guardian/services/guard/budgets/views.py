"""BudgetView: a budget as pages and the API show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from guardian.models.enums import BudgetKind, BudgetPeriod
from guardian.periods import rfc3339
from guardian.services.guard.budgets.scopes import Scope

Filters = Mapping[str, tuple[str, ...]]

BudgetState = Literal["ok", "near", "over", "paused"]
_NEAR = 80  # percent, of a budget that has no threshold below its limit
_ALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """A limit that stands until a moment, why, and by whom (the name of a person who is still there)."""

    limit: Decimal
    until: datetime
    reason: str
    by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """`spent` in the current period, in dollars; `unpriced_calls` are not in it. `held` is reserved by calls that are
    under way, None while Redis does not answer. With `rolling_days`, `spent` is that of so many days up to the hour
    that began last, `resets_at` is when the first of their hours is forgotten, and `period` says nothing.

    `forecast` is for the whole period, of a rolling budget for as many days from tomorrow on, with the bounds that 80 %
    of outcomes lie within; None where nothing was spent before today to tell it from. `effective_limit` is what stands
    now: the limit, or what it is `raised` to. `left` is what it leaves beyond `spent` and `held`; below zero when more
    was spent, None while it is not known what is held. `thresholds` are percentages of the effective limit.
    `when_redis_is_away` is open or closed, `unpriced_models` refuse or allow. `of` is what people call the scope's
    value. `filters` are those of the ledger whose rows in the period are the budget's; None where none tell them.
    """

    id: str
    name: str
    scope: Scope
    of: str
    filters: Filters | None
    time_zone: str
    limit: Decimal
    period: BudgetPeriod
    rolling_days: int | None
    kind: BudgetKind
    thresholds: tuple[int, ...]
    is_active: bool
    when_redis_is_away: str
    unpriced_models: str
    effective_limit: Decimal
    raised: Raised | None
    spent: Decimal
    unpriced_calls: int
    held: Decimal | None
    left: Decimal | None
    forecast: Decimal | None
    forecast_low: Decimal | None
    forecast_high: Decimal | None
    starts_at: datetime
    resets_at: datetime
    created_at: datetime

    @property
    def percent(self) -> Decimal:
        """What is spent of the effective limit, unrounded."""
        return self.spent * 100 / self.effective_limit

    @property
    def crossed(self) -> tuple[int, ...]:
        """The thresholds that are reached, the lowest first."""
        return tuple(each for each in self.thresholds if self.percent >= each)

    @property
    def state(self) -> BudgetState:
        """over from the limit on; near from the highest threshold below it on."""
        if not self.is_active:
            return "paused"
        if self.percent >= _ALL:
            return "over"
        near = max((each for each in self.thresholds if each < _ALL), default=_NEAR)
        return "near" if self.percent >= near else "ok"


def facts(view: BudgetView) -> dict[str, Any]:
    """What the audit log keeps of a budget that was changed."""
    return {
        "name": view.name,
        "scope": view.scope.as_json(),
        "limit": format(view.limit.normalize(), "f"),
        "period": view.period,
        "rollingDays": view.rolling_days,
        "kind": view.kind,
        "active": view.is_active,
        "whenRedisIsAway": view.when_redis_is_away,
        "unpricedModels": view.unpriced_models,
    }


def raise_facts(view: BudgetView) -> dict[str, Any]:
    """What the audit log keeps of a limit that was raised."""
    raised = view.raised
    if raised is None:
        return facts(view)
    told = {"raisedTo": format(raised.limit.normalize(), "f"), "until": rfc3339(raised.until), "reason": raised.reason}
    return {"name": view.name, "limit": format(view.limit.normalize(), "f"), **told}
