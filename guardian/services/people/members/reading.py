"""The members of an organization, as its people see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import String
from sqlmodel import Session, col, func, select

from guardian.models import SecondFactor, TeamMember, User
from guardian.models import Session as BrowserSession
from guardian.models.enums import TeamRole
from guardian.services.actor import Actor
from guardian.services.people.members.roles import LADDER
from guardian.services.people.paging import Asked, Orders, read_page
from guardian.services.people.views import Page

_Row = tuple[TeamMember, User, datetime | None, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """A person's place in the organization; `id` is the place's, `user_id` the person's.

    `last_seen` is when they last used a browser here, None where none of their sessions is kept. `second_factor` is
    whether they sign in with one.
    """

    id: str
    user_id: str
    email: str
    name: str | None
    role: TeamRole
    team: str | None
    joined_at: datetime
    last_seen: datetime | None
    second_factor: bool


def list_members(session: Session, actor: Actor) -> list[MemberView]:
    """Everybody, who may most first, then by name."""
    actor.require("team:read")
    found = _members(session, TeamMember.organization_id == actor.organization_id)
    return sorted(found, key=lambda each: (LADDER.index(each.role), (each.name or each.email).lower()))


_ORDERS = Orders(
    by={
        "name": func.lower(func.coalesce(User.name, User.email), type_=String),
        "email": col(User.email),
        "joinedAt": col(TeamMember.created_at),
    },
    id=col(TeamMember.id),
    usual="name",
)


def page_of_members(
    session: Session, actor: Actor, asked: Asked, *, role: TeamRole | None = None, team: str | None = None
) -> Page[MemberView]:
    """Everybody, or those with one role or of one team, by name. Raises ValidationError for a wrong cursor."""
    actor.require("team:read")
    query = _query(TeamMember.organization_id == actor.organization_id)
    if role is not None:
        query = query.where(TeamMember.role == role)
    if team is not None:
        query = query.where(TeamMember.team == team)
    rows, following = read_page(session, query, _ORDERS, asked)
    return Page(items=tuple(_view(*row) for row in rows), next_cursor=following)


def view_of(session: Session, member: TeamMember) -> MemberView:
    """One of them."""
    return _members(session, TeamMember.id == member.id)[0]


def _members(session: Session, which: bool) -> list[MemberView]:
    return [_view(*row) for row in cast("Iterable[_Row]", session.exec(_query(which)))]


def _query(which: bool) -> Any:
    seen = (
        select(func.max(BrowserSession.last_used_at))
        .where(BrowserSession.user_id == User.id, col(BrowserSession.impersonator_id).is_(None))
        .correlate(User)
        .scalar_subquery()
    )
    return (
        select(TeamMember, User, seen, SecondFactor.confirmed_at)
        .join(User, col(User.id) == col(TeamMember.user_id))
        .join(SecondFactor, col(SecondFactor.user_id) == col(User.id), isouter=True)
        .where(which)
    )


def _view(member: TeamMember, user: User, last_seen: datetime | None, confirmed_at: datetime | None) -> MemberView:
    return MemberView(
        id=member.id,
        user_id=user.id,
        email=user.email,
        name=user.name,
        role=member.role,
        team=member.team,
        joined_at=member.created_at,
        last_seen=last_seen,
        second_factor=confirmed_at is not None,
    )
