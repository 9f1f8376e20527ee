"""team: members, what their roles let them do, and invitations to join."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from guardian.api.answers.envelope import Body, Line, Out, Time
from guardian.api.answers.lists import ListQuery
from guardian.api.steps import Call, CallDep, route
from guardian.models import Invitation, TeamMember
from guardian.models.enums import TeamRole
from guardian.services.people import invitations, members, teams
from guardian.services.people.access import sessions
from guardian.services.people.invitations import InvitationView
from guardian.services.people.members import LADDER, MemberChange
from guardian.services.people.views import Page
from guardian.services.permissions import TABLE

api = APIRouter(prefix="/api/v1/team", tags=["team"])


class MemberOut(Out):
    """A person's place in the organization: `id` is the place's. `lastSeen` is when they last used a browser here."""

    id: str
    user_id: str
    email: str
    name: str | None
    role: TeamRole
    team: str | None
    joined_at: Time
    last_seen: Time | None
    second_factor: bool


class InvitationOut(Out):
    """An invitation that is open, or `expired`: it can be sent again then. The link is in the mail alone."""

    id: str
    email: str
    role: TeamRole
    team: str | None
    inviter: str | None
    sent_at: Time
    expires_at: Time
    expired: bool


class TeamOut(Out):
    """A part of the organization; `defaultTags` are put on calls that do not say otherwise."""

    id: str
    name: str
    default_tags: dict[str, str]
    members: int
    tokens: int
    budgets: int


class PeopleOut(Out):
    """Everybody of the organization, who is invited, and its teams."""

    members: list[MemberOut]
    invitations: list[InvitationOut]
    teams: list[TeamOut]


class PermissionOut(Out):
    """One line of what roles may do: `about` finishes the sentence "may …"."""

    permission: str = Field(examples=["keys:create"])
    about: str = Field(examples=["add providers' keys"])
    roles: list[TeamRole]


class RolesOut(Out):
    """`mayGive` are the roles that who asks can give to others."""

    roles: list[TeamRole]
    may_give: list[TeamRole]
    permissions: list[PermissionOut]


class MemberQuery(ListQuery):
    """Members with one role, or of one team."""

    sort: Literal["name", "-name", "email", "-email", "joinedAt", "-joinedAt"] | None = None
    role: TeamRole | None = None
    team: Line | None = None


class InvitationQuery(ListQuery):
    sort: Literal["sentAt", "-sentAt", "email", "-email"] | None = None


class MemberBody(Body):
    """What to change; what is left out stays. An empty `team` takes the person out of theirs."""

    role: TeamRole | None = None
    team: Line | None = None


class NewInvitation(Body):
    email: Line = Field(min_length=1, examples=["grace@acme.com"])
    role: TeamRole = TeamRole.MEMBER
    team: Line | None = None


class InvitationToken(Body):
    """The token of the mailed link."""

    token: Line = Field(min_length=1)


class JoinedOut(Out):
    """The organization that was joined, and where one works now."""

    organization_id: str
    role: TeamRole


@route(api, "GET", "", permission="team:read")
def get_people(call: CallDep) -> PeopleOut:
    """Members, open invitations and teams, all of them; of a large organization ask for members page by page."""
    with call.transaction() as session:
        return PeopleOut(
            members=[MemberOut.model_validate(each) for each in members.list_members(session, call.actor)],
            invitations=[
                InvitationOut.model_validate(each) for each in invitations.list_invitations(session, call.actor)
            ],
            teams=[TeamOut.model_validate(each) for each in teams.list_teams(session, call.actor)],
        )


@route(api, "GET", "/members", permission="team:read")
def list_members(call: CallDep, query: Annotated[MemberQuery, Query()]) -> Page[MemberOut]:
    """Members page by page, by name."""
    with call.transaction() as session:
        found = members.page_of_members(session, call.actor, query.asked, role=query.role, team=query.team)
    return Page(items=tuple(MemberOut.model_validate(each) for each in found.items), next_cursor=found.next_cursor)


@route(api, "GET", "/invitations", permission="team:read")
def list_invitations(call: CallDep, query: Annotated[InvitationQuery, Query()]) -> Page[InvitationOut]:
    """Invitations that are open, or expired, page by page; those sent last come first."""
    with call.transaction() as session:
        found = invitations.page_of_invitations(session, call.actor, query.asked)
    return Page(items=tuple(InvitationOut.model_validate(each) for each in found.items), next_cursor=found.next_cursor)


@route(api, "GET", "/roles", permission="team:read")
def get_roles(call: CallDep) -> RolesOut:
    """What each role may do."""
    return RolesOut(
        roles=list(LADDER),
        may_give=list(members.roles_to_give(call.actor)),
        permissions=[
            PermissionOut(permission=name, about=line.about, roles=[role for role in LADDER if role in line.roles])
            for name, line in TABLE.items()
        ],
    )


@route(api, "PATCH", "/{member_id}", permission="team:update", action="MEMBER_UPDATE", row=TeamMember, fails=(409,))
def update_member(call: CallDep, member_id: str, body: MemberBody) -> MemberOut:
    """Give a role or a team. Nobody gives a role that may more than their own, and the last owner stays one."""
    with call.transaction() as session:
        change = MemberChange(role=body.role, team=body.team)
        before, after = members.update_member(session, call.actor, member_id, change)
        call.note("member", after.id, email=after.email, role=after.role, team=after.team, was=before.role)
        return MemberOut.model_validate(after)


@route(api, "DELETE", "/{member_id}", permission="team:update", action="MEMBER_REMOVE", row=TeamMember, fails=(409,))
def remove_member(call: CallDep, member_id: str) -> None:
    """Take somebody out of the organization. Their sessions and access tokens stop at once; what they made stays."""
    with call.transaction() as session:
        gone = members.remove_member(session, call.actor, member_id)
        call.note("member", gone.id, email=gone.email, role=gone.role)


@route(api, "POST", "/invitations", permission="team:update", action="INVITATION_CREATE", status=201, fails=(409,))
def invite(call: CallDep, body: NewInvitation) -> InvitationOut:
    """Mail somebody a link to join, which works once, for a week, and for that address only."""
    with call.transaction() as session:
        view = invitations.invite(session, call.actor, body.email, body.role, body.team)
        call.note("invitation", view.id, **_facts(view))
        return InvitationOut.model_validate(view)


@route(api, "POST", "/invitations/accept", permission="organization:switch", action="INVITATION_ACCEPT", fails=(409,))
def accept_invitation(call: CallDep, body: InvitationToken) -> JoinedOut:
    """Join by the token of a mailed link, as the person whom it was sent to. Needs a signed-in browser."""
    return accept_invited(call, body.token)


@route(
    api,
    "POST",
    "/invitations/{invitation_id}/resend",
    permission="team:update",
    action="INVITATION_RESEND",
    row=Invitation,
)
def resend_invitation(call: CallDep, invitation_id: str) -> InvitationOut:
    """Mail it once more with a new link, for another week; the link of before is worth nothing then."""
    with call.transaction() as session:
        view = invitations.resend_invitation(session, call.actor, invitation_id)
        call.note("invitation", view.id, **_facts(view))
        return InvitationOut.model_validate(view)


@route(
    api,
    "POST",
    "/invitations/{invitation_id}/revoke",
    permission="team:update",
    action="INVITATION_REVOKE",
    row=Invitation,
)
def revoke_invitation(call: CallDep, invitation_id: str) -> None:
    """Take an invitation back: its link is worth nothing any more."""
    with call.transaction() as session:
        view = invitations.revoke_invitation(session, call.actor, invitation_id)
        call.note("invitation", view.id, **_facts(view))


def _facts(view: InvitationView) -> dict[str, str | None]:
    return {"email": view.email, "role": view.role, "team": view.team}


def accept_invited(call: Call, token: str) -> JoinedOut:
    """Accept as who is signed in, for JSON and for forms alike."""
    with call.transaction() as session:
        joined = invitations.accept_invitation(session, call.actor, token)
        # What was joined writes it down.
        call.become(
            sessions.actor_for_user(
                session,
                call.actor.user_id,
                session_id=call.actor.session_id,
                request_id=call.request_id,
                ip_address=call.ip_address,
            )
        )
        call.note("member", joined.id, role=joined.role)
        return JoinedOut(organization_id=joined.organization_id, role=joined.role)
