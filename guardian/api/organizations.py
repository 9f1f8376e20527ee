"""organizations: those of one person, of which one is worked in; and what ends or hands on that one."""

from fastapi import APIRouter
from pydantic import Field

from guardian.api.answers.envelope import Body, Line, Out
from guardian.api.steps import Call, CallDep, route
from guardian.api.team import MemberOut
from guardian.models import User
from guardian.models.enums import TeamRole
from guardian.services.people import audit, domains, members, places
from guardian.services.people.access import sessions

api = APIRouter(prefix="/api/v1/organizations", tags=["organization"])
own = APIRouter(prefix="/api/v1/organization", tags=["organization"])


class PlaceOut(Out):
    """An organization of one's own, with one's role there; `current` is the one that one works in."""

    id: str
    name: str
    role: TeamRole
    current: bool


class JoinableOut(Out):
    """An organization that one's confirmed address lets one join."""

    id: str
    name: str
    role: TeamRole


class PlacesOut(Out):
    organizations: list[PlaceOut]
    joinable: JoinableOut | None


class NewOrganization(Body):
    name: Line = Field(min_length=1, examples=["Acme Labs"])


class Successor(Body):
    """The place (`id` of GET team) of who owns the organization from now on."""

    member_id: Line


class WorkingOut(Out):
    """Where one works now; null: nowhere, and one is signed out."""

    organization: PlaceOut | None


@route(api, "GET", "", permission="session:read")
def list_organizations(call: CallDep) -> PlacesOut:
    """The organizations that one belongs to, and the one that one may join."""
    with call.transaction() as session:
        found = domains.joinable(session, session.get_one(User, call.actor.user_id))
        return PlacesOut(
            organizations=[PlaceOut.model_validate(each) for each in places.list_places(session, call.actor)],
            joinable=JoinableOut.model_validate(found) if found else None,
        )


@route(api, "POST", "", permission="organization:create", action="ORGANIZATION_CREATE", status=201, fails=(409,))
def create_organization(call: CallDep, body: NewOrganization) -> PlaceOut:
    """Make another organization, own it, and work in it. Needs a signed-in browser."""
    with call.transaction() as session:
        made = places.create_organization(session, call.actor, body.name)
        call.note("organization", made.id, name=made.name)
        return PlaceOut.model_validate(made)


@route(api, "POST", "/join", permission="organization:switch", action="ORGANIZATION_JOIN", fails=(404, 409))
def join_by_domain(call: CallDep) -> JoinableOut:
    """Join the organization whose verified domain one's confirmed address is at. Needs a signed-in browser."""
    with call.transaction() as session:
        joined = domains.join_by_domain(session, call.actor)
        call.become(
            sessions.actor_for_user(
                session,
                call.actor.user_id,
                session_id=call.actor.session_id,
                request_id=call.request_id,
                ip_address=call.ip_address,
            )
        )
        call.note("organization", joined.id, role=joined.role)
        return JoinableOut.model_validate(joined)


@route(
    api,
    "POST",
    "/{organization_id}/switch",
    permission="organization:switch",
    action="ORGANIZATION_SWITCH",
    fails=(404,),
)
def switch_organization(call: CallDep, organization_id: str) -> PlaceOut:
    """Work in another of one's organizations, in every browser. Needs a signed-in browser."""
    with call.transaction() as session:
        found = places.switch_organization(session, call.actor, organization_id)
        call.note("organization", found.id, name=found.name)
        return PlaceOut.model_validate(found)


@route(own, "POST", "/leave", permission="team:leave", action="ORGANIZATION_LEAVE", fails=(404, 409))
def leave_organization(call: CallDep) -> WorkingOut:
    """Leave the organization that one works in. Its last owner cannot. Needs a signed-in browser."""
    with call.transaction() as session:
        went = places.leave_organization(session, call.actor)
        call.note("organization", call.actor.organization_id)
        return _working(call, went)


@route(own, "POST", "/transfer", permission="organization:transfer", action="ORGANIZATION_TRANSFER", fails=(404, 409))
def transfer_ownership(call: CallDep, body: Successor) -> MemberOut:
    """Make somebody else the owner; who asks becomes an administrator. Needs a signed-in browser."""
    with call.transaction() as session:
        view = members.transfer_ownership(session, call.actor, body.member_id)
        call.note("member", view.id, email=view.email)
        return MemberOut.model_validate(view)


@route(own, "DELETE", "", permission="organization:delete", action="ORGANIZATION_DELETE", fails=(409,))
def delete_organization(call: CallDep, name: Line) -> WorkingOut:
    """Delete the organization with all usage, keys and budgets; `name` is its name, to make sure. It cannot be undone.

    Needs a signed-in browser.
    """
    with call.transaction(audited=False) as session:
        # Before it goes: its chain of the audit log stays, and ends with this.
        mine = call.actor.organization_id
        facts = places.facts_of(session, call.actor)
        audit.record(
            session, call.actor, "ORGANIZATION_DELETE", resource_type="organization", resource_id=mine, before=facts
        )
        went = places.delete_organization(session, call.actor, name)
    call.nothing_done()
    return _working(call, went)


def _working(call: Call, place: places.PlaceView | None) -> WorkingOut:
    if place is None:
        call.keep_cookie("")
    return WorkingOut(organization=PlaceOut.model_validate(place) if place else None)
