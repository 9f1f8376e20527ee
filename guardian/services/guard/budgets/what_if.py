"""What-if: how periods that are over would have run against a limit that somebody is about to set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate

from sqlmodel import Session

from guardian.models import Organization
from guardian.models.enums import BudgetPeriod
from guardian.periods import DAY, Window, local_date, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.guard.budgets.checking import (
    DEFAULT_THRESHOLDS,
    NewBudget,
    checked_limit,
    checked_thresholds,
    wrong,
)
from guardian.services.guard.budgets.history import days_of
from guardian.services.guard.budgets.limits import HardBudget
from guardian.services.guard.budgets.reading import limits_of, own_budget
from guardian.services.guard.budgets.scopes import Scope, checked_scope

# How many periods are looked at unless it is said: so many that there is something to see, and at most, a year of them.
_USUAL: Mapping[BudgetPeriod, int] = {BudgetPeriod.DAILY: 30, BudgetPeriod.WEEKLY: 4}
_MOST: Mapping[BudgetPeriod, int] = {
    BudgetPeriod.DAILY: 90,
    BudgetPeriod.WEEKLY: 52,
    BudgetPeriod.MONTHLY: 12,
    BudgetPeriod.QUARTERLY: 4,
    BudgetPeriod.YEARLY: 1,
}
_ROLLING_DAYS_SHOWN = 30
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """The day by whose end a threshold (percent) was reached, and what it is in dollars."""

    threshold: int
    amount: Decimal
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPeriod:
    """Local days, both inclusive. Of a rolling budget the days that are shown, `spent` the most that it ever had."""

    first: date
    last: date
    spent: Decimal
    crossings: tuple[Crossing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDay:
    """What a day cost, and what its period (or the rolling days that end with it) had cost by its end."""

    day: date
    spent: Decimal
    cumulative: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    limit: Decimal
    periods: tuple[PastPeriod, ...]
    days: tuple[PastDay, ...]

    @property
    def over(self) -> int:
        """How many of the periods would have reached the limit."""
        return sum(period.spent >= self.limit for period in self.periods)


def preview(
    session: Session,
    actor: Actor,
    wanted: NewBudget,
    *,
    budget_id: str | None = None,
    periods: int | None = None,
    now: datetime | None = None,
) -> WhatIf:
    """How the last `periods` whole calendar periods (unless it is said, one; 30 days, 4 weeks) would have run, or the
    last 30 days of a rolling budget. With `budget_id`, what `wanted` does not say is that budget's.

    From sums by day: a threshold is told by its day. Raises AuthorizationError, NotFoundError, ValidationError.
    """
    actor.require("budgets:read")
    budget, thresholds = _asked(session, actor, wanted, budget_id)
    moment = now or utcnow()
    spans, shown = _spans(budget, moment, periods)
    days = days_of(session, budget, shown[0], shown[1])
    if budget.rolling_days is not None:
        points = _rolled(days, budget.rolling_days)
        return WhatIf(limit=budget.limit, periods=(_past(points, budget.limit, thresholds),), days=tuple(points))
    parts = [_added([each for each in days if first <= each[0] <= last]) for first, last in spans]
    return WhatIf(
        limit=budget.limit,
        periods=tuple(_past(part, budget.limit, thresholds) for part in parts),
        days=tuple(point for part in parts for point in part),
    )


def _asked(
    session: Session, actor: Actor, wanted: NewBudget, budget_id: str | None
) -> tuple[HardBudget, Sequence[int]]:
    if budget_id is not None:
        row = own_budget(session, actor, budget_id)
        known, thresholds = limits_of(session, [row])[0], [int(each) for each in row.thresholds or ()]
    else:
        if wanted.limit is None:
            raise wrong("limit", "Give a limit to look at.")
        known, thresholds = _blank(session, actor, wanted.limit), [*DEFAULT_THRESHOLDS]
    asked = replace(
        known,
        scope=known.scope if wanted.scope is None else checked_scope(session, actor, wanted.scope),
        limit=known.limit if wanted.limit is None else checked_limit(wanted.limit),
        period=wanted.period or known.period,
        rolling_days=wanted.rolling_days_after(known.rolling_days),
    )
    return asked, thresholds if wanted.thresholds is None else checked_thresholds(wanted.thresholds)


def _blank(session: Session, actor: Actor, limit: Decimal) -> HardBudget:
    return HardBudget(
        id="",
        organization_id=actor.organization_id,
        name="",
        scope=Scope("organization"),
        limit=limit,
        period=BudgetPeriod.MONTHLY,
        time_zone=session.get_one(Organization, actor.organization_id).time_zone,
    )


def _spans(budget: HardBudget, now: datetime, periods: int | None) -> tuple[list[tuple[date, date]], tuple[date, date]]:
    """The periods that are over, the oldest first, and the days that have to be read for them, both ends inclusive."""
    tz = zone(budget.time_zone)
    if budget.rolling_days is not None:
        last = local_date(now, tz) - DAY
        return [], (last - (_ROLLING_DAYS_SHOWN + budget.rolling_days - 2) * DAY, last)
    most = _MOST[budget.period]
    if periods is not None and not 1 <= periods <= most:
        raise wrong("periods", f"Look at 1 to {most} periods.")
    window = budget.window(now)
    spans: list[tuple[date, date]] = []
    for _ in range(periods or _USUAL.get(budget.period, 1)):
        window = _before(budget, window)
        spans.insert(0, (local_date(window.start, tz), local_date(window.end - _MOMENT, tz)))
    return spans, (spans[0][0], spans[-1][1])


def _before(budget: HardBudget, window: Window) -> Window:
    return budget.window(window.start - _MOMENT)


def _added(days: Sequence[tuple[date, Decimal]]) -> list[PastDay]:
    sums = accumulate(cost for _, cost in days)
    return [PastDay(day=day, spent=cost, cumulative=total) for (day, cost), total in zip(days, sums, strict=True)]


def _rolled(days: Sequence[tuple[date, Decimal]], width: int) -> list[PastDay]:
    """Each day that has all of its `width` days before it, with their sum."""
    sums = [Decimal(0), *accumulate(cost for _, cost in days)]
    return [
        PastDay(day=day, spent=cost, cumulative=sums[place] - sums[place - width])
        for place, (day, cost) in enumerate(days, start=1)
        if place >= width
    ]


def _past(points: Sequence[PastDay], limit: Decimal, thresholds: Sequence[int]) -> PastPeriod:
    found: list[Crossing] = []
    for threshold in thresholds:
        amount = limit * threshold / 100
        day = next((point.day for point in points if point.cumulative >= amount), None)
        if day is not None:
            found.append(Crossing(threshold=threshold, amount=amount, day=day))
    highest = max(point.cumulative for point in points)
    return PastPeriod(first=points[0].day, last=points[-1].day, spent=highest, crossings=tuple(found))
