"""Accounts: signing up, and proving who one is."""

import hashlib
from datetime import datetime

from sqlmodel import Session, col, exists, select

from guardian import db, limits
from guardian.errors import AuthenticationError, ConflictError, NotFoundError, ValidationError
from guardian.limits import Limit
from guardian.models import Organization, User
from guardian.models.enums import UserRole
from guardian.services.actor import Actor
from guardian.services.people import sign_in_rules
from guardian.services.people.access import passwords
from guardian.services.people.domains import join_by_address
from guardian.services.people.emails import normal_email
from guardian.services.people.invitations import (
    OF_SOMEBODY_ELSE,
    accept_invitation_as,
    invitation_refused,
    invited_address,
)
from guardian.services.people.organizations import organization_view
from guardian.services.people.places import new_organization, own_name
from guardian.services.people.views import UserView

SIGN_IN_PER_USER = Limit("sign-in-user", count=10, seconds=900)
SIGN_IN_PER_ADDRESS = Limit("sign-in-address", count=100, seconds=300)
MAX_NAME = 200

_WRONG = "The e-mail address or the password is wrong."


def register(
    session: Session,
    *,
    email: str,
    password: str,
    name: str | None = None,
    company: str | None = None,
    invitation: str | None = None,
) -> User:
    """A new person and their organization, which they own; the installation's first person administers it. By the token
    of an `invitation` to their address they join that organization instead.

    Raises ValidationError (field email, password or invitation), ConflictError when the address has an account already,
    or the inviting organization's plan no room, SignInRefused when it asks for another way to sign in.
    """
    address = normal_email(email)
    if invitation and invited_address(session, invitation) != address:
        raise invitation_refused(OF_SOMEBODY_ELSE)
    passwords.require_acceptable(password, address)
    name, company = _line(name, "name"), _line(company, "company")
    # Hashing takes long; it is done before any lock is held.
    password_hash = passwords.hash_password(password)
    db.lock(session, "register", address)
    if by_email(session, address) is not None:
        raise ConflictError(
            "There is already an account with this e-mail address. Sign in instead, or reset your password."
        )
    user = add_person(
        session, address=address, name=name, company=company, password_hash=password_hash, invitation=invitation
    )
    # An invitation may lead into an organization that takes no passwords.
    sign_in_rules.require_way(session, user, sign_in_rules.PASSWORD)
    return user


def add_person(
    session: Session,
    *,
    address: str,
    name: str | None = None,
    company: str | None = None,
    password_hash: str | None = None,
    email_verified: datetime | None = None,
    invitation: str | None = None,
) -> User:
    """The rows of somebody new, under the lock of their (normal) address; without a hash they sign in elsewhere.

    They join the organization of the `invitation`, or by a verified address the one of their domain; else they own one.
    """
    user = User(
        email=address,
        name=name,
        company=company,
        password_hash=password_hash,
        email_verified=email_verified,
        role=UserRole.USER if invitation else _role_of_new(session),
    )
    session.add(user)
    session.flush()
    if invitation:
        accept_invitation_as(session, user, invitation)
    elif not join_by_address(session, user):
        new_organization(session, user, company or own_name(user))
    return user


def authenticate(session: Session, *, email: str, password: str, ip_address: str | None) -> User:
    """The person with that address and password.

    Raises AuthenticationError with one sentence for every reason, and RateLimitError after 10 tries for an address
    of mail in 15 minutes or 100 from a network address in 5. An unknown person costs as much work as a known one.
    Raises SignInRefused where the password is right, but the person's organization asks for another way to sign in.
    """
    who, where = limit_key(email.strip().lower()), ip_address or "unknown"
    limits.hit(SIGN_IN_PER_ADDRESS, where)
    limits.hit(SIGN_IN_PER_USER, who)
    try:
        user = by_email(session, normal_email(email))
    except ValidationError:
        user = None
    stored = user.password_hash if user else None
    if not passwords.verify(stored, password) or user is None or stored is None:
        raise AuthenticationError(_WRONG)
    if passwords.needs_rehash(stored):
        user.password_hash = passwords.hash_password(password)
        session.flush()
    limits.forget(SIGN_IN_PER_USER, who)
    limits.give_back(SIGN_IN_PER_ADDRESS, where)
    sign_in_rules.require_way(session, user, sign_in_rules.PASSWORD)
    return user


def me(session: Session, actor: Actor) -> UserView:
    """The person who asks. Raises NotFoundError when they were deleted meanwhile."""
    row = session.exec(
        select(User, Organization)
        .join(Organization, col(Organization.id) == actor.organization_id)
        .where(User.id == actor.user_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("User")
    user, organization = row
    return UserView(
        id=user.id,
        email=user.email,
        name=user.name,
        company=user.company,
        role=user.role,
        team_role=actor.team_role,
        created_at=user.created_at,
        organization=organization_view(organization),
        permissions=tuple(sorted(actor.permissions)),
    )


def by_email(session: Session, address: str) -> User | None:
    """The person with that (normal) address."""
    return session.exec(select(User).where(User.email == address)).one_or_none()


def _role_of_new(session: Session) -> UserRole:
    anybody = select(exists().select_from(User))
    if session.exec(anybody).one():
        return UserRole.ADMIN
    # Of two who are first at once, one waits here until the other is committed, and then finds them.
    db.lock(session, "first-user")
    return UserRole.ADMIN if session.exec(anybody).one() else UserRole.SUPER_ADMIN


def _line(value: str | None, field: str) -> str | None:
    text = " ".join((value or "").split())
    if len(text) > MAX_NAME or "\x00" in text:
        message = f"Use at most {MAX_NAME} characters of text."
        raise ValidationError(f"This {field} is not usable. {message}", details=[{"field": field, "message": message}])
    return text or None


def limit_key(email: str) -> str:
    """How a person is called in the rate limits: addresses of mail are not for Redis to know."""
    return hashlib.sha256(email.encode()).hexdigest()[:32]
