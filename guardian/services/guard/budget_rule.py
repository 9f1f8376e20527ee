"""The rule that speaks of budgets without anybody having built it: made with an organization's first budget."""

from decimal import Decimal

from sqlmodel import Session, col, select

from guardian import db
from guardian.models import Alert, Organization
from guardian.models.enums import AlertFrequency, AlertType, ComparisonType
from guardian.services.actor import Actor

NAME = "Budgets"
# In the organization's settings: it was made once, so that one that people deleted stays away.
_MADE = "budgetRuleMade"


def ensure_budget_rule(session: Session, actor: Actor) -> None:
    """See to it that the thresholds of the actor's budgets are told of (the actor, by e-mail), unless a rule does.

    Made once for an organization; it is changed and deleted like any other. It is no right of its own: whoever may set
    a budget calls this.
    """
    db.lock(session, "budget-rule", actor.organization_id)
    organization = session.get_one(Organization, actor.organization_id, populate_existing=True)
    if (organization.settings or {}).get(_MADE):
        return
    organization.settings = {**(organization.settings or {}), _MADE: True}
    query = select(Alert.id).where(
        col(Alert.organization_id) == actor.organization_id, Alert.type == AlertType.BUDGET_EXCEEDED
    )
    if session.exec(query.limit(1)).first() is None:
        session.add(
            Alert(
                name=NAME,
                type=AlertType.BUDGET_EXCEEDED,
                metric="spent",
                # Of a budget that has no thresholds of its own: all of it.
                threshold=Decimal(100),
                comparison_type=ComparisonType.GREATER_THAN_OR_EQUAL,
                frequency=AlertFrequency.IMMEDIATE,
                scope={"type": "organization"},
                user_id=actor.user_id,
                organization_id=actor.organization_id,
            )
        )
    session.flush()
