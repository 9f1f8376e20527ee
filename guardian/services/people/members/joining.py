"""Joining an organization: a place in it, if the plan has room, and the person works there from now on."""

from sqlmodel import Session, select

from guardian import db
from guardian.errors import ConflictError
from guardian.models import Organization, TeamMember, User
from guardian.models.enums import TeamRole
from guardian.services.people.billing.plans import require_room
from guardian.services.people.members.removed import forget_removed
from guardian.services.people.moving import moved
from guardian.services.people.telling import tell_team_changed


def lock_members(session: Session, organization_id: str) -> None:
    """Nobody else changes the members or invitations of the organization until this transaction ends."""
    db.lock(session, "members", organization_id)


def place_of(session: Session, organization_id: str, user_id: str) -> TeamMember | None:
    """The person's place in the organization, as the database has it now."""
    return session.exec(
        select(TeamMember)
        .where(TeamMember.organization_id == organization_id, TeamMember.user_id == user_id)
        .execution_options(populate_existing=True)
    ).one_or_none()


def join(session: Session, organization_id: str, user: User, role: TeamRole, team: str | None = None) -> TeamMember:
    """The person's place, which stays as it is where they have one already.

    Raises ConflictError without room, and where the organization is disabled: whoever joins works there at once.
    """
    lock_members(session, organization_id)
    if session.exec(select(Organization.disabled_at).where(Organization.id == organization_id)).one() is not None:
        raise ConflictError("This organization is disabled. Ask who runs this installation to enable it.")
    member = place_of(session, organization_id, user.id)
    if member is None:
        require_room(session, organization_id, "members")
        member = TeamMember(organization_id=organization_id, user_id=user.id, role=role, team=team)
        session.add(member)
        forget_removed(session, organization_id, user.id)
    user.organization_id = organization_id
    session.flush()
    tell_team_changed(session, organization_id)
    moved(session, user.id)
    return member
