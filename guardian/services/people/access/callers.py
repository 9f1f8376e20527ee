"""What the gateway and the front door for events must know of an access token, read for many tokens at once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from guardian.models import AccessToken, TeamMember, User
from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.services.people.access.sessions import member_of_own_organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls with an access token, and what it allows; empty `providers` or `models` allow all.

    `models` are patterns (* and ?). `requests_per_minute` and `tokens_per_minute` are None without a limit.
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


def callers_of(session: Session, hashes: Collection[str]) -> dict[str, Caller]:
    """The callers by the hash of their token (crypto.hash_token); unknown, revoked and expired ones are missing."""
    query = (
        select(AccessToken, TeamMember)
        .join(User, col(User.id) == col(AccessToken.user_id))
        .join(TeamMember, member_of_own_organization())
        .where(
            col(AccessToken.token_hash).in_(hashes),
            col(AccessToken.revoked_at).is_(None),
            User.organization_id == AccessToken.organization_id,
        )
    )
    now = utcnow()
    found = session.exec(query).all()
    return {
        row.token_hash: _caller(row, member.team)
        for row, member in found
        if row.expires_at is None or row.expires_at > now
    }


def note_use(session: Session, used: dict[str, datetime]) -> None:
    """Write down when tokens (by their id) were last used."""
    for token_id, moment in used.items():
        session.exec(update(AccessToken).where(col(AccessToken.id) == token_id).values(last_used_at=moment))


def _caller(row: AccessToken, team: str | None) -> Caller:
    return Caller(
        token_id=row.id,
        organization_id=row.organization_id,
        user_id=row.user_id,
        team=team,
        scopes=frozenset(row.scopes),
        providers=frozenset(Provider(name) for name in row.allowed_providers or ()),
        models=tuple(row.allowed_models or ()),
        budget_id=row.budget_id,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        expires_at=row.expires_at,
    )
