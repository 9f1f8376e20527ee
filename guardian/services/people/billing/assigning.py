"""Plans given by hand, by those who run the installation."""

from sqlmodel import Session

from guardian.errors import ConflictError, NotFoundError
from guardian.models import Organization
from guardian.models.enums import Plan
from guardian.services.actor import Actor
from guardian.services.people.billing.keeping import give_plan, live_subscription, lock_billing
from guardian.services.people.organizations import organization_view
from guardian.services.people.views import OrganizationView


def assign_plan(session: Session, actor: Actor, organization_id: str, plan: Plan) -> OrganizationView:
    """Give an organization another plan, from now on.

    Raises AuthorizationError unless the actor runs the installation, NotFoundError, and ConflictError while the
    organization pays for one: the next word of Stripe's would take this one away.
    """
    actor.require("admin:update")
    lock_billing(session, organization_id)
    organization = session.get(Organization, organization_id, populate_existing=True)
    if organization is None:
        raise NotFoundError("Organization")
    if live_subscription(session, organization_id) is not None:
        raise ConflictError("This organization pays for its plan by Stripe. End that subscription first.")
    give_plan(session, actor, organization, plan, why="assigned")
    return organization_view(organization)
