"""Which reports a person wants by mail: chosen under Settings, or stopped by the link that each such mail has."""

from collections.abc import Collection
from datetime import timedelta

from sqlmodel import Session, col, select

from guardian.config import settings
from guardian.errors import ValidationError
from guardian.models import TeamMember, User
from guardian.models.enums import TeamRole
from guardian.services.actor import Actor
from guardian.services.people.access.mailed_links import facts_of_token, sealed_link_token
from guardian.services.permissions import GRANTS

KINDS = ("weekly", "monthly")
"""Kinds of reports that are made by themselves; who has chosen nothing gets both."""

_SETTING = "reportMails"
_PURPOSE = "unsubscribe-reports"
# A mail that is read a year later still stops the next one.
_LIFETIME = timedelta(days=400)


def wished(user: User) -> tuple[str, ...]:
    """The kinds that the person wants."""
    stored: object = (user.settings or {}).get(_SETTING)
    return tuple(kind for kind in KINDS if kind in stored) if isinstance(stored, list) else KINDS


def my_wishes(session: Session, actor: Actor) -> tuple[str, ...]:
    """The actor's own. Raises AuthorizationError."""
    actor.require("account:read")
    return wished(session.get_one(User, actor.user_id))


def reaches(session: Session, actor: Actor) -> bool:
    """Whether reports go to the actor's address, which has to be confirmed. Raises AuthorizationError."""
    actor.require("account:read")
    return session.get_one(User, actor.user_id).email_verified is not None


def choose(session: Session, actor: Actor, kinds: Collection[str]) -> tuple[str, ...]:
    """From now on these, or none. Raises AuthorizationError, ValidationError."""
    actor.require("account:update")
    if not set(kinds) <= set(KINDS):
        message = "Reports come weekly or monthly, or both."
        raise ValidationError(message, details=[{"field": "reports", "message": message}])
    user = session.get_one(User, actor.user_id, with_for_update=True)
    _keep(user, kinds)
    session.flush()
    return wished(user)


def readers(session: Session, organization_id: str, kind: str, team: str | None = None) -> list[User]:
    """Who gets a report of that kind: members who may read reports, want it, and have confirmed their address.

    That of a team goes to those who work in it.
    """
    query = (
        select(User, TeamMember.role)
        .join(TeamMember, col(TeamMember.user_id) == col(User.id))
        .where(TeamMember.organization_id == organization_id, col(User.email_verified).is_not(None))
        .order_by(col(User.id))
    )
    if team is not None:
        query = query.where(col(TeamMember.team) == team)
    return [
        user for user, role in session.exec(query) if "reports:read" in GRANTS[TeamRole(role)] and kind in wished(user)
    ]


def unsubscribe_link(user: User) -> str:
    """The address that stops all reports to that person: by one POST (RFC 8058), or by a button of the page there."""
    token = sealed_link_token(_PURPOSE, user.id, user.email, lifetime=_LIFETIME)
    return f"{settings().base_url}/auth/unsubscribe?token={token}"


def stop(session: Session, token: str) -> User:
    """Send that person no reports any more; twice does no harm. Raises ValidationError on the field token."""
    user_id, email = facts_of_token(_PURPOSE, token)
    user = session.get(User, user_id, with_for_update=True)
    # A link to an address that the person has left since says nothing of the new one.
    if user is None or user.email != email:
        message = "This link is for an address that nobody has here any more."
        raise ValidationError(message, details=[{"field": "token", "message": message}])
    _keep(user, ())
    session.flush()
    return user


def _keep(user: User, kinds: Collection[str]) -> None:
    user.settings = {**(user.settings or {}), _SETTING: [kind for kind in KINDS if kind in kinds]}
