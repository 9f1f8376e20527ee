"""Everything that the dashboard shows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from guardian.services.ledger.views.pulls import Freshness
from guardian.services.ledger.views.spend import Group, SpendBucket, Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpensiveLine:
    """One of the most expensive combinations of model, operation, project, key and tier in the range.

    `project` and `provider_key` are names for people where one is known, else the provider's ids, which follow.
    """

    provider: str
    model: str
    operation: str
    project: str | None
    provider_key: str | None
    tier: str | None
    totals: Totals
    project_id: str | None = None
    provider_key_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`current` against `previous`; `previous` is None where no data covers that period. `percent` of previous."""

    current: Decimal
    previous: Decimal | None
    change: Decimal | None
    percent: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFigures:
    """The part of a Dashboard that only changes with the ledger, and with the hour.

    `per_day` is grouped by provider and has at most 200 points (buckets × providers): where days would give more, its
    buckets are calendar weeks, else months. `by_*` hold the 50 most expensive; what they leave out is `totals` minus
    their sum. Groups by model, project and key also carry their provider.
    """

    totals: Totals
    today: Decimal
    month: Comparison
    per_day: tuple[SpendBucket, ...]
    by_provider: tuple[Group, ...]
    by_model: tuple[Group, ...]
    by_project: tuple[Group, ...]
    by_key: tuple[Group, ...]
    lines: tuple[ExpensiveLine, ...]
    billed: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard(BoardFigures):
    """Everything the dashboard shows, read in one go. `has_keys` False means nothing was ever connected.

    `start` and `end` are UTC instants.
    """

    time_zone: str
    start: datetime
    end: datetime
    freshness: Freshness
    has_keys: bool
