"""What the gateway and the front door for events must know of an access token, read for many tokens at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, update
from sqlmodel import Session, and_, col, func, select

from guardian.models import AccessToken, Team, TeamMember
from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people.disabled import is_enabled


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls with an access token, and what it allows; empty `providers` or `models` allow all.

    `models` are patterns (* and ?). `requests_per_minute` and `tokens_per_minute` are None without a limit.
    `default_tags` are its team and what that puts on the calls that do not say otherwise.
    """

    token_id: str
    organization_id: str
    user_id: str
    team: str | None
    scopes: frozenset[str]
    providers: frozenset[Provider]
    models: tuple[str, ...]
    budget_id: str | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    expires_at: datetime | None
    default_tags: Mapping[str, str] = field(default_factory=dict[str, str])


def callers_of(session: Session, hashes: Collection[str]) -> dict[str, Caller]:
    """The callers by the hash of their token (crypto.hash_token); unknown, revoked and expired ones are missing."""
    query = (
        select(AccessToken, TeamMember, Team)
        .select_from(AccessToken)
        .join(TeamMember, place_of_token())
        .join(
            Team,
            and_(
                col(Team.organization_id) == AccessToken.organization_id,
                col(Team.name) == func.coalesce(AccessToken.team, TeamMember.team),
            ),
            isouter=True,
        )
        .where(col(AccessToken.token_hash).in_(hashes), col(AccessToken.revoked_at).is_(None))
    )
    now = utcnow()
    found = cast("Sequence[tuple[AccessToken, TeamMember, Team | None]]", session.exec(query).all())
    return {
        row.token_hash: _caller(row, row.team or member.team, team)
        for row, member, team in found
        if row.expires_at is None or row.expires_at > now
    }


def place_of_token() -> ColumnElement[bool]:
    """The join of an access token with its owner's place in the token's organization, while that is not disabled."""
    return and_(
        col(TeamMember.user_id) == col(AccessToken.user_id),
        col(TeamMember.organization_id) == col(AccessToken.organization_id),
        is_enabled(),
    )


def tags_of_member(session: Session, actor: Actor) -> dict[str, str]:
    """The tags of the team that a signed-in person works in."""
    found = session.exec(
        select(Team)
        .join(
            TeamMember,
            and_(col(TeamMember.organization_id) == Team.organization_id, col(TeamMember.team) == Team.name),
        )
        .where(TeamMember.organization_id == actor.organization_id, TeamMember.user_id == actor.user_id)
    ).one_or_none()
    return _tags(found)


def _tags(team: Team | None) -> dict[str, str]:
    if team is None:
        return {}
    return {**{name: str(value) for name, value in (team.default_tags or {}).items()}, "team": team.name}


def note_use(session: Session, used: dict[str, datetime]) -> None:
    """Write down when tokens (by their id) were last used."""
    for token_id, moment in used.items():
        session.exec(update(AccessToken).where(col(AccessToken.id) == token_id).values(last_used_at=moment))


def _caller(row: AccessToken, name: str | None, team: Team | None) -> Caller:
    return Caller(
        token_id=row.id,
        organization_id=row.organization_id,
        user_id=row.user_id,
        team=name,
        scopes=frozenset(row.scopes),
        providers=frozenset(Provider(name) for name in row.allowed_providers or ()),
        models=tuple(row.allowed_models or ()),
        budget_id=row.budget_id,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        expires_at=row.expires_at,
        default_tags=_tags(team),
    )
