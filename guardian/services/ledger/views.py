"""What the ledger's queries take and give: frozen values, ready for a page or for JSON, money as Decimal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from guardian.models.enums import SyncStatus, SyncTrigger

Bucket = Literal["hour", "day", "month"]

# What the rollups can be grouped and filtered by; the names of the REST API.
DIMENSIONS: tuple[str, ...] = (
    "provider",
    "model",
    "operation",
    "origin",
    "project",
    "providerKey",
    "apiKey",
    "user",
    "externalUser",
    "account",
    "tier",
    "costSource",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryQuery:
    """Spend in [start, end), both UTC. Buckets are calendar hours, days or months of the zone `tz`.

    `filters` holds allowed values by dimension. A query spans at most 400 days.
    """

    start: datetime
    end: datetime
    tz: str = "UTC"
    bucket: Bucket | None = None
    group_by: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums. `cost` leaves out what is unpriced, which `unpriced_*` count; `estimated_cost` is a share of `cost`."""

    cost: Decimal = Decimal(0)
    estimated_cost: Decimal = Decimal(0)
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    unpriced_rows: int = 0
    unpriced_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One combination of dimension values. `names` has the name that people know a value by, where there is one."""

    values: Mapping[str, str | None]
    names: Mapping[str, str]
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendBucket:
    """One calendar hour, day or month of the zone; `covered` False means no data was pulled for it yet, not zero."""

    start: datetime
    end: datetime
    totals: Totals
    groups: tuple[Group, ...]
    covered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    totals: Totals
    groups: tuple[Group, ...]
    buckets: tuple[SpendBucket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRunView:
    """One pull, for people: `progress` from 0 to 1."""

    id: str
    api_key_id: str
    key_label: str
    provider: str
    trigger: SyncTrigger
    status: SyncStatus
    progress: float
    window_start: datetime
    window_end: datetime
    rows_read: int
    rows_added: int
    rows_changed: int
    rows_removed: int
    error: str | None
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old the figures are: `as_of` is the end of the last finished pull, None before the first."""

    as_of: datetime | None
    next_pull: datetime
    running: tuple[SyncRunView, ...]
    failing: tuple[SyncRunView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpensiveLine:
    """One of the most expensive combinations of model, operation, project, key and tier in the range."""

    provider: str
    model: str
    operation: str
    project: str | None
    provider_key: str | None
    tier: str | None
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`current` against `previous`; `previous` is None where no data covers that period. `percent` of previous."""

    current: Decimal
    previous: Decimal | None
    change: Decimal | None
    percent: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Everything the dashboard shows, read in one go. `has_keys` False means nothing was ever connected."""

    time_zone: str
    start: datetime
    end: datetime
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
    freshness: Freshness
    has_keys: bool
