"""What there is to set a budget on: the teams, people, providers, keys, models, tags and tokens of an organization."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from guardian.models import AccessToken, ApiKey, Team, User
from guardian.models.enums import PROVIDER_NAMES, Provider
from guardian.periods import DAY, floor_hour, utcnow
from guardian.services.actor import Actor
from guardian.services.guard.budgets.history import TRACKED
from guardian.services.guard.budgets.scopes import Scope, ScopeType
from guardian.services.ledger.queries.summaries import summary
from guardian.services.ledger.views import SummaryQuery
from guardian.services.people.membership import is_member

_MOST = 100
_LOOK_BACK = 90 * DAY


@dataclass(frozen=True, slots=True)
class Target:
    """A scope's value, and what people call it."""

    value: str
    name: str


def targets_of(session: Session, actor: Actor, kind: ScopeType, now: datetime | None = None) -> list[Target]:
    """Values of that scope, at most 100: the costliest of the last 90 days first where the ledger knows them, else by
    name. Raises AuthorizationError.
    """
    actor.require("budgets:read")
    mine = actor.organization_id
    if kind == "provider":
        return [Target(each.value, PROVIDER_NAMES[each]) for each in Provider]
    if kind == "user":
        people = session.exec(select(User.id, User.name, User.email).where(is_member(mine)))
        return _named((user_id, name or email) for user_id, name, email in people)
    if kind == "key":
        query = select(ApiKey.id, ApiKey.label, ApiKey.provider, ApiKey.hint)
        keys = session.exec(query.where(col(ApiKey.organization_id) == mine))
        return _named((i, label or f"{PROVIDER_NAMES[provider]} …{hint}") for i, label, provider, hint in keys)
    if kind == "token":
        tokens = session.exec(
            select(AccessToken.id, AccessToken.name, AccessToken.hint).where(
                col(AccessToken.organization_id) == mine, col(AccessToken.revoked_at).is_(None)
            )
        )
        return _named((token_id, f"{name} (…{hint})") for token_id, name, hint in tokens)
    if kind == "team":
        teams = select(Team.name).where(col(Team.organization_id) == mine)
        return _found([*_used(session, actor, "team", now), *sorted(session.exec(teams))])
    if kind == "model":
        return _found(_used(session, actor, "model", now))
    if kind == "tag":
        return _found(f"feature={each}" for each in _used(session, actor, "feature", now))
    return []


def name_of(session: Session, scope: Scope) -> str:
    """What people call a stored scope's value: the name of a person, key or token, else the value itself."""
    value = scope.value or ""
    if scope.type == "user":
        user = session.get(User, value)
        return (user.name or user.email) if user else "somebody who has left"
    if scope.type == "key":
        key = session.get(ApiKey, value)
        return (key.label or f"{PROVIDER_NAMES[key.provider]} …{key.hint}") if key else "a key that was deleted"
    if scope.type == "token" and value:
        token = session.get(AccessToken, value)
        return token.name if token else "a token that was deleted"
    return PROVIDER_NAMES.get(value, value) if scope.type == "provider" else value


def _used(session: Session, actor: Actor, dimension: str, now: datetime | None) -> list[str]:
    end = floor_hour(now or utcnow()) + DAY
    asked = SummaryQuery(start=end - _LOOK_BACK, end=end, group_by=(dimension,), filters={"origin": TRACKED}, top=_MOST)
    return [value for group in summary(session, actor, asked).groups if (value := group.values[dimension])]


def _named(pairs: Iterable[tuple[str, str]]) -> list[Target]:
    return [Target(*pair) for pair in sorted(pairs, key=lambda pair: pair[1].lower())[:_MOST]]


def _found(values: Iterable[str]) -> list[Target]:
    return [Target(value, value) for value in dict.fromkeys(values)][:_MOST]
