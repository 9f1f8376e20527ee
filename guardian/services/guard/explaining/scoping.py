"""Which usage a scope means, in the words of the ledger's queries."""

from sqlalchemy import ColumnElement, or_, select
from sqlmodel import Session, col

from guardian.models import UsageLog, UsageRollup
from guardian.models.enums import UsageOrigin
from guardian.periods import Window
from guardian.pricing.overrides import matches
from guardian.services.guard.budgets.scopes import Scope
from guardian.services.ledger.queries.books import in_windows
from guardian.services.ledger.queries.dimensions import Filters, conditions

_AT_ONCE = 100  # values that one filter takes
_WILD = frozenset("*?[")
_SIMPLE = {"team": "team", "user": "user", "provider": "provider", "key": "apiKey"}
_TRACKED: Filters = {"origin": tuple(origin for origin in UsageOrigin if origin is not UsageOrigin.SYNC)}


def book(*, tracked: bool) -> Filters:
    """The filter that shows the tracked book alone, as budgets count; else the spend rule decides."""
    return _TRACKED if tracked else {}


def filters_of(session: Session, organization_id: str, scope: Scope, window: Window) -> list[Filters]:
    """Disjoint filters that together mean the scope in the window; none for access tokens, which no sum knows."""
    if scope.type == "organization":
        return [{}]
    if scope.type in _SIMPLE:
        return [{_SIMPLE[scope.type]: scope.names}]
    if scope.type == "tag":
        name, wanted = scope.tag
        return [{"tag": (f"{name}:{wanted}",)}]
    if scope.type == "model":
        models = _models(session, organization_id, scope.value or "", window)
        return [{"model": tuple(models[n : n + _AT_ONCE])} for n in range(0, len(models), _AT_ONCE)]
    return []


def _models(session: Session, organization_id: str, pattern: str, window: Window) -> list[str]:
    """The models in use whose names fit; a name is compared as budgets do it, whatever its case."""
    used = select(col(UsageRollup.model)).where(in_windows(UsageRollup, organization_id, [window])).distinct()
    return sorted(model for model in session.connection().execute(used).scalars() if matches(pattern, model))


def tokens_of(scope: Scope, tied: frozenset[str]) -> list[str]:
    """The access tokens whose calls are meant by name: the scope's, and those that are tied to the budget."""
    own = {scope.value} if scope.type == "token" and scope.value else set[str]()
    return [] if scope.type == "organization" else sorted(own | tied)


def outside(filters: list[Filters]) -> list[ColumnElement[bool]]:
    """Of single rows: what none of these filters means."""
    return [or_(*(or_(~each, each.is_(None)) for each in conditions(UsageLog, one))) for one in filters]
