"""What an adapter hands on of a call, and to whom: providers import neither services nor the price book."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from guardian.records import CostBreakdown, UsageRecord


@dataclass(frozen=True, slots=True)
class TrackedUsage:
    """One priced call on its way to the ledger; `response_time` in milliseconds."""

    user_id: str
    usage: UsageRecord
    cost: CostBreakdown
    response_id: str | None = None
    response_time: int | None = None
    status_code: int | None = None
    error: str | None = None


Pricer = Callable[[UsageRecord], CostBreakdown]


class UsageSink(Protocol):
    """Takes tracked usage and keeps it: the ledger service, or the gateway's journal."""

    def __call__(self, usage: TrackedUsage, /) -> None: ...
