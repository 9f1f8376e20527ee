"""What a budget limits: the organization, or the calls of a team, person, provider, key, model, tag or access token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from sqlmodel import Session, col, func, select

from guardian.errors import ValidationError
from guardian.models import AccessToken, ApiKey, Team, User
from guardian.models.enums import Provider
from guardian.services.actor import Actor
from guardian.services.people.membership import is_member

ScopeType = Literal["organization", "team", "user", "provider", "key", "model", "tag", "token"]
SCOPES: tuple[ScopeType, ...] = get_args(ScopeType)
MAX_VALUE = 200


@dataclass(frozen=True, slots=True)
class Scope:
    """`value` by type: None (organization), a team's name, the id of a person, key or access token, a Provider, a
    model's name or pattern (* and ?), or "name=value" of a tag. A token without a value means those that name the
    budget themselves. `former` are the names that a team had: what is told under them counts as well.
    """

    type: ScopeType
    value: str | None = None
    former: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The value, if there is one, and a team's former ones."""
        return () if self.value is None else (self.value, *self.former)

    @property
    def tag(self) -> tuple[str, str]:
        """The tag's name and value; a team is the tag of that name."""
        if self.type == "team":
            return "team", self.value or ""
        name, _, value = (self.value or "").partition("=")
        return name, value

    def as_json(self) -> dict[str, Any]:
        named = {} if self.value is None else {"value": self.value}
        return {"type": self.type, **named, **({"former": list(self.former)} if self.former else {})}


def stored_scope(stored: Mapping[str, Any] | None) -> Scope:
    """The scope of a stored budget; one without any limits the organization."""
    found = stored or {}
    kind = found.get("type")
    if kind not in SCOPES:
        return Scope("organization")
    value: object = found.get("value")
    return Scope(kind, value if isinstance(value, str) else None, tuple(found.get("former") or ()))


def checked_scope(session: Session, actor: Actor, given: Scope) -> Scope:
    """The scope as it is stored. Raises ValidationError on the field scope, also for an id that is not of the
    actor's organization.
    """
    if given.type not in SCOPES:
        raise _wrong(f"Choose what the budget limits: {', '.join(SCOPES)}.")
    value = " ".join((given.value or "").split()) or None
    if given.type == "organization":
        if value is not None:
            raise _wrong("A budget of the organization has no scope value.")
        return Scope("organization")
    if value is None:
        if given.type == "token":
            return Scope("token")
        raise _wrong(f"Say which {given.type} the budget limits.")
    if len(value) > MAX_VALUE or not value.isprintable():
        raise _wrong(f"A scope's value has at most {MAX_VALUE} printable characters.")
    if given.type == "tag" and not all(Scope("tag", value).tag):
        raise _wrong("Give the tag as name=value, such as feature=search.")
    if given.type == "provider":
        value = value.upper()
        if value not in list(Provider):
            raise _wrong(f"There is no provider {value!r}. Choose from: {', '.join(Provider)}.")
    _require_own(session, actor, given.type, value)
    return Scope(given.type, value, _former(session, actor, value) if given.type == "team" else ())


def _former(session: Session, actor: Actor, team: str) -> tuple[str, ...]:
    query = select(Team).where(Team.organization_id == actor.organization_id, Team.name == team)
    found = session.exec(query).one_or_none()
    return tuple(found.former_names) if found else ()


def _require_own(session: Session, actor: Actor, kind: ScopeType, value: str) -> None:
    mine = actor.organization_id
    table = cast("Any", {"user": User, "key": ApiKey, "token": AccessToken}.get(kind))
    if table is None:
        return
    own = is_member(mine) if kind == "user" else col(table.organization_id) == mine
    query = select(func.count()).select_from(table).where(col(table.id) == value, own)
    if not session.exec(query).one():
        raise _wrong(f"There is no such {kind} in your organization.")


def _wrong(message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": "scope", "message": message}])
