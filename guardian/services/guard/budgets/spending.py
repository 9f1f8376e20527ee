"""What budgets have spent, from the ledger's tracked book: hourly sums for whole hours, rows for the rest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col

from guardian.models import UsageLog, UsageRollup
from guardian.models.enums import UsageOrigin
from guardian.periods import Window, ceil_hour, floor_hour
from guardian.pricing.overrides import matches
from guardian.services.guard.budgets.limits import HardBudget

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Spent:
    """Dollars in the current period: `gateway` of calls through our gateway, `other` of events and imports.

    `unpriced` rows have no price, and are in neither.
    """

    gateway: Decimal = _NOTHING
    other: Decimal = _NOTHING
    unpriced: int = 0

    @property
    def total(self) -> Decimal:
        return self.gateway + self.other

    def __add__(self, more: "Spent") -> "Spent":
        return Spent(self.gateway + more.gateway, self.other + more.other, self.unpriced + more.unpriced)


def spent_of(session: Session, budgets: Iterable[HardBudget], now: datetime) -> dict[str, Spent]:
    """What each budget (by its id) has spent in the period around `now`, to the last digit of the ledger.

    The tracked book only: a provider's report names no token, and can be hours late.
    """
    return {budget.id: _spent(session, budget, budget.window(now)) for budget in budgets}


def _spent(session: Session, budget: HardBudget, window: Window) -> Spent:
    wanted = _row_filter(budget)
    sums = _rollup_filter(budget)
    if sums is None:
        return _of_rows(session, budget, [window], wanted)
    whole = Window(min(ceil_hour(window.start), window.end), max(floor_hour(window.end), window.start))
    if whole.start >= whole.end:
        return _of_rows(session, budget, [window], wanted)
    edges = [
        edge for edge in (Window(window.start, whole.start), Window(whole.end, window.end)) if edge.start < edge.end
    ]
    found = _of_sums(session, budget, whole, sums)
    if edges:
        found += _of_rows(session, budget, edges, wanted)
    if budget.tokens and budget.scope.type != "organization":
        found += _of_tied_tokens(session, budget, whole)
    return found


def _of_sums(session: Session, budget: HardBudget, window: Window, wanted: Sequence[ColumnElement[bool]]) -> Spent:
    table = UsageRollup
    query = (
        select(
            col(table.model),
            col(table.origin),
            func.sum(col(table.cost)),
            func.sum(col(table.unpriced_rows)),
        )
        .where(
            col(table.organization_id) == budget.organization_id,
            col(table.origin) != UsageOrigin.SYNC,
            col(table.hour) >= window.start,
            col(table.hour) < window.end,
            *wanted,
        )
        .group_by(col(table.model), col(table.origin))
    )
    return _sum(budget, session.connection().execute(query))


def _of_rows(
    session: Session, budget: HardBudget, windows: Sequence[Window], wanted: Sequence[ColumnElement[bool]]
) -> Spent:
    """A model's pattern is matched here, as the gateway does it; the tokens that name the budget pass it anyway."""
    table = UsageLog
    tied = col(table.access_token_id).in_(sorted(budget.tokens))
    scope = or_(and_(*wanted), tied) if wanted and budget.tokens else and_(*wanted) if wanted else None
    query = (
        select(
            col(table.model),
            col(table.origin),
            func.sum(col(table.cost)),
            func.count().filter(col(table.cost).is_(None)),
            func.coalesce(tied, False).label("tied"),
        )
        .where(
            col(table.organization_id) == budget.organization_id,
            col(table.origin) != UsageOrigin.SYNC,
            or_(*(and_(col(table.timestamp) >= w.start, col(table.timestamp) < w.end) for w in windows)),
        )
        .group_by(col(table.model), col(table.origin), "tied")
    )
    return _sum(budget, session.connection().execute(query if scope is None else query.where(scope)))


def _of_tied_tokens(session: Session, budget: HardBudget, window: Window) -> Spent:
    """Calls of tokens that name the budget, as far as the scope does not count them already."""
    table = UsageLog
    query = (
        select(
            col(table.model),
            col(table.origin),
            func.sum(col(table.cost)),
            func.count().filter(col(table.cost).is_(None)),
        )
        .where(
            col(table.organization_id) == budget.organization_id,
            col(table.origin) != UsageOrigin.SYNC,
            col(table.timestamp) >= window.start,
            col(table.timestamp) < window.end,
            col(table.access_token_id).in_(sorted(budget.tokens)),
            *(or_(~each, each.is_(None)) for each in _row_filter(budget)),
        )
        .group_by(col(table.model), col(table.origin))
    )
    rows = session.connection().execute(query)
    if budget.scope.type == "model":
        pattern = budget.scope.value or ""
        return _total([row for row in rows if not matches(pattern, row[0])])
    return _total(rows)


def _sum(budget: HardBudget, rows: Iterable[Any]) -> Spent:
    """Rows of (model, origin, cost, unpriced[, tied]); a budget of models takes those that fit its pattern."""
    if budget.scope.type != "model":
        return _total(rows)
    pattern = budget.scope.value or ""
    return _total([row for row in rows if matches(pattern, row[0]) or (len(row) > 4 and row[4])])


def _total(rows: Iterable[Any]) -> Spent:
    found = Spent()
    for row in rows:
        cost, unpriced = row[2] or _NOTHING, int(row[3])
        through_us = row[1] == UsageOrigin.GATEWAY
        found += Spent(cost, _NOTHING, unpriced) if through_us else Spent(_NOTHING, cost, unpriced)
    return found


def _rollup_filter(budget: HardBudget) -> list[ColumnElement[bool]] | None:
    """None where the hourly sums do not know what the budget limits: access tokens, and tags but two."""
    scope, table = budget.scope, UsageRollup
    if scope.type == "user":
        return [col(table.user_id) == scope.value]
    if scope.type == "key":
        return [col(table.api_key_id) == scope.value]
    if scope.type in ("team", "tag"):
        name, value = scope.tag
        columns: Mapping[str, Any] = {"team": col(table.team), "feature": col(table.feature)}
        return [columns[name] == value] if name in columns else None
    return None if scope.type == "token" else []


def _row_filter(budget: HardBudget) -> list[ColumnElement[bool]]:
    scope, table = budget.scope, UsageLog
    if scope.type == "user":
        return [col(table.user_id) == scope.value]
    if scope.type == "key":
        return [col(table.api_key_id) == scope.value]
    if scope.type == "token":
        return [col(table.access_token_id) == scope.value if scope.value else false()]
    if scope.type in ("team", "tag"):
        name, value = scope.tag
        return [cast("Any", col(table.tags)).cast(JSONB).contains({name: value})]
    return []
