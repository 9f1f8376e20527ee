"""admin/organizations: every organization, with what it has and spends."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from guardian.api.admin.asking import Searched
from guardian.api.answers.envelope import Body, Out
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
    disabled_at: datetime | None
    disabled_reason: str | None


class Disabling(Body):
    reason: Annotated[str, StringConstraints(max_length=1_000)]


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


@route(
    api,
    "POST",
    "/{organization_id}/disable",
    permission="admin:update",
    action="ORGANIZATION_DISABLE",
    fails=(409,),
)
def disable_organization(call: CallDep, organization_id: str, body: Disabling) -> OrganizationLineOut:
    """Let nobody work in it, and none of its tokens; nothing is deleted. 409 for one's own."""
    with call.transaction() as session:
        line = organizations.disable(session, call.actor, organization_id, body.reason)
        call.note("organization", line.id, name=line.name, reason=line.disabled_reason)
    return OrganizationLineOut.model_validate(line)


@route(api, "POST", "/{organization_id}/enable", permission="admin:update", action="ORGANIZATION_ENABLE", fails=(409,))
def enable_organization(call: CallDep, organization_id: str) -> OrganizationLineOut:
    """Undo it: sessions and tokens work again. 409 where it is not disabled."""
    with call.transaction() as session:
        line = organizations.enable(session, call.actor, organization_id)
        call.note("organization", line.id, name=line.name)
    return OrganizationLineOut.model_validate(line)
