"""usage: what a client may ask for, and the shapes that it gets."""

from typing import Annotated, Any, cast

from pydantic import Field

from guardian.api.envelope import Body, Money, Out, Time
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.services.ledger.views import Bucket, Group

Values = Annotated[list[str], Field(default_factory=list[str])]


class Range(Body):
    """Which rows. `from` and `to` are instants, or days of the zone, of which `to` is the last one within.

    Every other parameter is a filter, and may be given more than once, or with commas between its values.
    """

    from_: str | None = Field(default=None, alias="from")
    to: str | None = None
    tz: str | None = Field(default=None, description="IANA zone; the organization's without it.")
    provider: Values
    model: Values
    operation: Values
    origin: Values
    project: Values
    provider_key: Values
    api_key: Values
    user: Values
    external_user: Values
    account: Values
    tier: Values
    cost_source: Values
    # The names that a row has for the same.
    api_key_id: Values
    user_id: Values

    def filters(self) -> dict[str, tuple[str, ...]]:
        """Values by dimension; a parameter that is there but empty ("model=") does not filter."""
        renamed = {"apiKeyId": "apiKey", "userId": "user"}
        found: dict[str, tuple[str, ...]] = {}
        for name, values in self.model_dump(by_alias=True).items():
            if not isinstance(values, list):
                continue
            parts = tuple(part for value in cast("list[str]", values) for part in value.split(",") if part)
            if parts:
                name = renamed.get(name, name)
                found[name] = (*found.get(name, ()), *parts)
        return found


class UsageQuery(Range):
    session: Values
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=200)


class SummaryParameters(Range):
    bucket: Bucket | None = None
    group_by: str | None = Field(default=None, description="Dimensions with commas between them.")


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
    """`cost` leaves out what is unpriced, which the `unpriced…` count; `estimatedCost` is a share of `cost`."""

    cost: Money
    estimated_cost: Money
    requests: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    unpriced_rows: int
    unpriced_tokens: int


class BucketOut(TotalsOut):
    """One calendar hour, day or month; `covered` false means that no data was pulled for it yet, not zero."""

    start: Time
    end: Time
    covered: bool
    groups: list[dict[str, Any]]


class SummaryOut(Out):
    """A group has its dimensions by name, their readable names as `<dimension>Name` where known, and its totals."""

    start: Time
    end: Time
    time_zone: str
    totals: TotalsOut
    groups: list[dict[str, Any]]
    buckets: list[BucketOut]


def group_json(group: Group) -> dict[str, Any]:
    """A group's values, names and totals side by side."""
    names = {f"{dimension}Name": name for dimension, name in group.names.items()}
    return {**group.values, **names, **TotalsOut.model_validate(group.totals).model_dump(by_alias=True)}
