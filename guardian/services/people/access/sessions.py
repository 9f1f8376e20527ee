"""Sessions: signed-in browsers, and who holds one. The cookie holds a random token, the database only its hash."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, or_, select, update

from guardian.crypto import hash_token, new_token
from guardian.errors import AuthenticationError, SignInRefused
from guardian.models import Organization, TeamMember, User
from guardian.models import Session as BrowserSession
from guardian.models.enums import TeamRole, UserRole
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people.disabled import is_enabled

IDLE = timedelta(days=30)  # unused for so long, a session ends
LIFETIME = timedelta(days=90)  # and after so long, however much it was used
TOUCH = timedelta(minutes=1)  # how exact `last_used_at` is: one write a minute instead of one a request

_EXPIRED = "Your session has ended. Sign in again."


def open_session(
    session: Session, user: User, *, user_agent: str | None, ip_address: str | None, method: str = "password"
) -> tuple[str, BrowserSession]:
    """A new session for a person who has proved who they are: the cookie's token, shown only here, and its row."""
    token = new_token()
    row = BrowserSession(
        token_hash=hash_token(token),
        user_id=user.id,
        user_agent=_printable(user_agent),
        ip_address=ip_address,
        method=method,
        expires_at=utcnow() + IDLE,
    )
    session.add(row)
    session.flush()
    return token, row


def actor_for_session(
    session: Session, token: str, *, request_id: str | None = None, ip_address: str | None = None
) -> Actor:
    """Who holds this token. Raises AuthenticationError when the session is unknown, revoked or over."""
    now = utcnow()
    found = session.exec(
        select(BrowserSession, User, TeamMember)
        .join(User, col(User.id) == col(BrowserSession.user_id))
        .join(TeamMember, member_of_own_organization())
        .where(BrowserSession.token_hash == hash_token(token))
    ).one_or_none()
    if found is None:
        raise AuthenticationError(_EXPIRED)
    row, user, member = found
    if row.revoked_at is not None or row.expires_at <= now or row.created_at + LIFETIME <= now:
        raise AuthenticationError(_EXPIRED)
    if row.impersonator_id is not None:
        _require_super_admin(session, row.impersonator_id)
    if row.last_used_at <= now - TOUCH:
        # Two requests at once need not both write: the second finds the row already touched.
        session.exec(
            update(BrowserSession)
            .where(col(BrowserSession.id) == row.id, col(BrowserSession.last_used_at) == row.last_used_at)
            .values(last_used_at=now, expires_at=_next_end(row, now))
            .execution_options(synchronize_session=False)
        )
    return person(
        user,
        member.role,
        session_id=row.id,
        request_id=request_id,
        ip_address=ip_address,
        impersonator_id=row.impersonator_id,
    )


def _next_end(row: BrowserSession, now: datetime) -> datetime:
    """A session that is used goes on; one of impersonation ends when it was said to."""
    return row.expires_at if row.impersonator_id is not None else min(now + IDLE, row.created_at + LIFETIME)


def _require_super_admin(session: Session, user_id: str) -> None:
    role = session.exec(select(User.role).where(User.id == user_id)).one_or_none()
    if role is not UserRole.SUPER_ADMIN:
        raise AuthenticationError(_EXPIRED)


def actor_for_user(
    session: Session,
    user_id: str,
    *,
    session_id: str | None = None,
    request_id: str | None = None,
    ip_address: str | None = None,
) -> Actor:
    """A person without asking for a proof: for a sign-in just made, a job that acts for them, the command line.

    Raises AuthenticationError when the person, or their place in an organization, is gone, SignInRefused where that
    organization is disabled.
    """
    found = session.exec(
        select(User, TeamMember).join(TeamMember, member_of_own_organization()).where(User.id == user_id)
    ).one_or_none()
    if found is None:
        _require_enabled(session, user_id)
        raise AuthenticationError("This account belongs to no organization. Ask to be invited to one.")
    user, member = found
    return person(user, member.role, session_id=session_id, request_id=request_id, ip_address=ip_address)


def _require_enabled(session: Session, user_id: str) -> None:
    off = select(Organization.disabled_at).join(User, col(User.organization_id) == col(Organization.id))
    if session.exec(off.where(User.id == user_id)).first() is not None:
        raise SignInRefused("disabled", "Your organization is disabled. Ask who runs this installation.")


def actors_for_sessions(session: Session, session_ids: Collection[str]) -> dict[str, Actor]:
    """Who is signed in by these sessions now, by session id; sessions that are revoked or over are left out, and those
    of impersonation by who no longer runs the installation.
    """
    now = utcnow()
    runs = select(User.id).where(User.role == UserRole.SUPER_ADMIN)
    found = session.exec(
        select(BrowserSession, User, TeamMember)
        .join(User, col(User.id) == col(BrowserSession.user_id))
        .join(TeamMember, member_of_own_organization())
        .where(
            col(BrowserSession.id).in_(session_ids),
            col(BrowserSession.revoked_at).is_(None),
            col(BrowserSession.expires_at) > now,
            col(BrowserSession.created_at) > now - LIFETIME,
            or_(col(BrowserSession.impersonator_id).is_(None), col(BrowserSession.impersonator_id).in_(runs)),
        )
    )
    return {
        row.id: person(user, member.role, session_id=row.id, impersonator_id=row.impersonator_id)
        for row, user, member in found
    }


def member_of_own_organization() -> ColumnElement[bool]:
    """The join of a User with their place in the organization they work in now, while that is not disabled."""
    return and_(
        col(TeamMember.user_id) == col(User.id),
        col(TeamMember.organization_id) == col(User.organization_id),
        is_enabled(),
    )


def person(
    user: User,
    team_role: TeamRole,
    *,
    organization_id: str | None = None,
    session_id: str | None = None,
    scopes: frozenset[str] | None = None,
    request_id: str | None = None,
    ip_address: str | None = None,
    impersonator_id: str | None = None,
) -> Actor:
    """The actor of a user row that was joined with its team member's role, in the organization that they work in now
    unless another one is given.
    """
    organization = organization_id or user.organization_id
    if organization is None:
        raise AuthenticationError("This account belongs to no organization. Ask to be invited to one.")
    return Actor(
        user_id=user.id,
        organization_id=organization,
        role=user.role,
        team_role=team_role,
        email=user.email,
        session_id=session_id,
        scopes=scopes,
        request_id=request_id,
        ip_address=ip_address,
        impersonator_id=impersonator_id,
    )


def _printable(user_agent: str | None) -> str | None:
    return "".join(c for c in user_agent if c.isprintable())[:300] if user_agent else None
