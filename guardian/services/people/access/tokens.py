"""Access tokens of ours (gdn_…): made, listed, revoked, and turned into an actor."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, or_, select, update
from sqlmodel.sql.expression import SelectOfScalar

from guardian import db, live
from guardian.crypto import hash_token, new_token
from guardian.errors import AuthenticationError, AuthorizationError, NotFoundError, ValidationError
from guardian.models import AccessToken, Budget, Team, TeamMember, User
from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people.access.callers import place_of_token
from guardian.services.people.access.sessions import person
from guardian.services.people.views import TokenView

PREFIX = "gdn_"
SCOPES = frozenset({"api", "gateway", "ingest"})
MAX_NAME = 100
MAX_MODELS, MAX_MODEL = 100, 200
MAX_PER_MINUTE = 1_000_000_000
TOUCH = timedelta(minutes=1)

_REFUSED = "This access token is unknown, revoked or expired. Make a new one in the settings."


def create_token(
    session: Session,
    actor: Actor,
    *,
    name: str,
    scopes: list[str],
    expires_at: datetime | None = None,
    budget_id: str | None = None,
    team: str | None = None,
    allowed_providers: Sequence[str] = (),
    allowed_models: Sequence[str] = (),
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
) -> tuple[str, TokenView]:
    """A new token: its secret, which nobody can read again, and its row. Empty lists allow all, None is no limit.
    `team` is whose calls it makes; None: its owner's.

    Raises ValidationError, NotFoundError for a budget of another organization, and AuthorizationError when an access
    token asks.
    """
    actor.require("tokens:create")
    if actor.scopes is not None:
        # A stolen token must not outlive its revocation by having made another.
        raise AuthorizationError("An access token cannot make access tokens. Sign in with a browser to make one.")
    secret = new_token(PREFIX)
    row = AccessToken(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        name=_name(name),
        token_hash=hash_token(secret),
        hint=secret[-4:],
        scopes=_scopes(scopes),
        budget_id=_budget_id(session, actor, budget_id),
        team=_team(session, actor, team),
        allowed_providers=_providers(allowed_providers),
        allowed_models=_models(allowed_models),
        requests_per_minute=_per_minute("requestsPerMinute", requests_per_minute),
        tokens_per_minute=_per_minute("tokensPerMinute", tokens_per_minute),
        expires_at=_end(expires_at),
    )
    session.add(row)
    session.flush()
    return secret, view_of(row)


def list_tokens(session: Session, actor: Actor) -> list[TokenView]:
    """The tokens that were not revoked, newest first: one's own, or for an administrator the organization's."""
    return [view_of(row) for row in session.exec(visible(actor).order_by(col(AccessToken.id).desc()))]


def visible(actor: Actor) -> SelectOfScalar[AccessToken]:
    """Those that the actor can see. Raises AuthorizationError."""
    actor.require("tokens:read")
    query = select(AccessToken).where(
        AccessToken.organization_id == actor.organization_id, col(AccessToken.revoked_at).is_(None)
    )
    return query if actor.can("team:update") else query.where(AccessToken.user_id == actor.user_id)


def revoke_token(session: Session, actor: Actor, token_id: str) -> TokenView:
    """End a token for good. Raises NotFoundError for one that the actor cannot see."""
    actor.require("tokens:delete")
    row = session.get(AccessToken, token_id)
    if row is None or row.organization_id != actor.organization_id or row.revoked_at is not None:
        raise NotFoundError("Access token")
    if row.user_id != actor.user_id and not actor.can("team:update"):
        raise NotFoundError("Access token")
    row.revoked_at = utcnow()
    session.flush()
    db.after_commit(session, partial(live.tell_gateways, row.organization_id))
    return view_of(row)


def actor_for_token(
    session: Session, secret: str, *, request_id: str | None = None, ip_address: str | None = None
) -> Actor:
    """Who holds this token, with its scopes. Raises AuthenticationError when it is unknown, revoked or expired."""
    now = utcnow()
    found = session.exec(
        select(AccessToken, User, TeamMember)
        .join(User, col(User.id) == col(AccessToken.user_id))
        .join(TeamMember, place_of_token())
        .where(AccessToken.token_hash == hash_token(secret))
    ).one_or_none()
    if found is None:
        raise AuthenticationError(_REFUSED)
    row, user, member = found
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise AuthenticationError(_REFUSED)
    if row.last_used_at is None or row.last_used_at <= now - TOUCH:
        session.exec(
            update(AccessToken)
            .where(
                col(AccessToken.id) == row.id,
                or_(col(AccessToken.last_used_at).is_(None), col(AccessToken.last_used_at) <= now - TOUCH),
            )
            .values(last_used_at=now)
            .execution_options(synchronize_session=False)
        )
    return person(
        user,
        member.role,
        organization_id=row.organization_id,
        scopes=frozenset(row.scopes),
        request_id=request_id,
        ip_address=ip_address,
    )


def _name(given: str) -> str:
    name = " ".join(given.split())
    if not 1 <= len(name) <= MAX_NAME:
        raise _wrong("name", f"Give the token a name of 1 to {MAX_NAME} characters.")
    return name


def _scopes(given: Sequence[str]) -> list[str]:
    wanted = frozenset(given)
    if not wanted or not wanted <= SCOPES:
        raise _wrong("scopes", "Choose one or more of the scopes api, gateway and ingest.")
    return sorted(wanted)


def _end(given: datetime | None) -> datetime | None:
    if given is not None and given <= utcnow():
        raise _wrong("expiresAt", "Choose a time in the future.")
    try:
        return given and given.astimezone(UTC)
    except OverflowError:
        raise _wrong("expiresAt", "Choose a time before the year 10000.") from None


def _budget_id(session: Session, actor: Actor, given: str | None) -> str | None:
    if given is not None:
        budget = session.get(Budget, given)
        if budget is None or budget.organization_id != actor.organization_id:
            raise NotFoundError("Budget")
    return given


def _team(session: Session, actor: Actor, given: str | None) -> str | None:
    """One's own team, or any that there is for who may change the teams: calls are counted against its budgets."""
    if not given:
        return None
    if session.exec(_nameable(actor).where(Team.name == given)).first() is None:
        raise _wrong("team", f"There is no team {given[:MAX_NAME]!r} that you can make a token for.")
    return given


def teams_to_name(session: Session, actor: Actor) -> list[str]:
    """The teams that the actor can make a token for, by name."""
    actor.require("tokens:create")
    return sorted(session.exec(_nameable(actor)), key=str.casefold)


def _nameable(actor: Actor) -> SelectOfScalar[str]:
    known = select(Team.name).where(Team.organization_id == actor.organization_id)
    if actor.can("team:update"):
        return known
    return known.join(TeamMember, _place_in_team()).where(TeamMember.user_id == actor.user_id)


def _place_in_team() -> ColumnElement[bool]:
    return and_(col(TeamMember.organization_id) == Team.organization_id, col(TeamMember.team) == Team.name)


def _providers(given: Sequence[str]) -> list[str]:
    found = sorted(set(given))
    if not frozenset(found) <= frozenset(Provider):
        raise _wrong("allowedProviders", f"Choose from the providers {', '.join(Provider)}.")
    return found


def _models(given: Sequence[str]) -> list[str]:
    found = sorted({model.strip() for model in given})
    if len(found) > MAX_MODELS or any(not 1 <= len(m) <= MAX_MODEL or not m.isprintable() for m in found):
        message = f"Give at most {MAX_MODELS} names or patterns of models, of 1 to {MAX_MODEL} characters each."
        raise _wrong("allowedModels", message)
    return found


def _per_minute(field: str, given: int | None) -> int | None:
    if given is not None and not 1 <= given <= MAX_PER_MINUTE:
        raise _wrong(field, f"Give a limit of 1 to {MAX_PER_MINUTE:,} a minute, or none.")
    return given


def view_of(row: AccessToken) -> TokenView:
    """A token as its owner sees it."""
    return TokenView(
        id=row.id,
        name=row.name,
        hint=row.hint,
        scopes=tuple(row.scopes),
        user_id=row.user_id,
        budget_id=row.budget_id,
        team=row.team,
        allowed_providers=tuple(Provider(name) for name in row.allowed_providers or ()),
        allowed_models=tuple(row.allowed_models or ()),
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])
