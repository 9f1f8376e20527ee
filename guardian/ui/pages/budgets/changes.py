"""What the page does to budgets, each with its audit row, in one transaction; and how the past runs against a draft."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from sqlmodel import Session

from guardian.models.enums import BudgetPeriod
from guardian.periods import zone
from guardian.services.actor import Actor
from guardian.services.guard import budgets
from guardian.services.guard.budgets import BudgetView, NewBudget, Scope, Target
from guardian.services.guard.budgets.targets import name_of
from guardian.services.guard.budgets.what_if import WhatIf
from guardian.ui.audited import Work, audited
from guardian.ui.pages.budgets import words
from guardian.ui.pages.budgets.draft import Draft, amount_of, end_of, new_budget, percentages_of

_RESOURCE = "budget"


def _audited(
    action: str, work: Work[BudgetView], facts: Callable[[BudgetView], dict[str, Any]] = budgets.facts
) -> Work[BudgetView]:
    return audited(action, _RESOURCE, work, lambda view: (view.id, facts(view)))


def saving(draft: Draft) -> Work[BudgetView]:
    """Make the budget, or change the one that the draft is of. One without a name is called by what it limits."""

    def save(session: Session, actor: Actor) -> BudgetView:
        of = name_of(session, draft.wanted_scope)
        name = draft.name or words.name(draft.scope, of, draft.span, draft.rolling_days)[:100]
        wanted = new_budget(draft, name)
        if draft.id:
            return budgets.update_budget(session, actor, draft.id, wanted)
        return budgets.create_budget(session, actor, wanted)

    return _audited("BUDGET_UPDATE" if draft.id else "BUDGET_CREATE", save)


def switching(budget_id: str, *, on: bool) -> Work[BudgetView]:
    """Pause it, or let it count for something again."""
    return _audited("BUDGET_UPDATE", partial(_update, budget_id=budget_id, wanted=NewBudget(is_active=on)))


def raising(budget_id: str, form: dict[str, Any]) -> Work[BudgetView]:
    """Let the limit of the form stand until the end of its day."""

    def lift(session: Session, actor: Actor) -> BudgetView:
        limit, reason = amount_of(str(form.get("amount", ""))), str(form.get("reason", ""))
        tz = zone(budgets.get_budget(session, actor, budget_id).time_zone)
        return budgets.raise_budget(session, actor, budget_id, limit, end_of(str(form.get("until", "")), tz), reason)

    return _audited("BUDGET_RAISE", lift, budgets.raise_facts)


def ending_raise(budget_id: str) -> Work[BudgetView]:
    """Let the budget's own limit stand again."""
    return _audited("BUDGET_RAISE_END", partial(_end_raise, budget_id=budget_id))


def deleting(budget_id: str) -> Work[BudgetView]:
    """Delete it for good."""
    return _audited("BUDGET_DELETE", partial(_delete, budget_id=budget_id))


def looking(draft: Draft) -> Work[WhatIf]:
    """How the past would have run against the draft. Raises ValidationError while it is none that could be made."""

    def look(session: Session, actor: Actor) -> WhatIf:
        wanted = NewBudget(
            scope=draft.wanted_scope,
            limit=amount_of(draft.amount),
            period=draft.span,
            rolling_days=draft.rolling_days,
            thresholds=percentages_of(draft.thresholds),
        )
        return budgets.preview(session, actor, wanted, budget_id=draft.id or None)

    return look


def last_month(scope: Scope) -> Work[Decimal]:
    """What the scope's calls cost in the last calendar month."""

    def read(session: Session, actor: Actor) -> Decimal:
        wanted = NewBudget(scope=scope, limit=Decimal(1), period=BudgetPeriod.MONTHLY)
        return budgets.preview(session, actor, wanted).periods[0].spent

    return read


def targets(draft: Draft) -> Work[list[Target]]:
    """What there is of the draft's kind of scope."""
    return lambda session, actor: budgets.targets_of(session, actor, draft.scope)


def _update(session: Session, actor: Actor, budget_id: str, wanted: NewBudget) -> BudgetView:
    return budgets.update_budget(session, actor, budget_id, wanted)


def _end_raise(session: Session, actor: Actor, budget_id: str) -> BudgetView:
    return budgets.end_raise(session, actor, budget_id)


def _delete(session: Session, actor: Actor, budget_id: str) -> BudgetView:
    return budgets.delete_budget(session, actor, budget_id)
