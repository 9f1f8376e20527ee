"""Holds against the real Redis, with a ledger that a test writes itself."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
import redis

from guardian.gateway.holds import Hold, Holds
from guardian.models.enums import BudgetPeriod, Provider
from guardian.services.guard.budgets import HardBudget, Scope, Spent
from guardian.services.people.access.callers import Caller
from tests.conftest import Servers


def caller(**facts: Any) -> Caller:
    given: dict[str, Any] = {
        "token_id": "t1",
        "organization_id": "o1",
        "user_id": "u1",
        "team": None,
        "scopes": frozenset({"gateway"}),
        "providers": frozenset(),
        "models": (),
        "budget_id": None,
        "requests_per_minute": None,
        "tokens_per_minute": None,
        "expires_at": None,
    }
    return Caller(**{**given, **facts})


def budget(limit: str = "5", **facts: Any) -> HardBudget:
    given: dict[str, Any] = {
        "id": "b1",
        "organization_id": "o1",
        "name": "All",
        "scope": Scope("organization"),
        "period": BudgetPeriod.MONTHLY,
        "time_zone": "UTC",
    }
    return HardBudget(**{**given, "limit": Decimal(limit), **facts})


@dataclass
class Ledger:
    """What the ledger says, by budget; `reads` counts how often it was asked."""

    spent: dict[str, Spent] = field(default_factory=dict[str, Spent])
    reads: int = 0
    away: bool = False

    def load(self, asked: HardBudget, moment: datetime) -> Spent:
        self.reads += 1
        if self.away:
            raise OSError("the database is away")
        return self.spent.get(asked.id, Spent())


@dataclass
class Bench:
    """One gateway process's holds, as many as a test opens."""

    url: str
    ledger: Ledger
    budgets: list[HardBudget]

    @asynccontextmanager
    async def open(self, **options: Any) -> AsyncIterator[Holds]:
        async def known(_: str) -> Sequence[HardBudget]:
            return self.budgets

        holds = Holds(options.pop("url", self.url), known, load=self.ledger.load, **options)
        try:
            yield holds
        finally:
            await holds.close()

    def counter(self, at: int = 0, moment: datetime | None = None) -> dict[str, str]:
        """What Redis has of a budget, by field."""
        asked = self.budgets[at]
        keys = self.redis.keys(f"budget:*:{asked.id}:*")
        found = [key for key in keys if not key.endswith(":due")]
        assert len(found) <= 1 or moment
        if moment:
            found = [asked.counter(asked.window(moment))]
        return self.redis.hgetall(found[0]) if found else {}

    @property
    def redis(self) -> Any:
        return redis.Redis.from_url(self.url, decode_responses=True)

    def dollars(self, name: str, **which: Any) -> Decimal:
        return Decimal(self.counter(**which).get(name, "0")) / 10**10


@pytest.fixture
def bench(environment: Servers) -> Bench:
    return Bench(environment.redis_url, Ledger(), [budget()])


def reserve(holds: Holds, worst: str | None, who: Caller | None = None, **facts: Any) -> Awaitable[Hold]:
    given: dict[str, Any] = {"provider": Provider.OPENAI, "model": "gpt-5", "tags": {}, "key_id": None, "tokens": 0}
    return holds.reserve(who or caller(), worst=None if worst is None else Decimal(worst), **{**given, **facts})


__all__: Sequence[str] = ("Bench", "Ledger", "budget", "caller", "reserve")
