"""admin/organizations: every organization, with what it has and spends."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query

from guardian.api.admin.asking import Searched
from guardian.api.answers.envelope import Out
from guardian.api.steps import CallDep, route
from guardian.models.enums import Plan
from guardian.services.guard.installation import organizations
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/admin/organizations", tags=["admin"])


class OrganizationsAsked(Searched):
    plan: Plan | None = None


class OrganizationLineOut(Out):
    """`members` and `keys` are how many it has, `spend` is of the last 30 days without what is unpriced."""

    id: str
    name: str
    domain: str | None
    plan: Plan
    members: int
    keys: int
    spend: Decimal
    unpriced_tokens: int
    created_at: datetime


@route(api, "GET", "", permission="admin:read")
def list_organizations(call: CallDep, asked: Annotated[OrganizationsAsked, Query()]) -> Page[OrganizationLineOut]:
    """Every organization of this installation, the newest first."""
    with call.transaction() as session:
        page = organizations.list_organizations(
            session,
            call.actor,
            search=asked.search or "",
            plan=asked.plan,
            cursor=asked.cursor,
            limit=asked.limit,
        )
    items = tuple(OrganizationLineOut.model_validate(each) for each in page.items)
    return Page(items=items, next_cursor=page.next_cursor)


@route(api, "GET", "/{organization_id}", permission="admin:read")
def get_organization(call: CallDep, organization_id: str) -> OrganizationLineOut:
    with call.transaction() as session:
        found = organizations.find_organization(session, call.actor, organization_id)
    return OrganizationLineOut.model_validate(found)
