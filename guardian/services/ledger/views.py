"""What the ledger's queries take and give: frozen values, ready for a page or for JSON, money as Decimal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from guardian.models.enums import CostSource, Provider, SyncStatus, SyncTrigger, UsageOrigin
from guardian.records import BillLine

Bucket = Literal["hour", "day", "week", "month"]

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
    "team",
    "feature",
    "externalUser",
    "account",
    "tier",
    "costSource",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryQuery:
    """Spend in [start, end), both UTC. Buckets are calendar hours, days, weeks or months of the zone `tz`.

    `group_by` names DIMENSIONS, "session", or "tag:" and the key of a tag. `filters` holds allowed values by the names
    of USAGE_FILTERS; the value "" means "has none", and a value of "tag" is a key, a colon and the tag's value. With
    `top`, only that many groups, the most expensive ones, are told apart; all others are one group behind them. A query
    spans at most 400 days.
    """

    start: datetime
    end: datetime
    tz: str = "UTC"
    bucket: Bucket | None = None
    group_by: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    top: int | None = None


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
    """One combination of dimension values. `names` has the name that people know a value by, where there is one.

    `others` is 0, but for the last group of a query with `top`: how many further groups of the range it stands for. Its
    values are all None.
    """

    values: Mapping[str, str | None]
    names: Mapping[str, str]
    totals: Totals
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendBucket:
    """One calendar hour, day, week (from Monday) or month of the zone.

    `covered` False means that no data was pulled for it yet, not zero.
    """

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
class Dashboard:
    """Everything the dashboard shows, read in one go. `has_keys` False means nothing was ever connected.

    `per_day` is grouped by provider and has at most 200 points (buckets × providers): where days would give more, its
    buckets are calendar weeks, else months. `by_*` hold the 50 most expensive; what they leave out is `totals` minus
    their sum. Groups by model, project and key also carry their provider. `start` and `end` are UTC instants.
    """

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


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledGroup:
    """Lines of the providers' cost reports that share these values; `cost` in US dollars."""

    values: Mapping[str, str | None]
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """The billed book of a span. `total` is None where no cost report has a line in it."""

    total: Decimal | None
    groups: tuple[BilledGroup, ...]


# What single usage rows can be filtered by: the dimensions, the caller's session, and any tag ("key:value").
USAGE_FILTERS: tuple[str, ...] = (*DIMENSIONS, "session", "tag")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilter:
    """Usage rows of every book with a timestamp in [start, end), either side open when None.

    `filters` holds allowed values by name of USAGE_FILTERS; the value "" means "has none". Besides, `userId` is whose a
    row is, where `user` is who caused it.
    """

    start: datetime | None = None
    end: datetime | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageView:
    """One usage row. `names` is keyed by dimension (project, providerKey, apiKey, user, externalUser, account).

    `cost` is None exactly where `cost_source` is unpriced. `bill` is filled by get_usage only.
    """

    id: str
    provider: Provider
    model: str
    operation: str
    origin: UsageOrigin
    series: str | None
    requests: int | None
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_30m_tokens: int
    cache_write_1h_tokens: int
    cache_write_12h_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    image_input_tokens: int
    image_output_tokens: int
    video_input_tokens: int
    video_output_tokens: int
    units: Mapping[str, Any]
    cost: Decimal | None
    cost_source: CostSource
    cost_reason: str | None
    price_source: str | None
    price_version: str | None
    price_ref: str | None
    response_time: int | None
    status_code: int | None
    error: str | None
    timestamp: datetime
    bucket_end: datetime | None
    user_id: str
    organization_id: str | None
    api_key_id: str | None
    account_id: str | None
    project_id: str | None
    external_key_id: str | None
    external_user_id: str | None
    service_tier: str | None
    tags: Mapping[str, Any]
    session: str | None
    metadata: Mapping[str, Any]
    names: Mapping[str, str]
    bill: tuple[BillLine, ...] = ()
