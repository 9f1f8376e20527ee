"""budgets: limits of ours on spend, with what is spent and held of each in its current period."""

from typing import Annotated

from fastapi import APIRouter, Query

from guardian.api.answers.lists import page_of
from guardian.api.budgets_shapes import (
    BudgetChange,
    BudgetOut,
    BudgetQuery,
    NewBudgetBody,
    PreviewBody,
    PreviewOut,
    RaiseBody,
)
from guardian.api.steps import CallDep, route
from guardian.models import Budget
from guardian.services.guard import budgets
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/budgets", tags=["budgets"])


@route(api, "GET", "", permission="budgets:read")
def list_budgets(call: CallDep, query: Annotated[BudgetQuery, Query()]) -> Page[BudgetOut]:
    """The organization's budgets, by name."""
    with call.transaction() as session:
        found = [BudgetOut.of(view) for view in budgets.list_budgets(session, call.actor)]
    return page_of(found, query)


@route(api, "POST", "", permission="budgets:update", action="BUDGET_CREATE", status=201, fails=(404,))
def create_budget(call: CallDep, body: NewBudgetBody) -> BudgetOut:
    """Set a limit. A hard one stops calls through the gateway, a soft one only tells people."""
    with call.transaction() as session:
        view = budgets.create_budget(session, call.actor, body.wanted())
        call.note("budget", view.id, **budgets.facts(view))
        return BudgetOut.of(view)


@route(api, "GET", "/{budget_id}", permission="budgets:read", row=Budget)
def get_budget(call: CallDep, budget_id: str) -> BudgetOut:
    """One budget."""
    with call.transaction() as session:
        return BudgetOut.of(budgets.get_budget(session, call.actor, budget_id))


@route(api, "PATCH", "/{budget_id}", permission="budgets:update", action="BUDGET_UPDATE", row=Budget)
def update_budget(call: CallDep, budget_id: str, body: BudgetChange) -> BudgetOut:
    """Change a budget. It holds for the next call; what the period has spent already counts."""
    with call.transaction() as session:
        view = budgets.update_budget(session, call.actor, budget_id, body.wanted())
        call.note("budget", view.id, **budgets.facts(view))
        return BudgetOut.of(view)


@route(api, "DELETE", "/{budget_id}", permission="budgets:update", action="BUDGET_DELETE", row=Budget)
def delete_budget(call: CallDep, budget_id: str) -> None:
    """Delete a budget; the access tokens that name it then have none."""
    with call.transaction() as session:
        view = budgets.delete_budget(session, call.actor, budget_id)
        call.note("budget", view.id, **budgets.facts(view))


@route(api, "POST", "/preview", permission="budgets:read", action="BUDGET_PREVIEW", fails=(404,))
def preview_budget(call: CallDep, body: PreviewBody) -> PreviewOut:
    """What if: how periods that are over would have run against this limit, day by day. Nothing is stored."""
    with call.transaction(audited=False) as session:
        found = budgets.preview(session, call.actor, body.wanted(), budget_id=body.budget_id, periods=body.periods)
    call.nothing_done()
    return PreviewOut.of(found)


@route(api, "POST", "/{budget_id}/raise", permission="budgets:update", action="BUDGET_RAISE")
def raise_budget(call: CallDep, budget_id: str, body: RaiseBody) -> BudgetOut:
    """Let a higher limit stand for a time. It ends by itself."""
    with call.transaction() as session:
        view = budgets.raise_budget(session, call.actor, budget_id, body.limit, body.until, body.reason)
        call.note("budget", view.id, **budgets.raise_facts(view))
        return BudgetOut.of(view)


@route(api, "DELETE", "/{budget_id}/raise", permission="budgets:update", action="BUDGET_RAISE_END")
def end_raise(call: CallDep, budget_id: str) -> BudgetOut:
    """Let the budget's own limit stand again, before the raise would have ended."""
    with call.transaction() as session:
        view = budgets.end_raise(session, call.actor, budget_id)
        call.note("budget", view.id, **budgets.facts(view))
        return BudgetOut.of(view)
