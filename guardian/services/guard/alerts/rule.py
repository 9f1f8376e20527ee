"""Rule: an alert as words and figures need it, with the names that people know its parts by."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session, col, select

from guardian.models import Alert, Budget
from guardian.models.enums import PROVIDER_NAMES, AlertFrequency, AlertType, ComparisonType, NoDataRule
from guardian.services.guard.alerts.metrics import Metric, metric_of
from guardian.services.guard.budgets.scopes import Scope, stored_scope
from guardian.services.ledger.queries.names import read_names

EVERYTHING = Scope("organization")
BUDGET_ID = "budgetId"  # in an alert's metadata: the one budget that it speaks of
# As the ledger's names call what a scope, or a group, is.
_DIMENSIONS: Mapping[str, str] = {"user": "user", "key": "apiKey", "token": "accessToken", "project": "project"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`scope_name` and `budget_name` are names for people: None where there is nothing to name. `tells` says who is
    told, in words.
    """

    type: AlertType
    metric: Metric
    comparison: ComparisonType
    threshold: Decimal
    frequency: AlertFrequency = AlertFrequency.HOURLY
    scope: Scope = EVERYTHING
    scope_name: str | None = None
    budget_name: str | None = None
    group_by: str | None = None
    window: str = "1d"
    min_requests: int = 0
    recover_threshold: Decimal | None = None
    pending_minutes: int = 0
    renotify_minutes: int | None = None
    no_data: NoDataRule = NoDataRule.KEEP
    tells: tuple[str, ...] = ()


def rule_of(session: Session, alert: Alert, tells: Sequence[str] = ()) -> Rule:
    """One alert's rule, with its names read."""
    return rules_of(session, [alert], {alert.id: tells})[alert.id]


def rules_of(
    session: Session, alerts: Sequence[Alert], tells: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Rule]:
    """The rules of one organization's alerts by id, their names read together. `tells` by alert, in words."""
    if not alerts:
        return {}
    organization_id = alerts[0].organization_id or ""
    scopes = {alert.id: stored_scope(alert.scope) for alert in alerts}
    names = _scope_names(session, organization_id, scopes.values())
    budgets = budget_names(session, organization_id, [id for alert in alerts if (id := budget_id_of(alert))])
    return {
        alert.id: Rule(
            type=alert.type,
            metric=metric_of(alert.type, alert.metric),
            comparison=alert.comparison_type,
            threshold=alert.threshold,
            frequency=alert.frequency,
            scope=scopes[alert.id],
            scope_name=names.get(scopes[alert.id]),
            budget_name=budgets.get(budget_id_of(alert) or ""),
            group_by=alert.group_by,
            window=alert.window,
            min_requests=alert.min_requests,
            recover_threshold=alert.recover_threshold,
            pending_minutes=alert.pending_minutes,
            renotify_minutes=alert.renotify_minutes,
            no_data=alert.no_data,
            tells=tuple((tells or {}).get(alert.id, ())),
        )
        for alert in alerts
    }


def budget_id_of(alert: Alert) -> str | None:
    """The one budget that an alert speaks of; None for every budget."""
    told: object = (alert.meta or {}).get(BUDGET_ID)
    return told if isinstance(told, str) else None


def budget_names(session: Session, organization_id: str, ids: Sequence[str]) -> dict[str, str]:
    """The names of an organization's budgets by id, of those that are there."""
    if not ids:
        return {}
    query = select(Budget.id, Budget.name).where(
        col(Budget.organization_id) == organization_id, col(Budget.id).in_(sorted(set(ids)))
    )
    return dict(session.exec(query).all())


def group_names(session: Session, organization_id: str, group_by: str | None, values: Iterable[str]) -> dict[str, str]:
    """What people call the values of a dimension that groups are made of; a value without a name is its own."""
    found = {value: value for value in values}
    if group_by == "provider":
        return {value: PROVIDER_NAMES.get(value, value) for value in found}
    dimension = _DIMENSIONS.get(group_by or "")
    if dimension is None:
        return found
    names = read_names(session, organization_id, {dimension: found})
    return {value: names.get((dimension, value), value) for value in found}


def _scope_names(session: Session, organization_id: str, scopes: Iterable[Scope]) -> dict[Scope, str]:
    wanted: dict[str, set[str]] = {}
    found: dict[Scope, str] = {}
    for scope in scopes:
        if scope.value is None:
            continue
        kind: str = scope.type
        found[scope] = PROVIDER_NAMES.get(scope.value, scope.value) if kind == "provider" else scope.value
        if kind in _DIMENSIONS:
            wanted.setdefault(_DIMENSIONS[kind], set()).add(scope.value)
    names = read_names(session, organization_id, wanted)
    return {scope: names.get((_DIMENSIONS.get(scope.type, ""), scope.value or ""), own) for scope, own in found.items()}
