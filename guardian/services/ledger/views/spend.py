"""What summing up takes and gives: a span, a grouping, sums, and the billed book beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

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

    `group_by` names DIMENSIONS, ROW_DIMENSIONS, or "tag:" and the key of a tag. `filters` holds allowed values by names
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

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def calls(self) -> int | None:
        """`requests`; None where something was used, and the provider does not say in how many calls."""
        return None if not self.requests and (self.tokens or self.cost) else self.requests


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
class BilledGroup:
    """Lines of the providers' cost reports that share these values; `cost` in US dollars."""

    values: Mapping[str, str | None]
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """The billed book of a span. `total` is None where no cost report has a line in it."""

    total: Decimal | None
    groups: tuple[BilledGroup, ...]
