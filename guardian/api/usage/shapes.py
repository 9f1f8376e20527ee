"""usage: what a client may ask for, and the shapes that it gets."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, cast

from pydantic import AliasChoices, Field

from guardian.api.answers.envelope import Body, Money, Out, Time, plain
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.services.ledger.views import DIMENSIONS, ROW_DIMENSIONS, Bucket, Group, Totals


def _values(about: str) -> Any:
    return Field(default_factory=list[str], description=about)


class Range(Body):
    """Which rows. `from` and `to` are instants, or days of the zone, of which `to` is the last one within.

    Every other parameter is a filter, and may be given more than once, or with commas between its values.
    """

    from_: str | None = Field(
        default=None, alias="from", description="First day (2026-11-01), or an instant (2026-11-01T00:00:00Z)."
    )
    to: str | None = Field(default=None, description="Last day, which is within, or an instant, which is not.")
    tz: str | None = Field(default=None, description="IANA zone; the organization's without it.")
    provider: list[str] = _values(f"One of {', '.join(Provider)}.")
    model: list[str] = _values("Model, as the provider names it.")
    operation: list[str] = _values("What was done: chat, embeddings, …")
    origin: list[str] = _values(f"One of {', '.join(UsageOrigin)}; sync is what providers report, the others we track.")
    project: list[str] = _values("The provider's id of a project or workspace.")
    provider_key: list[str] = _values("The provider's id of the key that was used.")
    api_key: list[str] = _values("Id of a key in the vault.")
    user: list[str] = _values("Id of a user here; known of tracked rows.")
    team: list[str] = _values("The tag `team`; known of tracked rows.")
    feature: list[str] = _values("The tag `feature`; known of tracked rows.")
    external_user: list[str] = _values("The provider's id of a user or service account.")
    account: list[str] = _values("The provider's id of the billing account.")
    tier: list[str] = _values("Service tier: default, batch, flex, priority, …")
    cost_source: list[str] = _values(f"Where the cost is from: {', '.join(CostSource)}.")
    session: list[str] = _values("Session that the caller named; known of tracked rows.")
    access_token: list[str] = _values("Id of our access token that the call came with; known of tracked rows.")
    tag: list[str] = _values(
        "A tag as `key:value`; values of one key are alternatives, all keys must match. `key:` has no such tag."
    )
    # The names that a row has for the same.
    api_key_id: list[str] = _values("The same as apiKey.")
    user_id: list[str] = _values("Id of a user here; of a reported row, the owner of the key that pulled it.")

    # What a sum has no column of its own for.
    _renamed: ClassVar[Mapping[str, str]] = {"apiKeyId": "apiKey", "userId": "user"}

    def filters(self) -> dict[str, tuple[str, ...]]:
        """Values by dimension; a parameter that is there but empty ("model=") does not filter."""
        found: dict[str, tuple[str, ...]] = {}
        for name, values in self.model_dump(by_alias=True).items():
            if not isinstance(values, list):
                continue
            parts = tuple(part for value in cast("list[str]", values) for part in value.split(",") if part)
            if parts:
                name = self._renamed.get(name, name)
                found[name] = (*found.get(name, ()), *parts)
        return found


class UsageQuery(Range):
    _renamed: ClassVar[Mapping[str, str]] = {"apiKeyId": "apiKey"}

    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=200)
    sort: Literal["timestamp", "-timestamp"] = Field(default="-timestamp", description="Oldest or newest first.")


class SummaryParameters(Range):
    bucket: Bucket | None = Field(
        default=None,
        description="Calendar hours (of at most 31 days), days, weeks from Monday, or months of the zone.",
    )
    group_by: str | None = Field(
        default=None, description=f"With commas between them: {', '.join((*DIMENSIONS, *ROW_DIMENSIONS))}, tag:<key>."
    )
    top: int | None = Field(
        default=None,
        description="Tell only so many groups apart, the most expensive ones (1 to 100). All others are one group "
        "behind them, whose `others` says how many there are: totals leave nothing out.",
    )


class BillLineOut(Out):
    """quantity × unitPrice × multiplier = amount."""

    unit: str
    quantity: Money
    unit_price: Money
    multiplier: Money
    amount: Money


class UsageOut(Out):
    """One row of the ledger. `cost` is null exactly where `costSource` is unpriced: unknown is never zero.

    `bucketEnd` is there for rows that a provider reported, which cover the time from `timestamp` to it.
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
    units: dict[str, Any]
    cost: Money | None
    cost_source: CostSource
    cost_reason: str | None
    price_source: str | None
    price_version: str | None
    price_ref: str | None
    response_time: int | None
    status_code: int | None
    error: str | None
    timestamp: Time
    bucket_end: Time | None
    user_id: str
    organization_id: str | None
    api_key_id: str | None
    account_id: str | None
    project_id: str | None
    external_key_id: str | None
    external_user_id: str | None
    service_tier: str | None
    tags: dict[str, Any]
    session: str | None
    metadata: dict[str, Any]
    names: dict[str, str]


class UsageWithBillOut(UsageOut):
    """`bill` adds up to `cost`."""

    bill: list[BillLineOut]


class TotalsOut(Out):
    """`cost` leaves out what is unpriced, which the `unpriced…` count; `estimatedCost` is a share of `cost`.

    `requests` is null where no report counts the calls of what was used.
    """

    cost: Money
    estimated_cost: Money
    requests: int | None = Field(validation_alias=AliasChoices("calls", "requests"))
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    unpriced_rows: int
    unpriced_tokens: int


class BucketOut(TotalsOut):
    """One calendar hour, day, week or month; `covered` false means that no data was pulled for it yet, not zero."""

    start: Time
    end: Time
    covered: bool
    groups: list[dict[str, Any]]


class SummaryOut(Out):
    """A group has its dimensions by name, their readable names as `<dimension>Name` where known, and its totals.

    The group that stands for those beyond `top` has `others`, their number, and null for each dimension.
    """

    start: Time
    end: Time
    time_zone: str
    totals: TotalsOut
    groups: list[dict[str, Any]]
    buckets: list[BucketOut]


def group_json(group: Group) -> dict[str, Any]:
    """A group's values, names and totals side by side."""
    names = {f"{dimension}Name": name for dimension, name in group.names.items()}
    others = {"others": group.others} if group.others else {}
    return {**group.values, **names, **others, **_totals_json(group.totals)}


def _totals_json(of: Totals) -> dict[str, str | int | None]:
    """What TotalsOut makes of it, in a tenth of the time: an answer can have thousands of groups."""
    return {
        "cost": plain(of.cost),
        "estimatedCost": plain(of.estimated_cost),
        "requests": of.calls,
        "inputTokens": of.input_tokens,
        "outputTokens": of.output_tokens,
        "cacheReadTokens": of.cache_read_tokens,
        "unpricedRows": of.unpriced_rows,
        "unpricedTokens": of.unpriced_tokens,
    }
