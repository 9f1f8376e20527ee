"""The organizations of one person: making another, working in one of them, leaving one, and ending one for good."""

from dataclasses import dataclass

from sqlmodel import Session, col, delete, func, select

from guardian.errors import ConflictError, NotFoundError, ValidationError
from guardian.models import ApiKey, Organization, Subscription, TeamMember, UsageLog, User
from guardian.models.enums import SubscriptionStatus, TeamRole
from guardian.services.actor import Actor
from guardian.services.people import kept
from guardian.services.people.billing.plans import plan_of_new
from guardian.services.people.members import lock_members, move_on, require_browser, take_out
from guardian.services.people.members.changing import require_another_owner
from guardian.services.people.members.joining import place_of
from guardian.services.people.moving import moved
from guardian.services.people.telling import tell_team_changed

MAX_NAME = 200
MAX_PLACES = 50
_PAID_FOR = (SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceView:
    """An organization that a person belongs to, with their role there; `current` is the one they work in now."""

    id: str
    name: str
    role: TeamRole
    current: bool


def list_places(session: Session, actor: Actor) -> list[PlaceView]:
    """Every organization of the actor's that is not disabled, by name."""
    rows = session.exec(
        select(Organization, TeamMember.role)
        .join(TeamMember, col(TeamMember.organization_id) == col(Organization.id))
        .where(TeamMember.user_id == actor.user_id, col(Organization.disabled_at).is_(None))
    )
    found = [
        PlaceView(id=row.id, name=row.name, role=TeamRole(role), current=row.id == actor.organization_id)
        for row, role in rows
    ]
    return sorted(found, key=lambda each: (each.name.lower(), each.id))


def create_organization(session: Session, actor: Actor, name: str) -> PlaceView:
    """Another organization, which the actor owns and works in from now on. Raises ValidationError, ConflictError."""
    require_browser(actor)
    actor.require("organization:create")
    wanted = " ".join(name.split())
    if not 1 <= len(wanted) <= MAX_NAME or not wanted.isprintable():
        raise _wrong("name", f"An organization's name has 1 to {MAX_NAME} printable characters.")
    if len(list_places(session, actor)) >= MAX_PLACES:
        raise ConflictError(f"Nobody can be in more than {MAX_PLACES} organizations. Leave one first.")
    row = new_organization(session, session.get_one(User, actor.user_id), wanted)
    return PlaceView(id=row.id, name=row.name, role=TeamRole.OWNER, current=True)


def new_organization(session: Session, user: User, name: str) -> Organization:
    """An organization that this person owns and works in from now on."""
    row = Organization(name=name, billing_email=user.email, plan=plan_of_new())
    session.add(row)
    session.flush()
    session.add(TeamMember(organization_id=row.id, user_id=user.id, role=TeamRole.OWNER))
    user.organization_id = row.id
    session.add(user)
    session.flush()
    moved(session, user.id)
    return row


def own_name(user: User) -> str:
    """What a person's own organization is called while nobody has said otherwise."""
    return f"{user.name or user.email.split('@')[0]}'s organization"[:MAX_NAME]


def switch_organization(session: Session, actor: Actor, organization_id: str) -> PlaceView:
    """Work in another of one's organizations, in every browser. Raises NotFoundError for one of others."""
    require_browser(actor)
    actor.require("organization:switch")
    found = next((each for each in list_places(session, actor) if each.id == organization_id), None)
    if found is None:
        raise NotFoundError("Organization")
    session.get_one(User, actor.user_id).organization_id = organization_id
    session.flush()
    moved(session, actor.user_id)
    return PlaceView(id=found.id, name=found.name, role=found.role, current=True)


def leave_organization(session: Session, actor: Actor) -> PlaceView | None:
    """Leave the organization that one works in; the one where one works then, None where there is none.

    Raises ConflictError for its last owner.
    """
    require_browser(actor)
    actor.require("team:leave")
    lock_members(session, actor.organization_id)
    own = place_of(session, actor.organization_id, actor.user_id)
    if own is None:
        raise NotFoundError("Member")
    if own.role is TeamRole.OWNER:
        require_another_owner(session, own)
    take_out(session, own, heir_id=_oldest_owner(session, actor))
    move_on(session, session.get_one(User, actor.user_id), actor.organization_id, keep_sessions=True)
    return _now(session, actor)


def delete_organization(session: Session, actor: Actor, name: str) -> PlaceView | None:
    """End the organization with all that is in it, usage and keys too; where the actor works then, None: nowhere.

    `name` has to be the organization's. Its audit log stays, as a chain of its own. Raises ValidationError on `name`,
    ConflictError while a subscription is paid for.
    """
    require_browser(actor)
    actor.require("organization:delete")
    lock_members(session, actor.organization_id)
    row = session.get_one(Organization, actor.organization_id)
    if name.strip() != row.name:
        raise _wrong("name", f"Type {row.name} to delete this organization.")
    paid = select(Subscription.id).where(
        Subscription.organization_id == row.id,
        col(Subscription.stripe_subscription_id).is_not(None),
        col(Subscription.status).in_(_PAID_FOR),
    )
    if session.exec(paid).first() is not None:
        raise ConflictError("End the subscription under Plan and invoices first: it would go on being paid for.")
    people = session.exec(
        select(User)
        .join(TeamMember, col(TeamMember.user_id) == col(User.id))
        .where(TeamMember.organization_id == row.id)
    ).all()
    for person in people:
        move_on(session, person, row.id, keep_sessions=True)
    # These two would outlive it: they are of a person too.
    session.exec(delete(UsageLog).where(col(UsageLog.organization_id) == row.id))
    keys = delete(ApiKey).where(col(ApiKey.organization_id) == row.id).returning(col(ApiKey.provider))
    for provider in set(session.exec(keys).scalars()):
        kept.forget(session, kept.provider_owner(provider))
    session.exec(delete(Organization).where(col(Organization.id) == row.id))
    session.flush()
    tell_team_changed(session, row.id, gateways=True)
    return _now(session, actor)


def facts_of(session: Session, actor: Actor) -> dict[str, object]:
    """What the audit log keeps of an organization that goes: it has to be read, and written, before that."""
    row = session.get_one(Organization, actor.organization_id)
    people = session.exec(select(func.count()).where(TeamMember.organization_id == row.id)).one()
    keys = session.exec(select(func.count()).where(ApiKey.organization_id == row.id)).one()
    return {"name": row.name, "domain": row.domain, "plan": row.plan.value, "people": people, "keys": keys}


def _now(session: Session, actor: Actor) -> PlaceView | None:
    working_in = session.get_one(User, actor.user_id).organization_id
    found = next((each for each in list_places(session, actor) if each.id == working_in), None)
    return found and PlaceView(id=found.id, name=found.name, role=found.role, current=True)


def _oldest_owner(session: Session, actor: Actor) -> str:
    """Who takes over what the actor leaves behind."""
    found = session.exec(
        select(TeamMember.user_id)
        .where(
            TeamMember.organization_id == actor.organization_id,
            TeamMember.user_id != actor.user_id,
            TeamMember.role == TeamRole.OWNER,
        )
        .order_by(col(TeamMember.created_at), col(TeamMember.id))
    ).first()
    return found or actor.user_id


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])
