"""budgets: limits of ours on spend, with what is spent and held of each in its current period."""

from decimal import Decimal
from typing import Literal

from fastapi import APIRouter
from pydantic import Field, StrictInt

from guardian.api.answers.envelope import Body, Line, Money, Out, Time
from guardian.api.steps import CallDep, route
from guardian.models.enums import BudgetKind, BudgetPeriod
from guardian.services.guard import budgets
from guardian.services.guard.budgets import BudgetView, NewBudget, Scope
from guardian.services.guard.budgets.scopes import ScopeType

api = APIRouter(prefix="/api/v1/budgets", tags=["budgets"])


class ScopeBody(Body):
    """What it limits. `value`: none for organization; a team's name; the id of a user, key or token (none: the tokens
    that name the budget); a model's name or pattern; a tag as name=value.
    """

    type: ScopeType
    value: Line | None = None


class BudgetMetadata(Body):
    """`whenRedisIsAway`: let calls pass (open) or refuse them (closed) while it cannot be known what is spent; closed
    for hard budgets and open for soft ones unless said. `unpricedModels`: calls of a model without a price.
    """

    when_redis_is_away: Literal["open", "closed"] | None = None
    unpriced_models: Literal["refuse", "allow"] | None = None


class BudgetChange(Body):
    """What is left out stays. `limit` in dollars, `thresholds` in percent of it."""

    name: Line | None = None
    scope: ScopeBody | None = None
    limit: Decimal | None = None
    period: BudgetPeriod | None = None
    kind: BudgetKind | None = None
    thresholds: list[StrictInt] | None = Field(default=None, max_length=10)
    is_active: bool | None = None
    metadata: BudgetMetadata | None = None

    def wanted(self) -> NewBudget:
        scope, more = self.scope, self.metadata or BudgetMetadata()
        return NewBudget(
            name=self.name,
            scope=Scope(scope.type, scope.value) if scope else None,
            limit=self.limit,
            period=self.period,
            kind=self.kind,
            thresholds=self.thresholds,
            is_active=self.is_active,
            when_redis_is_away=more.when_redis_is_away,
            unpriced_models=more.unpriced_models,
        )


class NewBudgetBody(BudgetChange):
    """Monthly, soft and for the whole organization unless said otherwise."""

    name: Line  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]  # the same field, needed here
    limit: Decimal  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]  # as above


class ScopeOut(Out):
    type: ScopeType
    value: str | None


class BudgetOut(Out):
    """`spent` in the current period; `unpricedCalls` are not in it. `held` is reserved by calls under way, null while
    Redis does not answer; `forecast` is null in the period's first hour.
    """

    id: str
    name: str
    scope: ScopeOut
    limit: Money
    period: BudgetPeriod
    kind: BudgetKind
    thresholds: list[int]
    is_active: bool
    spent: Money
    unpriced_calls: int
    held: Money | None
    forecast: Money | None
    starts_at: Time
    resets_at: Time
    created_at: Time
    metadata: dict[str, str]


@route(api, "GET", "", permission="budgets:read")
def list_budgets(call: CallDep) -> list[BudgetOut]:
    """The organization's budgets, by name."""
    with call.transaction() as session:
        return [_json(view) for view in budgets.list_budgets(session, call.actor)]


@route(api, "POST", "", permission="budgets:update", action="BUDGET_CREATE", status=201)
def create_budget(call: CallDep, body: NewBudgetBody) -> BudgetOut:
    """Set a limit. A hard one stops calls through the gateway, a soft one only tells people."""
    with call.transaction() as session:
        view = budgets.create_budget(session, call.actor, body.wanted())
        _note(call, view)
        return _json(view)


@route(api, "GET", "/{budget_id}", permission="budgets:read")
def get_budget(call: CallDep, budget_id: str) -> BudgetOut:
    """One budget."""
    with call.transaction() as session:
        return _json(budgets.get_budget(session, call.actor, budget_id))


@route(api, "PATCH", "/{budget_id}", permission="budgets:update", action="BUDGET_UPDATE")
def update_budget(call: CallDep, budget_id: str, body: BudgetChange) -> BudgetOut:
    """Change a budget. It holds for the next call; what the period has spent already counts."""
    with call.transaction() as session:
        view = budgets.update_budget(session, call.actor, budget_id, body.wanted())
        _note(call, view)
        return _json(view)


@route(api, "DELETE", "/{budget_id}", permission="budgets:update", action="BUDGET_DELETE")
def delete_budget(call: CallDep, budget_id: str) -> None:
    """Delete a budget; the access tokens that name it then have none."""
    with call.transaction() as session:
        _note(call, budgets.delete_budget(session, call.actor, budget_id))


def _note(call: CallDep, view: BudgetView) -> None:
    call.note(
        "budget",
        view.id,
        name=view.name,
        scope=view.scope.as_json(),
        limit=format(view.limit, "f"),
        period=view.period,
        kind=view.kind,
        active=view.is_active,
        whenRedisIsAway=view.when_redis_is_away,
        unpricedModels=view.unpriced_models,
    )


def _json(view: BudgetView) -> BudgetOut:
    told = {"whenRedisIsAway": view.when_redis_is_away, "unpricedModels": view.unpriced_models}
    fields = {name: getattr(view, name) for name in BudgetOut.model_fields if name not in ("scope", "metadata")}
    return BudgetOut(**fields, scope=ScopeOut.model_validate(view.scope), metadata=told)
