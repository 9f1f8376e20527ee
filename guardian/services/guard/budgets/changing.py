"""Budgets made, changed, raised for a time and deleted; gateways hear of it at once, and alerts are looked at."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from sqlmodel import Session, col, func, select

from guardian import db, live, queue
from guardian.amounts import dollars
from guardian.models import Budget
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard.budget_rule import ensure_budget_rule
from guardian.services.guard.budgets.checking import (
    DEFAULT_THRESHOLDS,
    NewBudget,
    checked_limit,
    checked_name,
    checked_thresholds,
    one_of,
    wrong,
)
from guardian.services.guard.budgets.limits import CLOSED, OPEN, REDIS_AWAY, UNPRICED, limit_of
from guardian.services.guard.budgets.reading import own_budget, views_of
from guardian.services.guard.budgets.scopes import Scope, checked_scope
from guardian.services.guard.budgets.views import BudgetView

MAX_BUDGETS = 200  # of one organization: the gateway looks at each of them for every call
MAX_REASON = 200
LONGEST_RAISE = timedelta(days=366)


def create_budget(session: Session, actor: Actor, wanted: NewBudget) -> BudgetView:
    """A new budget; name and limit are needed. With the first one there is a rule that tells of thresholds.

    Raises AuthorizationError, and ValidationError on the wrong field.
    """
    actor.require("budgets:update")
    if wanted.name is None or wanted.limit is None:
        raise wrong("name" if wanted.name is None else "limit", "A budget needs a name and a limit.")
    count = session.exec(select(func.count()).where(col(Budget.organization_id) == actor.organization_id)).one()
    if count >= MAX_BUDGETS:
        raise wrong("name", f"There are {MAX_BUDGETS} budgets, which is as many as fit. Delete one first.")
    row = Budget(
        organization_id=actor.organization_id,
        name=checked_name(wanted.name),
        limit=checked_limit(wanted.limit),
        scope=Scope("organization").as_json(),
        thresholds=[*DEFAULT_THRESHOLDS],
    )
    _apply(session, actor, row, wanted)
    session.add(row)
    ensure_budget_rule(session, actor)
    return _saved(session, row)


def update_budget(session: Session, actor: Actor, budget_id: str, wanted: NewBudget) -> BudgetView:
    """Change a budget. It holds for the next call, and for all that its period has spent already: one that the change
    makes crossed refuses calls (if it is hard) and is told of; one that it makes uncrossed lets calls pass at once.

    Raises AuthorizationError, NotFoundError, and ValidationError on the wrong field.
    """
    actor.require("budgets:update")
    row = own_budget(session, actor, budget_id)
    if wanted.name is not None:
        row.name = checked_name(wanted.name)
    if wanted.limit is not None:
        row.limit = checked_limit(wanted.limit)
    _apply(session, actor, row, wanted)
    return _saved(session, row)


def delete_budget(session: Session, actor: Actor, budget_id: str) -> BudgetView:
    """Delete a budget; what it was. Access tokens that named it have none then, and alerts are looked at: an incident
    of it is over. Raises as update_budget.
    """
    actor.require("budgets:update")
    row = own_budget(session, actor, budget_id)
    gone = views_of(session, [row], utcnow())[0]
    session.delete(row)
    session.flush()
    db.after_commit(session, partial(live.tell_gateways, row.organization_id))
    db.after_commit(session, partial(queue.check_soon, row.organization_id))
    return gone


def raise_budget(
    session: Session, actor: Actor, budget_id: str, limit: Decimal, until: datetime, reason: str
) -> BudgetView:
    """Let a higher limit stand until a moment, after which the budget's own does again, without anybody doing anything.

    It takes the place of a raise that stands, which it may make longer, but not lower. Raises AuthorizationError,
    NotFoundError, and ValidationError on limit, until or reason.
    """
    actor.require("budgets:update")
    row, now = own_budget(session, actor, budget_id), utcnow()
    stands = limit_of(row, "UTC", frozenset()).limit_at(now)
    if checked_limit(limit) < stands or limit <= row.limit:
        said = f"A raise lifts the limit, which is {dollars(stands)}. Give more, or change the budget itself."
        raise wrong("limit", said)
    if not now < until <= now + LONGEST_RAISE:
        raise wrong("until", "A raise ends at a time to come, within a year.")
    why = " ".join(reason.split())
    if not 1 <= len(why) <= MAX_REASON or not why.isprintable():
        raise wrong("reason", f"Say in 1 to {MAX_REASON} characters why the limit is raised.")
    row.raised_limit, row.raised_until, row.raise_reason, row.raised_by_id = limit, until, why, actor.user_id
    return _saved(session, row)


def end_raise(session: Session, actor: Actor, budget_id: str) -> BudgetView:
    """Let the budget's own limit stand again; nothing happens where it does. Raises as update_budget."""
    actor.require("budgets:update")
    row = own_budget(session, actor, budget_id)
    row.raised_limit = row.raised_until = row.raise_reason = row.raised_by_id = None
    return _saved(session, row)


def _apply(session: Session, actor: Actor, row: Budget, wanted: NewBudget) -> None:
    if wanted.scope is not None:
        row.scope = checked_scope(session, actor, wanted.scope).as_json()
    row.rolling_days = wanted.rolling_days_after(row.rolling_days)
    if wanted.period is not None:
        row.period = wanted.period
    if wanted.kind is not None:
        row.kind = wanted.kind
    if wanted.thresholds is not None:
        row.thresholds = checked_thresholds(wanted.thresholds)
    if wanted.is_active is not None:
        row.is_active = wanted.is_active
    told: dict[str, Any] = dict(row.meta or {})
    if wanted.when_redis_is_away is not None:
        told[REDIS_AWAY] = one_of("whenRedisIsAway", wanted.when_redis_is_away, OPEN, CLOSED)
    if wanted.unpriced_models is not None:
        told[UNPRICED] = one_of("unpricedModels", wanted.unpriced_models, "refuse", "allow")
    row.meta = told


def _saved(session: Session, row: Budget) -> BudgetView:
    session.flush()
    db.after_commit(session, partial(live.tell_gateways, row.organization_id))
    db.after_commit(session, partial(queue.check_soon, row.organization_id))
    return views_of(session, [row], utcnow())[0]
