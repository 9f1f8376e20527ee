"""Changing who may what: roles, teams, removals, and handing the organization on. All of it one at a time."""

from dataclasses import dataclass

from sqlmodel import Session, col, func, select, update

from guardian.errors import ConflictError, NotFoundError, ValidationError
from guardian.models import Invitation, Team, TeamMember, User
from guardian.models.enums import TeamRole, UserRole
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people.members.joining import lock_members, place_of
from guardian.services.people.members.leaving import move_on, take_out
from guardian.services.people.members.reading import MemberView, view_of
from guardian.services.people.members.removed import note_removed
from guardian.services.people.members.roles import require_browser, require_may_give
from guardian.services.people.telling import tell_team_changed
from guardian.services.permissions import GRANTS

LAST_OWNER = "This is the last owner. Make somebody else an owner first, or hand the organization over."


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChange:
    """What to change; None leaves it. An empty `team` takes the person out of theirs."""

    role: TeamRole | None = None
    team: str | None = None


def update_member(
    session: Session, actor: Actor, member_id: str, change: MemberChange
) -> tuple[MemberView, MemberView]:
    """Give a role or a team; how the place was, and how it is.

    Raises NotFoundError, AuthorizationError (a role above one's own), ConflictError (the last owner), ValidationError.
    """
    actor.require("team:update")
    member = _locked(session, actor, member_id)
    before = view_of(session, member)
    if change.role is not None and change.role is not member.role:
        require_may_give(actor, member.role)
        require_may_give(actor, change.role)
        if member.role is TeamRole.OWNER:
            require_another_owner(session, member)
        member.role = change.role
    if change.team is not None:
        member.team = known_team(session, actor.organization_id, change.team)
    session.add(member)
    session.flush()
    _take_back_invitations(session, member)
    tell_team_changed(session, actor.organization_id, gateways=True)
    return before, view_of(session, member)


def remove_member(session: Session, actor: Actor, member_id: str) -> MemberView:
    """Take somebody out: their sessions here and their tokens stop at once. Raises as `update_member`, and
    ConflictError for oneself, who leaves instead.
    """
    actor.require("team:update")
    member = _locked(session, actor, member_id)
    if member.user_id == actor.user_id:
        raise ConflictError("You cannot remove yourself. Leave the organization instead.")
    require_may_give(actor, member.role)
    if member.role is TeamRole.OWNER:
        require_another_owner(session, member)
    view = view_of(session, member)
    take_out(session, member, heir_id=actor.user_id)
    note_removed(session, actor.organization_id, view.user_id)
    move_on(session, session.get_one(User, view.user_id), actor.organization_id, keep_sessions=False)
    return view


def transfer_ownership(session: Session, actor: Actor, member_id: str) -> MemberView:
    """Make somebody the owner in the actor's place, who becomes an administrator.

    Raises NotFoundError, ConflictError for oneself, AuthorizationError for an access token.
    """
    require_browser(actor)
    actor.require("organization:transfer")
    member = _locked(session, actor, member_id)
    if member.user_id == actor.user_id:
        raise ConflictError("You own this organization already. Choose somebody else.")
    member.role = TeamRole.OWNER
    own = place_of(session, actor.organization_id, actor.user_id)
    if own is not None and own.role is TeamRole.OWNER:
        own.role = TeamRole.ADMIN
        session.flush()
        _take_back_invitations(session, own)
    session.flush()
    tell_team_changed(session, actor.organization_id, gateways=True)
    return view_of(session, member)


def require_another_owner(session: Session, member: TeamMember) -> None:
    """Raises ConflictError where nobody would own the organization any more. Members have to be locked."""
    others = session.exec(
        select(func.count()).where(
            TeamMember.organization_id == member.organization_id,
            TeamMember.role == TeamRole.OWNER,
            col(TeamMember.id) != member.id,
        )
    ).one()
    if not others:
        raise ConflictError(LAST_OWNER)


def known_team(session: Session, organization_id: str, name: str) -> str | None:
    """The team of that name, None for an empty one. Raises ValidationError on the field team."""
    if not name.strip():
        return None
    found = session.exec(
        select(Team.name).where(Team.organization_id == organization_id, Team.name == name.strip())
    ).one_or_none()
    if found is None:
        message = f"There is no team {name.strip()[:100]!r}. Make it first."
        raise ValidationError(message, details=[{"field": "team", "message": message}])
    return found


def _take_back_invitations(session: Session, member: TeamMember) -> None:
    """End those that this person has sent to a role that they may no longer give."""
    if session.get_one(User, member.user_id).role is UserRole.SUPER_ADMIN:
        return
    held = GRANTS[member.role]
    kept = [role for role in TeamRole if "team:update" in held and GRANTS[role] <= held]
    session.exec(
        update(Invitation)
        .where(
            col(Invitation.organization_id) == member.organization_id,
            col(Invitation.invited_by_id) == member.user_id,
            col(Invitation.accepted_at).is_(None),
            col(Invitation.revoked_at).is_(None),
            col(Invitation.role).not_in(kept),
        )
        .values(revoked_at=utcnow())
    )


def _locked(session: Session, actor: Actor, member_id: str) -> TeamMember:
    lock_members(session, actor.organization_id)
    member = session.get(TeamMember, member_id, populate_existing=True)
    if member is None or member.organization_id != actor.organization_id:
        raise NotFoundError("Member")
    return member
