"""Asking people to join: the invitation, its mail, and taking it back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import Select

from guardian import limits
from guardian.config import settings
from guardian.crypto import hash_token, new_token
from guardian.errors import ConflictError, NotFoundError
from guardian.limits import Limit
from guardian.models import Invitation, Organization, TeamMember, User
from guardian.models.enums import TeamRole
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people.billing.plans import require_room
from guardian.services.people.emails import normal_email
from guardian.services.people.mail import letter, queue_mail
from guardian.services.people.members import lock_members, require_may_give
from guardian.services.people.members.changing import known_team
from guardian.services.people.paging import Asked, Orders, read_page
from guardian.services.people.telling import tell_team_changed
from guardian.services.people.views import Page

LIFETIME = timedelta(days=7)
# Mails to people who have not asked for them: an organization sends so many an hour, and to one person so many.
PER_ORGANIZATION = Limit("invitations", count=100, seconds=3600)
PER_INVITATION = Limit("invitation-mails", count=5, seconds=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationView:
    """An invitation that was neither accepted nor revoked; `expired` ones can be sent again. `inviter` is a name."""

    id: str
    email: str
    role: TeamRole
    team: str | None
    inviter: str | None
    sent_at: datetime
    expires_at: datetime
    expired: bool


_ORDERS = Orders(
    by={"sentAt": col(Invitation.sent_at), "email": col(Invitation.email)}, id=col(Invitation.id), usual="-sentAt"
)


def list_invitations(session: Session, actor: Actor) -> list[InvitationView]:
    """Those that are open or expired, the newest first."""
    rows = session.exec(_visible(actor).order_by(col(Invitation.id).desc())).all()
    return [_view(row, user) for row, user in rows]


def page_of_invitations(session: Session, actor: Actor, asked: Asked) -> Page[InvitationView]:
    """The same page by page, those sent last first. Raises ValidationError for a wrong cursor."""
    rows, following = read_page(session, _visible(actor), _ORDERS, asked)
    return Page(items=tuple(_view(row, user) for row, user in rows), next_cursor=following)


def _visible(actor: Actor) -> Select[Invitation, User]:
    actor.require("team:read")
    return (
        select(Invitation, User)
        .join(User, col(User.id) == col(Invitation.invited_by_id), isouter=True)
        .where(Invitation.organization_id == actor.organization_id, *_open())
    )


def invite(session: Session, actor: Actor, email: str, role: TeamRole, team: str | None = None) -> InvitationView:
    """Mail somebody a link to join; it works for a week.

    Raises ValidationError (email, team), AuthorizationError for a role above the actor's, ConflictError for a member,
    for somebody who is invited already, and where the plan has no room, RateLimitError.
    """
    actor.require("team:update")
    require_may_give(actor, role)
    address = normal_email(email)
    mine = actor.organization_id
    lock_members(session, mine)
    member = select(TeamMember.id).join(User, col(User.id) == col(TeamMember.user_id))
    if session.exec(member.where(TeamMember.organization_id == mine, User.email == address)).first() is not None:
        raise ConflictError(f"{address} belongs to this organization already.")
    waiting = select(Invitation.email).where(Invitation.organization_id == mine, *_open())
    if address in (invited := session.exec(waiting).all()):
        raise ConflictError(f"{address} is invited already. Send that invitation again, or revoke it.")
    require_room(session, mine, "members", len(invited) + 1)
    limits.hit(PER_ORGANIZATION, mine)
    row = Invitation(
        organization_id=mine,
        invited_by_id=actor.user_id,
        email=address,
        role=role,
        team=known_team(session, mine, team or ""),
        token_hash="",
        expires_at=utcnow(),
    )
    _send(session, row)
    return _view(row, session.get(User, actor.user_id))


def resend_invitation(session: Session, actor: Actor, invitation_id: str) -> InvitationView:
    """Mail it once more, with a new link for another week; the link of before is worth nothing then.

    Raises NotFoundError for one that is over, AuthorizationError, RateLimitError.
    """
    actor.require("team:update")
    row = _own(session, actor, invitation_id)
    require_may_give(actor, row.role)
    limits.hit(PER_ORGANIZATION, row.organization_id)
    limits.hit(PER_INVITATION, row.id)
    # Who sends it answers for it: it goes with them.
    row.invited_by_id = actor.user_id
    _send(session, row)
    return _view(row, session.get(User, actor.user_id))


def revoke_invitation(session: Session, actor: Actor, invitation_id: str) -> InvitationView:
    """Take it back: its link is worth nothing any more. Raises NotFoundError for one that is over."""
    actor.require("team:update")
    row = _own(session, actor, invitation_id)
    row.revoked_at = utcnow()
    session.flush()
    tell_team_changed(session, actor.organization_id)
    return _view(row, session.get(User, row.invited_by_id) if row.invited_by_id else None)


def _open() -> tuple[bool, ...]:
    return col(Invitation.accepted_at).is_(None), col(Invitation.revoked_at).is_(None)  # pyright: ignore[reportReturnType]  # conditions of SQL


def _own(session: Session, actor: Actor, invitation_id: str) -> Invitation:
    lock_members(session, actor.organization_id)
    row = session.get(Invitation, invitation_id, populate_existing=True)
    gone = row is None or row.organization_id != actor.organization_id
    if row is None or gone or row.accepted_at is not None or row.revoked_at is not None:
        raise NotFoundError("Invitation")
    return row


def _send(session: Session, row: Invitation) -> None:
    token, now = new_token(), utcnow()
    row.token_hash, row.sent_at, row.expires_at = hash_token(token), now, now + LIFETIME
    session.add(row)
    session.flush()
    organization = session.get_one(Organization, row.organization_id)
    inviter = session.get_one(User, row.invited_by_id)
    who = inviter.name or inviter.email
    known = session.exec(select(func.count()).where(User.email == row.email)).one()
    text, html = letter(
        f"Join {organization.name}",
        [
            f"{who} invites you to {organization.name} at AI Cost Guardian, which shows what its members spend on AI "
            "providers as it happens.",
            f"You would be {_ROLES[row.role]}{f' in the team {row.team}' if row.team else ''}.",
            "You have an account with this address already: sign in, and accept."
            if known
            else "You choose a name and a password on the next page, and that is all.",
        ],
        action=("Accept the invitation", f"{settings().base_url}/invitation?token={token}"),
        foot=f"The link works once, until {row.expires_at:%d %B %Y, %H:%M} UTC, and only for {row.email}. "
        "If you do not expect this, ignore it: nothing happens.",
    )
    queue_mail(
        session,
        to=row.email,
        subject=f"{who} invites you to {organization.name}",
        text=text,
        html=html,
        organization_id=row.organization_id,
        kind="invitation",
        urgent=True,
    )
    tell_team_changed(session, row.organization_id)


_ROLES = {
    TeamRole.OWNER: "an owner",
    TeamRole.ADMIN: "an administrator",
    TeamRole.MEMBER: "a member",
    TeamRole.BILLING: "the one for the bills",
    TeamRole.VIEWER: "a viewer",
}


def _view(row: Invitation, inviter: User | None) -> InvitationView:
    return InvitationView(
        id=row.id,
        email=row.email,
        role=row.role,
        team=row.team,
        inviter=(inviter.name or inviter.email) if inviter else None,
        sent_at=row.sent_at,
        expires_at=row.expires_at,
        expired=row.expires_at <= utcnow(),
    )
