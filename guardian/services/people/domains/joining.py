"""Joining by a verified domain: who reads mail at it may, without having been asked."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from guardian.errors import ConflictError, NotFoundError
from guardian.models import Organization, TeamMember, User
from guardian.models.enums import TeamRole
from guardian.services.actor import Actor
from guardian.services.people import sign_in_rules
from guardian.services.people.disabled import is_enabled, oldest_place
from guardian.services.people.domains.claiming import join_role_of
from guardian.services.people.emails import domain_of
from guardian.services.people.members import join, require_browser, was_removed
from guardian.services.people.places import new_organization, own_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Joinable:
    """An organization that a person may join by their address, and the role that they would have."""

    id: str
    name: str
    role: TeamRole


def joinable(session: Session, user: User) -> Joinable | None:
    """Where this person may join by their confirmed address; None where nowhere, where they are already, where
    somebody took them out, and where nobody works because it is disabled.
    """
    if user.email_verified is None:
        return None
    row = session.exec(select(Organization).where(Organization.domain == domain_of(user.email))).one_or_none()
    role = join_role_of(row) if row else None
    if row is None or role is None or row.disabled_at is not None or was_removed(row, user.id):
        return None
    own = select(TeamMember.id).where(TeamMember.organization_id == row.id, TeamMember.user_id == user.id)
    return None if session.exec(own).first() else Joinable(id=row.id, name=row.name, role=role)


def join_by_domain(session: Session, actor: Actor) -> Joinable:
    """Join it, and work there from now on. Raises NotFoundError where there is none, ConflictError without room,
    SignInRefused where it asks for another way to sign in.
    """
    require_browser(actor)
    user = session.get_one(User, actor.user_id)
    found = joinable(session, user)
    if found is None:
        raise NotFoundError("Organization")
    join(session, found.id, user, found.role)
    sign_in_rules.require_way_of_session(session, actor)
    return found


def give_place(session: Session, user: User) -> None:
    """See to it that who signs in works somewhere: in an organization of theirs, else in the one of their address's
    domain, else in a new one of their own, as after signing up. Where all of theirs are disabled, in one of those:
    nobody signs in there, and they are told why.
    """
    places = select(TeamMember.organization_id).where(TeamMember.user_id == user.id)
    # Who moved to one that took them out at the same moment works where they have no place.
    if session.exec(places.where(TeamMember.organization_id == user.organization_id, is_enabled())).first():
        return
    user.organization_id = oldest_place(session, user.id) or session.exec(places.order_by(col(TeamMember.id))).first()
    if user.organization_id is None and not join_by_address(session, user):
        new_organization(session, user, own_name(user))
    session.flush()


def join_by_address(session: Session, user: User) -> bool:
    """Have somebody join by their confirmed address, where that is open to them and there is room; whether it was."""
    found = joinable(session, user)
    if found is None:
        return False
    try:
        join(session, found.id, user, found.role)
    except ConflictError:  # no room: they are let in all the same, into one of their own
        return False
    return True
