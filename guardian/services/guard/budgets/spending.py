"""What budgets have spent, from the ledger's tracked book: hourly sums for whole hours, rows for the rest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import ARRAY, ColumnElement, Integer, and_, bindparam, false, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col

from guardian.models import UsageLog, UsageRollup
from guardian.models.base import TIMESTAMP
from guardian.models.enums import UsageOrigin
from guardian.periods import HOUR, Window, ceil_hour, floor_hour
from guardian.pricing.overrides import matches
from guardian.services.guard.budgets.limits import HardBudget

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Spent:
    """Dollars in a period: `gateway` of calls through our gateway, `other` of events and imports.

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
    return {budget.id: spent_in(session, budget, [budget.window(now)])[0] for budget in budgets}


def spent_in(session: Session, budget: HardBudget, windows: Sequence[Window]) -> list[Spent]:
    """What the budget's calls have cost in each of these windows, which follow each other without a gap."""
    span, starts = Window(windows[0].start, windows[-1].end), [window.start for window in windows]
    wanted, sums = _row_filter(budget), _rollup_filter(budget)
    whole = Window(ceil_hour(span.start), floor_hour(span.end))
    if sums is None or whole.start >= whole.end:
        return _by_window(budget, _of_rows(session, budget, [span], starts, wanted), len(windows))
    # Where a zone's midnight is no full UTC hour, the hours that two windows share are read row by row.
    shared = sorted({floor_hour(edge) for edge in (*starts, span.end) if edge != floor_hour(edge)})
    pieces = [Window(max(hour, span.start), min(hour + HOUR, span.end)) for hour in shared]
    rows = _of_sums(session, budget, whole, starts, [*sums, col(UsageRollup.hour).not_in(shared)] if shared else sums)
    if pieces:
        rows += _of_rows(session, budget, pieces, starts, wanted)
    if budget.tokens and budget.scope.type != "organization":
        rows += _of_tied_tokens(session, budget, span, starts, pieces)
    return _by_window(budget, rows, len(windows))


def _place(moment: Any, starts: Sequence[datetime]) -> ColumnElement[int]:
    """The number of the window that a time lies in, from 1 on."""
    if len(starts) == 1:
        return literal_column("1", Integer).label("place")
    edges = bindparam("starts", list(starts), type_=ARRAY(TIMESTAMP))
    return cast("ColumnElement[int]", func.width_bucket(moment, edges).label("place"))


def _of_sums(
    session: Session,
    budget: HardBudget,
    window: Window,
    starts: Sequence[datetime],
    wanted: Sequence[ColumnElement[bool]],
) -> list[Any]:
    table = UsageRollup
    query = (
        select(
            _place(col(table.hour), starts),
            col(table.model),
            col(table.origin),
            func.sum(col(table.cost)),
            func.sum(col(table.unpriced_rows)),
            false().label("tied"),
        )
        .where(
            col(table.organization_id) == budget.organization_id,
            col(table.origin) != UsageOrigin.SYNC,
            col(table.hour) >= window.start,
            col(table.hour) < window.end,
            *wanted,
        )
        .group_by("place", col(table.model), col(table.origin))
    )
    return list(session.connection().execute(query))


def _of_rows(
    session: Session,
    budget: HardBudget,
    windows: Sequence[Window],
    starts: Sequence[datetime],
    wanted: Sequence[ColumnElement[bool]],
) -> list[Any]:
    """Calls within the scope (but for a model's pattern) and those of the tokens that name the budget."""
    tied = col(UsageLog.access_token_id).in_(sorted(budget.tokens))
    scope = or_(and_(*wanted), tied) if wanted and budget.tokens else and_(*wanted) if wanted else None
    return _rows(session, budget, starts, [_within(windows), *([] if scope is None else [scope])])


def _of_tied_tokens(
    session: Session, budget: HardBudget, span: Window, starts: Sequence[datetime], but: Sequence[Window]
) -> list[Any]:
    """Calls of tokens that name the budget, as far as the scope does not count them already, outside some windows."""
    tied = col(UsageLog.access_token_id).in_(sorted(budget.tokens))
    others = [or_(~each, each.is_(None)) for each in _row_filter(budget)]
    rows = _rows(session, budget, starts, [_within([span]), *([~_within(but)] if but else []), tied, *others])
    if budget.scope.type != "model":
        return rows
    pattern = budget.scope.value or ""
    return [row for row in rows if not matches(pattern, row.model)]


def _rows(
    session: Session, budget: HardBudget, starts: Sequence[datetime], wanted: Sequence[ColumnElement[bool]]
) -> list[Any]:
    table = UsageLog
    tied = col(table.access_token_id).in_(sorted(budget.tokens))
    query = (
        select(
            _place(col(table.timestamp), starts),
            col(table.model),
            col(table.origin),
            func.sum(col(table.cost)),
            func.count().filter(col(table.cost).is_(None)),
            func.coalesce(tied, False).label("tied"),
        )
        .where(col(table.organization_id) == budget.organization_id, col(table.origin) != UsageOrigin.SYNC, *wanted)
        .group_by("place", col(table.model), col(table.origin), "tied")
    )
    return list(session.connection().execute(query))


def _within(windows: Sequence[Window]) -> ColumnElement[bool]:
    moment = col(UsageLog.timestamp)
    return or_(*(and_(moment >= window.start, moment < window.end) for window in windows))


def _by_window(budget: HardBudget, rows: Iterable[Any], count: int) -> list[Spent]:
    """Rows of (place, model, origin, cost, unpriced, tied). A model's pattern is matched here, as the gateway does it;
    the tokens that name the budget pass it anyway.
    """
    pattern = budget.scope.value or "" if budget.scope.type == "model" else None
    found = [Spent()] * count
    for place, model, origin, cost, unpriced, tied in rows:
        if pattern is not None and not tied and not matches(pattern, model):
            continue
        amount = cost or _NOTHING
        through_us = origin == UsageOrigin.GATEWAY
        found[place - 1] += Spent(amount if through_us else _NOTHING, _NOTHING if through_us else amount, int(unpriced))
    return found


def _rollup_filter(budget: HardBudget) -> list[ColumnElement[bool]] | None:
    """None where the hourly sums do not know what the budget limits: access tokens, and tags but two."""
    scope, table = budget.scope, UsageRollup
    if scope.type == "user":
        return [col(table.user_id) == scope.value]
    if scope.type == "provider":
        return [col(table.provider) == scope.value]
    if scope.type == "key":
        return [col(table.api_key_id) == scope.value]
    if scope.type == "team":
        return [col(table.team).in_(scope.names)]
    if scope.type == "tag":
        name, value = scope.tag
        columns: Mapping[str, Any] = {"team": col(table.team), "feature": col(table.feature)}
        return [columns[name] == value] if name in columns else None
    return None if scope.type == "token" else []


def _row_filter(budget: HardBudget) -> list[ColumnElement[bool]]:
    scope, table = budget.scope, UsageLog
    if scope.type == "user":
        return [col(table.user_id) == scope.value]
    if scope.type == "provider":
        return [col(table.provider) == scope.value]
    if scope.type == "key":
        return [col(table.api_key_id) == scope.value]
    if scope.type == "token":
        return [col(table.access_token_id) == scope.value if scope.value else false()]
    if scope.type in ("team", "tag"):
        tags = cast("Any", col(table.tags)).cast(JSONB)
        wanted = [{"team": name} for name in scope.names] if scope.type == "team" else [dict([scope.tag])]
        return [or_(*(tags.contains(each) for each in wanted))]
    return []
