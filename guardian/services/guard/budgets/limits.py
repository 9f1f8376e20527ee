"""HardBudget: a budget as the gateway enforces it: which calls it holds, in which period, and its counter's name."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlmodel import Session, col, select

from guardian.models import AccessToken, Budget, Organization
from guardian.models.enums import BudgetKind, BudgetPeriod, Provider
from guardian.periods import CalendarUnit, Window, calendar_period, rolling_period, zone
from guardian.pricing.overrides import matches
from guardian.services.guard.budgets.scopes import Scope, stored_scope
from guardian.services.people.access.callers import Caller

OPEN, CLOSED = "open", "closed"
REDIS_AWAY, UNPRICED = "whenRedisIsAway", "unpricedModels"

UNITS: Mapping[BudgetPeriod, CalendarUnit] = {
    BudgetPeriod.DAILY: "day",
    BudgetPeriod.WEEKLY: "week",
    BudgetPeriod.MONTHLY: "month",
    BudgetPeriod.QUARTERLY: "quarter",
    BudgetPeriod.YEARLY: "year",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HardBudget:
    """`closed`: calls are refused while it cannot be known what is spent. `refuses_unpriced`: so are those of models
    without a price, which would be free under any limit. `tokens` are the access tokens that name this budget: their
    calls count whatever the scope says. `rolling_days` instead of the `period`: it looks back over so many days.
    """

    id: str
    organization_id: str
    name: str
    scope: Scope
    limit: Decimal
    period: BudgetPeriod
    time_zone: str
    rolling_days: int | None = None
    raised_limit: Decimal | None = None
    raised_until: datetime | None = None
    closed: bool = True
    refuses_unpriced: bool = True
    tokens: frozenset[str] = frozenset()

    def limit_at(self, moment: datetime) -> Decimal:
        """The limit that stands then: a raise ends by the clock alone, and never lowers what has been set since."""
        raised, until = self.raised_limit, self.raised_until
        return max(raised, self.limit) if raised is not None and until is not None and moment < until else self.limit

    def applies(
        self, caller: Caller, provider: Provider, model: str, tags: Mapping[str, str], key_id: str | None
    ) -> bool:
        """Whether a call counts. A call without the tag `team` is of its caller's team."""
        if caller.budget_id == self.id:
            return True
        kind, value = self.scope.type, self.scope.value
        if kind == "organization":
            return True
        if kind == "team":
            return (tags.get("team") or caller.team) in self.scope.names
        if kind == "user":
            return caller.user_id == value
        if kind == "provider":
            return provider == value
        if kind == "key":
            return key_id == value
        if kind == "model":
            return matches(value or "", model)
        if kind == "token":
            return caller.token_id == value
        name, wanted = self.scope.tag
        return tags.get(name) == wanted

    def window(self, moment: datetime) -> Window:
        """The calendar period around a moment, in the organization's time zone; or the rolling days up to its hour."""
        if self.rolling_days is not None:
            return rolling_period(moment, self.rolling_days)
        return calendar_period(moment, UNITS[self.period], zone(self.time_zone))

    def counter(self, window: Window) -> str:
        """The name of the period's counter in Redis. What it counts is in it: another scope is another counter.

        A rolling budget has one that stays, and forgets what leaves the window (gateway/holds/counters.py). The braces
        keep an organization's counters on one node of a Redis cluster, where one script may see them all.
        """
        start = f"{self.rolling_days}d" if self.rolling_days is not None else int(window.start.timestamp())
        return f"budget:{{{self.organization_id}}}:{self.id}:{_digest(self.scope, self.tokens)}:{start}"


def hard_budgets_of(session: Session, organization_id: str) -> list[HardBudget]:
    """The active hard budgets of an organization, the oldest first."""
    rows = session.exec(
        select(Budget)
        .where(
            Budget.organization_id == organization_id, Budget.kind == BudgetKind.HARD, col(Budget.is_active).is_(True)
        )
        .order_by(col(Budget.id))
    ).all()
    if not rows:
        return []
    tz = session.get_one(Organization, organization_id).time_zone
    tied = tokens_by_budget(session, [row.id for row in rows])
    return [limit_of(row, tz, tied.get(row.id, frozenset())) for row in rows]


def limit_of(row: Budget, time_zone: str, tokens: frozenset[str]) -> HardBudget:
    """A stored budget as it is enforced, or would be if it were hard."""
    return HardBudget(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        scope=stored_scope(row.scope),
        limit=row.limit,
        period=row.period,
        time_zone=time_zone,
        rolling_days=row.rolling_days,
        raised_limit=row.raised_limit,
        raised_until=row.raised_until,
        closed=when_redis_is_away(row.meta, row.kind) == CLOSED,
        refuses_unpriced=(row.meta or {}).get(UNPRICED) != "allow",
        tokens=tokens,
    )


def when_redis_is_away(meta: Mapping[str, Any] | None, kind: BudgetKind) -> str:
    """open or closed: the budget's own word, else closed for a hard one (it stops spend) and open for a soft one."""
    told: object = (meta or {}).get(REDIS_AWAY)
    return told if told in (OPEN, CLOSED) else CLOSED if kind is BudgetKind.HARD else OPEN


def tokens_by_budget(session: Session, budget_ids: list[str]) -> dict[str, frozenset[str]]:
    """The access tokens that name each budget, revoked ones too: what they have spent stays spent."""
    query = select(AccessToken.budget_id, AccessToken.id).where(col(AccessToken.budget_id).in_(budget_ids))
    found: dict[str, set[str]] = {}
    for budget_id, token_id in session.exec(query):
        if budget_id is not None:
            found.setdefault(budget_id, set()).add(token_id)
    return {budget_id: frozenset(ids) for budget_id, ids in found.items()}


@lru_cache(maxsize=4096)
def _digest(scope: Scope, tokens: frozenset[str]) -> str:
    text = "\x1f".join((scope.type, scope.value or "", *scope.former, *sorted(tokens)))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
