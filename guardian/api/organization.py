"""organization: one's own, read and changed."""

from fastapi import APIRouter

from guardian.api.answers.envelope import Body, Line, Out, Time
from guardian.api.steps import CallDep, route
from guardian.models import Organization
from guardian.models.enums import Plan
from guardian.services.people import organizations
from guardian.services.people.organizations import OrganizationChange

api = APIRouter(prefix="/api/v1/organization", tags=["organization"])


class OrganizationOut(Out):
    """`timeZone` is the IANA zone in which the organization's days begin.

    Pages show amounts in `currency` (ISO 4217) too; money in JSON is always in US dollars.
    """

    id: str
    name: str
    plan: Plan
    time_zone: str
    billing_email: str | None
    currency: str
    created_at: Time


class OrganizationBody(Body):
    """What to change; what is left out stays. An empty `billingEmail` removes it."""

    name: Line | None = None
    time_zone: Line | None = None
    billing_email: Line | None = None
    currency: Line | None = None


@route(api, "GET", "", permission="organization:read", row=Organization)
def get_organization(call: CallDep) -> OrganizationOut:
    """One's own organization."""
    with call.transaction() as session:
        return OrganizationOut.model_validate(organizations.get_organization(session, call.actor))


@route(api, "PATCH", "", permission="organization:update", action="ORGANIZATION_UPDATE", row=Organization)
def update_organization(call: CallDep, body: OrganizationBody) -> OrganizationOut:
    """Change name, time zone, the currency that pages show besides dollars, or the address for invoices."""
    change = OrganizationChange(
        name=body.name, time_zone=body.time_zone, billing_email=body.billing_email, currency=body.currency
    )
    with call.transaction() as session:
        view = organizations.update_organization(session, call.actor, change)
        call.note("organization", view.id, **body.model_dump(by_alias=True, exclude_none=True))
        return OrganizationOut.model_validate(view)
