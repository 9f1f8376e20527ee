"""Budgets read: each with what it has spent, what calls under way hold, what is left, and where its period will end."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import cast

import structlog
from redis.exceptions import RedisError
from sqlmodel import Session, col, select

from guardian.errors import NotFoundError
from guardian.models import Budget, Organization, User
from guardian.periods import DAY, local_date, utcnow, zone
from guardian.queue import connection
from guardian.services.actor import Actor
from guardian.services.guard.analysis.forecast import Forecast, forecast
from guardian.services.guard.budgets.history import days_of, filters_of
from guardian.services.guard.budgets.limits import (
    UNPRICED,
    HardBudget,
    limit_of,
    tokens_by_budget,
    when_redis_is_away,
)
from guardian.services.guard.budgets.spending import Spent, spent_of
from guardian.services.guard.budgets.targets import name_of
from guardian.services.guard.budgets.views import BudgetView, Raised

# Redis counts in whole ten-billionths of a dollar, the last digit that the ledger keeps.
UNITS_PER_DOLLAR = 10**10
_HISTORY = 120 * DAY  # a forecast of 30 days is tried eleven times on it

log = structlog.get_logger(__name__)


def list_budgets(session: Session, actor: Actor) -> list[BudgetView]:
    """The budgets of the actor's organization, by name. Raises AuthorizationError."""
    actor.require("budgets:read")
    query = select(Budget).where(Budget.organization_id == actor.organization_id)
    return views_of(session, session.exec(query.order_by(col(Budget.name), col(Budget.id))).all(), utcnow())


def get_budget(session: Session, actor: Actor, budget_id: str) -> BudgetView:
    """One budget. Raises AuthorizationError, and NotFoundError for one of another organization."""
    actor.require("budgets:read")
    return views_of(session, [own_budget(session, actor, budget_id)], utcnow())[0]


def own_budget(session: Session, actor: Actor, budget_id: str) -> Budget:
    row = session.get(Budget, budget_id)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFoundError("Budget")
    return row


def views_of(session: Session, rows: Sequence[Budget], now: datetime) -> list[BudgetView]:
    """The views of budgets of one organization, in their order."""
    if not rows:
        return []
    limits = limits_of(session, rows)
    spent, held = spent_of(session, limits, now), held_of(limits, now)
    people = _names(session, {row.raised_by_id for row in rows if row.raised_by_id})
    return [
        _view(session, row, limit, spent[row.id], held_now, people, now)
        for row, limit, held_now in zip(rows, limits, held, strict=True)
    ]


def limits_of(session: Session, rows: Sequence[Budget]) -> list[HardBudget]:
    """Stored budgets of one organization as they are held, or would be if they were hard, in their order."""
    tz = session.get_one(Organization, rows[0].organization_id).time_zone
    tied = tokens_by_budget(session, [row.id for row in rows])
    return [limit_of(row, tz, tied.get(row.id, frozenset())) for row in rows]


def forecast_of(session: Session, budget: HardBudget, now: datetime) -> Forecast | None:
    """Where the budget's period will end; of a rolling one, what as many days from tomorrow on will cost.

    None where nothing was spent before today to tell it from.
    """
    tz = zone(budget.time_zone)
    today = local_date(now, tz)
    if budget.rolling_days is None:
        window = budget.window(now)
        start, end = local_date(window.start, tz), local_date(window.end, tz)
    else:
        start, end = today + DAY, today + (1 + budget.rolling_days) * DAY
    days = days_of(session, budget, min(start, today - _HISTORY), today)
    begun = next((place for place, (_, cost) in enumerate(days) if cost), len(days))
    return forecast(days[begun:], start, end, now.astimezone(tz))


def _view(
    session: Session,
    row: Budget,
    budget: HardBudget,
    spent: Spent,
    held: Decimal | None,
    people: Mapping[str, str],
    now: datetime,
) -> BudgetView:
    told, window, limit = (row.meta or {}).get(UNPRICED), budget.window(now), budget.limit_at(now)
    expected = forecast_of(session, budget, now)
    return BudgetView(
        id=row.id,
        name=row.name,
        scope=budget.scope,
        of=name_of(session, budget.scope),
        filters=filters_of(session, budget, window),
        time_zone=budget.time_zone,
        limit=row.limit,
        period=row.period,
        rolling_days=row.rolling_days,
        kind=row.kind,
        thresholds=tuple(int(each) for each in row.thresholds or ()),
        is_active=row.is_active,
        when_redis_is_away=when_redis_is_away(row.meta, row.kind),
        unpriced_models="allow" if told == "allow" else "refuse",
        effective_limit=limit,
        raised=_raised(row, people, now),
        spent=spent.total,
        unpriced_calls=spent.unpriced,
        held=held,
        left=None if held is None else limit - spent.total - held,
        forecast=expected and expected.total,
        forecast_low=expected and expected.low,
        forecast_high=expected and expected.high,
        starts_at=window.start,
        resets_at=window.end,
        created_at=row.created_at,
    )


def _raised(row: Budget, people: Mapping[str, str], now: datetime) -> Raised | None:
    if row.raised_limit is None or row.raised_until is None or row.raised_until <= now:
        return None
    by = people.get(row.raised_by_id or "")
    return Raised(limit=row.raised_limit, until=row.raised_until, reason=row.raise_reason or "", by=by)


def _names(session: Session, user_ids: Collection[str]) -> dict[str, str]:
    if not user_ids:
        return {}
    query = select(User.id, User.name, User.email).where(col(User.id).in_(sorted(user_ids)))
    return {user_id: name or email for user_id, name, email in session.exec(query)}


def held_of(limits: Sequence[HardBudget], now: datetime) -> list[Decimal | None]:
    """What calls under way hold of each budget, in one round trip; None where Redis does not say."""
    try:
        with connection().pipeline(transaction=False) as pipe:
            for limit in limits:
                pipe.hget(limit.counter(limit.window(now)), "held")
            found = cast("list[bytes | None]", pipe.execute())
    except RedisError as error:
        log.warning("budgets.redis_unreachable", error=str(error))
        return [None] * len(limits)
    return [Decimal(int(held or 0)) / UNITS_PER_DOLLAR for held in found]
