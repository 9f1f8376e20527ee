"""Budgets read: each with what it has spent, what calls under way hold, and where the period will end at this pace."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import cast

import structlog
from redis.exceptions import RedisError
from sqlmodel import Session, col, select

from guardian.errors import NotFoundError
from guardian.models import Budget
from guardian.periods import HOUR, Window, utcnow
from guardian.queue import connection
from guardian.services.actor import Actor
from guardian.services.guard.budgets.limits import (
    UNPRICED,
    HardBudget,
    limit_of,
    time_zone_of,
    tokens_by_budget,
    when_redis_is_away,
)
from guardian.services.guard.budgets.spending import Spent, spent_of
from guardian.services.guard.budgets.views import BudgetView

# Redis counts in whole ten-billionths of a dollar, the last digit that the ledger keeps.
UNITS_PER_DOLLAR = 10**10
_CENT = Decimal("0.01")

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
    tz = time_zone_of(session, rows[0].organization_id)
    tied = tokens_by_budget(session, [row.id for row in rows])
    limits = [limit_of(row, tz, tied.get(row.id, frozenset())) for row in rows]
    spent, held = spent_of(session, limits, now), _held(limits, now)
    return [
        _view(row, limit.window(now), spent[row.id], held_now, now)
        for row, limit, held_now in zip(rows, limits, held, strict=True)
    ]


def _view(row: Budget, window: Window, spent: Spent, held: Decimal | None, now: datetime) -> BudgetView:
    told = (row.meta or {}).get(UNPRICED)
    return BudgetView(
        id=row.id,
        name=row.name,
        scope=limit_of(row, "UTC", frozenset()).scope,
        limit=row.limit,
        period=row.period,
        kind=row.kind,
        thresholds=tuple(int(each) for each in row.thresholds or ()),
        is_active=row.is_active,
        when_redis_is_away=when_redis_is_away(row.meta, row.kind),
        unpriced_models="allow" if told == "allow" else "refuse",
        spent=spent.total,
        unpriced_calls=spent.unpriced,
        held=held,
        forecast=_forecast(spent.total, window, now),
        starts_at=window.start,
        resets_at=window.end,
        created_at=row.created_at,
    )


def _forecast(spent: Decimal, window: Window, now: datetime) -> Decimal | None:
    if now - window.start < HOUR:
        return None
    elapsed, whole = int((now - window.start).total_seconds()), int((window.end - window.start).total_seconds())
    return (spent * whole / elapsed).quantize(_CENT)


def _held(limits: Sequence[HardBudget], now: datetime) -> list[Decimal | None]:
    """What calls under way hold, in one round trip."""
    try:
        with connection().pipeline(transaction=False) as pipe:
            for limit in limits:
                pipe.hget(limit.counter(limit.window(now)), "held")
            found = cast("list[bytes | None]", pipe.execute())
    except RedisError as error:
        log.warning("budgets.redis_unreachable", error=str(error))
        return [None] * len(limits)
    return [Decimal(int(held or 0)) / UNITS_PER_DOLLAR for held in found]
