"""Budgets made, changed and deleted; gateways hear of it at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from sqlmodel import Session, col, func, select

from guardian import db, live
from guardian.errors import ValidationError
from guardian.models import Budget
from guardian.models.enums import BudgetKind, BudgetPeriod
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard.budgets.limits import CLOSED, OPEN, REDIS_AWAY, UNPRICED
from guardian.services.guard.budgets.reading import own_budget, views_of
from guardian.services.guard.budgets.scopes import Scope, checked_scope
from guardian.services.guard.budgets.views import BudgetView

MAX_NAME = 100
MAX_BUDGETS = 200  # of one organization: the gateway looks at each of them for every call
# Redis counts in whole ten-billionths of a dollar, in 64 bits: $922,337,203.
MAX_LIMIT = Decimal(900_000_000)
MAX_THRESHOLDS, MAX_THRESHOLD = 10, 1_000
_TENTH_DIGIT = -10


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBudget:
    """A budget as it is asked for. In a change, None leaves what there is.

    `thresholds` are whole percentages of the limit at which people are told. `when_redis_is_away` is open or closed
    (None: closed for a hard budget, open for a soft one), `unpriced_models` refuse (the default) or allow.
    """

    name: str | None = None
    scope: Scope | None = None
    limit: Decimal | None = None
    period: BudgetPeriod | None = None
    kind: BudgetKind | None = None
    thresholds: Sequence[int] | None = None
    is_active: bool | None = None
    when_redis_is_away: str | None = None
    unpriced_models: str | None = None


def create_budget(session: Session, actor: Actor, wanted: NewBudget) -> BudgetView:
    """A new budget; name and limit are needed. Raises AuthorizationError, and ValidationError on the wrong field."""
    actor.require("budgets:update")
    if wanted.name is None or wanted.limit is None:
        raise _wrong("name" if wanted.name is None else "limit", "A budget needs a name and a limit.")
    count = session.exec(select(func.count()).where(col(Budget.organization_id) == actor.organization_id)).one()
    if count >= MAX_BUDGETS:
        raise _wrong("name", f"There are {MAX_BUDGETS} budgets, which is as many as fit. Delete one first.")
    row = Budget(
        organization_id=actor.organization_id,
        name=_name(wanted.name),
        limit=_limit(wanted.limit),
        scope=Scope("organization").as_json(),
    )
    _apply(session, actor, row, wanted)
    session.add(row)
    return _saved(session, row)


def update_budget(session: Session, actor: Actor, budget_id: str, wanted: NewBudget) -> BudgetView:
    """Change a budget. Raises AuthorizationError, NotFoundError, and ValidationError on the wrong field."""
    actor.require("budgets:update")
    row = own_budget(session, actor, budget_id)
    if wanted.name is not None:
        row.name = _name(wanted.name)
    if wanted.limit is not None:
        row.limit = _limit(wanted.limit)
    _apply(session, actor, row, wanted)
    return _saved(session, row)


def delete_budget(session: Session, actor: Actor, budget_id: str) -> BudgetView:
    """Delete a budget; what it was. Access tokens that named it have none then. Raises as update_budget."""
    actor.require("budgets:update")
    row = own_budget(session, actor, budget_id)
    gone = views_of(session, [row], utcnow())[0]
    session.delete(row)
    session.flush()
    db.after_commit(session, partial(live.tell_gateways, row.organization_id))
    return gone


def _apply(session: Session, actor: Actor, row: Budget, wanted: NewBudget) -> None:
    if wanted.scope is not None:
        row.scope = checked_scope(session, actor, wanted.scope).as_json()
    if wanted.period is not None:
        row.period = wanted.period
    if wanted.kind is not None:
        row.kind = wanted.kind
    if wanted.thresholds is not None:
        row.thresholds = _thresholds(wanted.thresholds)
    if wanted.is_active is not None:
        row.is_active = wanted.is_active
    told: dict[str, Any] = dict(row.meta or {})
    if wanted.when_redis_is_away is not None:
        told[REDIS_AWAY] = _one_of("whenRedisIsAway", wanted.when_redis_is_away, OPEN, CLOSED)
    if wanted.unpriced_models is not None:
        told[UNPRICED] = _one_of("unpricedModels", wanted.unpriced_models, "refuse", "allow")
    row.meta = told


def _saved(session: Session, row: Budget) -> BudgetView:
    session.flush()
    db.after_commit(session, partial(live.tell_gateways, row.organization_id))
    return views_of(session, [row], utcnow())[0]


def _name(given: str) -> str:
    name = " ".join(given.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise _wrong("name", f"Give the budget a name of 1 to {MAX_NAME} characters.")
    return name


def _limit(given: Decimal) -> Decimal:
    if not given.is_finite() or not 0 < given <= MAX_LIMIT:
        raise _wrong("limit", f"Give a limit above $0, of at most ${MAX_LIMIT:,}.")
    exponent = given.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < _TENTH_DIGIT:
        raise _wrong("limit", "A limit has at most ten decimal places.")
    return given


def _thresholds(given: Sequence[int]) -> list[int]:
    if len(given) > MAX_THRESHOLDS or any(not 0 < each <= MAX_THRESHOLD for each in given):
        raise _wrong("thresholds", f"Give at most {MAX_THRESHOLDS} percentages of 1 to {MAX_THRESHOLD}.")
    return sorted(set(given))


def _one_of(field: str, given: str, *allowed: str) -> str:
    if given not in allowed:
        raise _wrong(field, f"Choose {' or '.join(allowed)}.")
    return given


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])
