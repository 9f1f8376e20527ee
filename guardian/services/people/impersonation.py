"""Looking through another person's eyes: with a reason, for an hour, told to their organization, with few rights."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from guardian.config import settings
from guardian.crypto import hash_token
from guardian.errors import AuthorizationError, ConflictError, NotFoundError
from guardian.models import Organization, TeamMember, User
from guardian.models import Session as BrowserSession
from guardian.models.enums import TeamRole, UserRole
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people import audit
from guardian.services.people.access import own_sessions, sessions
from guardian.services.people.mail import letter, queue_mail
from guardian.services.people.reasons import told_reason

LIFETIME = timedelta(minutes=60)
METHOD = "impersonation"  # of its session
_Impersonator = aliased(User)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impersonation:
    """One that runs: `email` is whose eyes they are, `impersonator` the address of who looks."""

    id: str
    user_id: str
    email: str
    organization: str
    impersonator: str
    reason: str
    created_at: datetime
    expires_at: datetime


def start(
    session: Session, actor: Actor, user_id: str, reason: str, *, user_agent: str | None = None
) -> tuple[str, BrowserSession]:
    """A session of that person for who runs the installation: the cookie's token, shown only here, and its row.

    Both organizations' logs have it, and the owners of the person's are told by mail. Raises AuthorizationError (also
    for an access token, and for somebody who runs the installation), NotFoundError, ValidationError on `reason`.
    """
    actor.require("admin:update")
    if actor.session_id is None:
        raise AuthorizationError("This is done in a browser that is signed in: no access token does it.")
    text = told_reason(reason)
    found = session.exec(
        select(User, Organization)
        .join(Organization, col(Organization.id) == col(User.organization_id))
        .join(TeamMember, sessions.member_of_own_organization())
        .where(User.id == user_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError("User")
    user, organization = found
    if user.role is UserRole.SUPER_ADMIN:
        raise AuthorizationError("Nobody looks through the eyes of somebody who runs the installation.")
    token, row = sessions.open_session(session, user, user_agent=user_agent, ip_address=actor.ip_address, method=METHOD)
    row.impersonator_id, row.impersonation_reason = actor.user_id, text
    row.expires_at = utcnow() + LIFETIME
    session.flush()
    _tell(session, actor, user, organization, text)
    if organization.id != actor.organization_id:
        audit.record(
            session,
            actor,
            "IMPERSONATION_START",
            resource_type="user",
            resource_id=user.id,
            metadata={"email": user.email, "reason": text, "by": actor.email},
            organization_id=organization.id,
        )
    return token, row


def end(session: Session, actor: Actor) -> None:
    """End the impersonation that asks. Raises ConflictError where there is none."""
    if actor.impersonator_id is None:
        raise ConflictError("You are yourself: there is nothing to end.")
    own_sessions.sign_out(session, actor)


def end_one(session: Session, actor: Actor, session_id: str) -> Impersonation:
    """End one that runs, of whomever; what it was. Raises NotFoundError, AuthorizationError."""
    actor.require("admin:update")
    view = next((each for each in running(session, actor) if each.id == session_id), None)
    if view is None:
        raise NotFoundError("Impersonation")
    session.get_one(BrowserSession, session_id).revoked_at = utcnow()
    session.flush()
    return view


def running(session: Session, actor: Actor) -> list[Impersonation]:
    """Those that run now, the newest first. Raises AuthorizationError."""
    actor.require("admin:read")
    rows = session.exec(
        select(BrowserSession, User.email, Organization.name, col(_Impersonator.email))
        .join(User, col(User.id) == col(BrowserSession.user_id))
        .join(Organization, col(Organization.id) == col(User.organization_id))
        .join(_Impersonator, col(_Impersonator.id) == col(BrowserSession.impersonator_id))
        .where(col(BrowserSession.revoked_at).is_(None), col(BrowserSession.expires_at) > utcnow())
        .order_by(col(BrowserSession.created_at).desc())
    )
    return [
        Impersonation(
            id=row.id,
            user_id=row.user_id,
            email=email,
            organization=name,
            impersonator=impersonator,
            reason=row.impersonation_reason or "",
            created_at=row.created_at,
            expires_at=row.expires_at,
        )
        for row, email, name, impersonator in rows
    ]


def own_session(session: Session, token: str, impersonator_id: str) -> bool:
    """Whether the token is of a session of that person's own that still works: the way back from an impersonation."""
    found = session.exec(
        select(BrowserSession.id).where(
            BrowserSession.token_hash == hash_token(token),
            BrowserSession.user_id == impersonator_id,
            col(BrowserSession.impersonator_id).is_(None),
            col(BrowserSession.revoked_at).is_(None),
            col(BrowserSession.expires_at) > utcnow(),
        )
    ).first()
    return found is not None


def _tell(session: Session, actor: Actor, user: User, organization: Organization, reason: str) -> None:
    owners = session.exec(
        select(User.email)
        .join(TeamMember, col(TeamMember.user_id) == col(User.id))
        .where(TeamMember.organization_id == organization.id, TeamMember.role == TeamRole.OWNER)
        .order_by(User.email)
    )
    query = urlencode({"action": "IMPERSONATION_START"})
    for owner in owners.all():
        text, html = letter(
            "An administrator looks into your organization",
            [
                f"{actor.email}, who runs this installation, looks at {organization.name} through the eyes of "
                f"{user.email} for at most an hour.",
                f"The reason given: {reason}",
                "No key, token, password, second factor or payment can be seen or changed meanwhile. All that is done "
                "is in your activity log, under both names.",
            ],
            action=("Open the activity log", f"{settings().base_url}/activity?{query}"),
            foot="If you do not know of this, ask who runs the installation.",
        )
        queue_mail(
            session,
            to=owner,
            subject=f"An administrator looks into {organization.name}",
            text=text,
            html=html,
            organization_id=organization.id,
            kind="impersonation",
        )
