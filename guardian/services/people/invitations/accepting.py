"""Following an invitation's link: what it says to whoever holds it, and joining by it, once, as the invited person."""

from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session, select

from guardian.crypto import hash_token
from guardian.errors import ValidationError
from guardian.models import Invitation, Organization, TeamMember, User
from guardian.models.enums import TeamRole
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people import sign_in_rules
from guardian.services.people.members import join, lock_members, require_browser

State = Literal["open", "expired", "revoked", "used", "unknown"]
FIELD = "invitation"
_WHY: dict[State, str] = {
    "expired": "This invitation has expired. Ask for it to be sent again.",
    "revoked": "This invitation was taken back. Ask to be invited again.",
    "used": "This invitation was used already. Sign in instead.",
    "unknown": "This is no link of an invitation, or a newer one was sent since. Use the newest mail.",
}
OF_SOMEBODY_ELSE = "This invitation is for another address. Sign in as the person that it was sent to."


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """What a link says: `state` alone where it is not open. `has_account`: the invited person can sign in already."""

    state: State
    email: str = ""
    organization: str = ""
    inviter: str = ""
    role: TeamRole | None = None
    team: str | None = None
    has_account: bool = False


def look_up(session: Session, token: str) -> Invited:
    """What the link with this token says. It asks for no actor: who holds the token reads the mail."""
    row = _by_token(session, token)
    state = _state(row)
    if row is None or state != "open":
        return Invited(state=state)
    inviter = session.get(User, row.invited_by_id) if row.invited_by_id else None
    return Invited(
        state=state,
        email=row.email,
        organization=session.get_one(Organization, row.organization_id).name,
        inviter=(inviter.name or inviter.email) if inviter else "",
        role=row.role,
        team=row.team,
        has_account=session.exec(select(User.id).where(User.email == row.email)).first() is not None,
    )


def invited_address(session: Session, token: str) -> str:
    """Whom the open invitation is for. Raises ValidationError on the field invitation."""
    row = _by_token(session, token)
    state = _state(row)
    if row is None or state != "open":
        raise invitation_refused(_WHY.get(state, _WHY["unknown"]))
    return row.email


def accept_invitation(session: Session, actor: Actor, token: str) -> TeamMember:
    """Join as the signed-in person, who works in that organization from now on. Raises as `accept_invitation_as`, and
    SignInRefused where that organization asks for another way to sign in.
    """
    require_browser(actor)
    member = accept_invitation_as(session, session.get_one(User, actor.user_id), token)
    sign_in_rules.require_way_of_session(session, actor)
    return member


def accept_invitation_as(session: Session, user: User, token: str) -> TeamMember:
    """Join as a person who has proved who they are; the place is theirs and the link is worth nothing any more.

    Raises ValidationError on the field invitation: unknown, expired, revoked, used, or for another address; and
    ConflictError where the plan has no room.
    """
    found = _by_token(session, token)
    if found is None:
        raise invitation_refused(_WHY["unknown"])
    # Of two who follow it at once, or of one who follows and one who revokes, the second sees what the first has done.
    lock_members(session, found.organization_id)
    row = session.get_one(Invitation, found.id, populate_existing=True)
    state = _state(row) if row.token_hash == hash_token(token) else "unknown"
    if state != "open":
        raise invitation_refused(_WHY[state])
    if user.email != row.email:
        raise invitation_refused(OF_SOMEBODY_ELSE)
    member = join(session, row.organization_id, user, row.role, row.team)
    row.accepted_at = utcnow()
    # The link came by mail to this address, so its owner reads it.
    user.email_verified = user.email_verified or utcnow()
    session.flush()
    return member


def invitation_refused(message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": FIELD, "message": message}])


def _by_token(session: Session, token: str) -> Invitation | None:
    return session.exec(select(Invitation).where(Invitation.token_hash == hash_token(token))).one_or_none()


def _state(row: Invitation | None) -> State:
    if row is None:
        return "unknown"
    if row.accepted_at is not None:
        return "used"
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at <= utcnow() else "open"
