"""All people of the installation, and what who runs it may do for them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, update
from sqlmodel import Session, col, select

from guardian import db
from guardian.errors import AuthorizationError, ConflictError, NotFoundError
from guardian.models import Organization, SecondFactor, TeamMember, User
from guardian.models import Session as BrowserSession
from guardian.models.enums import UserRole
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard.installation.paging import checked, paged, size
from guardian.services.people.access import verification
from guardian.services.people.views import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLine:
    """`organizations` are the names of all that the person belongs to; `sessions` the browsers signed in now."""

    id: str
    email: str
    name: str | None
    role: UserRole
    verified: bool
    second_factor: bool
    organizations: tuple[str, ...]
    sessions: int
    last_seen: datetime | None
    created_at: datetime


def list_users(
    session: Session,
    actor: Actor,
    *,
    search: str = "",
    role: UserRole | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[UserLine]:
    """Newest first; `search` is a part of the address, the name or an organization's name."""
    actor.require("admin:read")
    count, after = size(limit), checked(cursor)
    query = select(User).order_by(col(User.id).desc()).limit(count + 1)
    if search:
        theirs = (
            select(TeamMember.user_id)
            .join(Organization, col(Organization.id) == col(TeamMember.organization_id))
            .where(col(Organization.name).icontains(search, autoescape=True))
        )
        query = query.where(
            or_(
                col(User.email).icontains(search, autoescape=True),
                col(User.name).icontains(search, autoescape=True),
                col(User.id).in_(theirs),
            )
        )
    if role is not None:
        query = query.where(User.role == role)
    if after is not None:
        query = query.where(col(User.id) < after)
    rows = session.exec(query).all()
    lines = _lines(session, [row.id for row in rows])
    return paged(rows, count, lambda row: row.id, lambda row: _line(row, lines))


def find_user(session: Session, actor: Actor, user_id: str) -> UserLine:
    """One of them. Raises AuthorizationError, NotFoundError."""
    actor.require("admin:read")
    row = session.get(User, user_id)
    if row is None:
        raise NotFoundError("User")
    return _line(row, _lines(session, [row.id]))


def set_role(session: Session, actor: Actor, user_id: str, role: UserRole) -> UserLine:
    """What the person may do in the installation. Raises AuthorizationError, NotFoundError, ConflictError for oneself:
    so there is always somebody who runs it.
    """
    actor.require("admin:update")
    row = _find(session, user_id)
    if row.id == actor.user_id:
        raise ConflictError("You cannot change your own role. Ask another administrator of the installation.")
    # Of two who demote each other at once, the second finds that they may no longer.
    db.lock(session, "installation-roles")
    session.refresh(row)
    if session.exec(select(User.role).where(User.id == actor.user_id)).one_or_none() is not UserRole.SUPER_ADMIN:
        raise AuthorizationError("You do not run this installation any more.")
    row.role = role
    session.flush()
    return find_user(session, actor, user_id)


def sign_out_user(session: Session, actor: Actor, user_id: str) -> int:
    """End all sessions of a person, in every browser; how many. Their access tokens go on working."""
    actor.require("admin:update")
    _find(session, user_id)
    ended = session.exec(
        update(BrowserSession)
        .where(
            col(BrowserSession.user_id) == user_id,
            col(BrowserSession.revoked_at).is_(None),
            col(BrowserSession.expires_at) > utcnow(),
        )
        .values(revoked_at=utcnow())
        .returning(col(BrowserSession.id))
    )
    return len(ended.all())


def resend_confirmation(session: Session, actor: Actor, user_id: str) -> UserLine:
    """Mail a person the link that confirms their address once more.

    Raises AuthorizationError, NotFoundError, RateLimitError, and ConflictError where the address is confirmed.
    """
    actor.require("admin:update")
    row = _find(session, user_id)
    theirs = Actor.for_job(row.id, row.organization_id or actor.organization_id)
    if not verification.ask_again(session, theirs):
        raise ConflictError("This address is confirmed already.")
    return find_user(session, actor, user_id)


def _find(session: Session, user_id: str) -> User:
    row = session.get(User, user_id)
    if row is None:
        raise NotFoundError("User")
    return row


@dataclass(frozen=True, slots=True)
class _Lines:
    organizations: dict[str, list[str]]
    sessions: dict[str, tuple[int, datetime | None]]
    second_factors: frozenset[str]


def _lines(session: Session, ids: list[str]) -> _Lines:
    """What the lists need beside the rows, in three statements however many there are."""
    organizations: dict[str, list[str]] = {}
    for user_id, name in session.exec(
        select(TeamMember.user_id, Organization.name)
        .join(Organization, col(Organization.id) == col(TeamMember.organization_id))
        .where(col(TeamMember.user_id).in_(ids))
        .order_by(Organization.name)
    ):
        organizations.setdefault(user_id, []).append(name)
    works = (col(BrowserSession.revoked_at).is_(None)) & (col(BrowserSession.expires_at) > utcnow())
    # What an administrator does through somebody's eyes is no sign of them.
    own = col(BrowserSession.impersonator_id).is_(None)
    found = session.exec(
        select(BrowserSession.user_id, func.count().filter(works), func.max(BrowserSession.last_used_at))
        .where(col(BrowserSession.user_id).in_(ids), own)
        .group_by(col(BrowserSession.user_id))
    )
    confirmed = select(SecondFactor.user_id).where(
        col(SecondFactor.user_id).in_(ids), col(SecondFactor.confirmed_at).is_not(None)
    )
    return _Lines(
        organizations,
        {user_id: (count, seen) for user_id, count, seen in found},
        frozenset(session.exec(confirmed)),
    )


def _line(row: User, lines: _Lines) -> UserLine:
    sessions, seen = lines.sessions.get(row.id, (0, None))
    return UserLine(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        verified=row.email_verified is not None,
        second_factor=row.id in lines.second_factors,
        organizations=tuple(lines.organizations.get(row.id, ())),
        sessions=sessions,
        last_seen=seen,
        created_at=row.created_at,
    )
