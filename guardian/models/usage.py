"""The usage ledger: UsageLog (tracked and reported books, partitioned by month) and UsageRollup (hourly sums)."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Optional

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, text
from sqlmodel import Field, Relationship

from guardian.models.base import (
    Table,
    count_field,
    document_field,
    enum_field,
    money_field,
    new_id,
    relation,
    share_field,
    time_field,
)
from guardian.models.bills import bill_field
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.models.shared import Shared

if TYPE_CHECKING:
    from guardian.models.keys import ApiKey
    from guardian.models.people import Organization, User


class Counts(Table):
    """Token columns of the ledger. Shares of the input are disjoint (records.UsageCounts says how)."""

    input_tokens: int = count_field()
    output_tokens: int = count_field()
    total_tokens: int = count_field()
    cache_read_tokens: int = count_field()
    cache_write_5m_tokens: int = count_field()
    cache_write_30m_tokens: int = count_field()
    cache_write_1h_tokens: int = count_field()
    cache_write_12h_tokens: int = count_field()
    reasoning_tokens: int = count_field()
    audio_input_tokens: int = count_field()
    audio_output_tokens: int = count_field()
    image_input_tokens: int = count_field()
    image_output_tokens: int = count_field()
    video_input_tokens: int = count_field()
    video_output_tokens: int = count_field()


class UsageLog(Counts, table=True):
    """One call (tracked) or one row of a provider's bucket (reported). The id is derived from what happened.

    `requests` is None where the provider does not count them. `cost` is None exactly where `cost_source` is unpriced.
    `bucket_end` is set for reported rows. `units` counts what is billed but is no token. The bill is the lines (unit,
    quantity, unit price, multiplier) whose products add up to `cost`: `price_id` names the shared text of what priced
    the row and, where the row's counts are the quantities, of its rates (services.ledger.bills); else `bill` holds the
    lines. `access_token_id` names the shared text of the id of the token that a call came with: no foreign key, since a
    row outlives its token. Shares that are zero and documents that are empty take no room: the database has NULL for
    them.
    """

    __tablename__ = "usage_logs"
    __table_args__ = (
        PrimaryKeyConstraint("id", "timestamp"),
        Index("ix_usage_logs_user_id_provider_timestamp", "user_id", "provider", "timestamp"),
        Index("ix_usage_logs_organization_id_timestamp", "organization_id", "timestamp"),
        Index(
            "ix_usage_logs_organization_id_session",
            "organization_id",
            "session",
            "timestamp",
            postgresql_where=text("session IS NOT NULL"),
        ),
        # For the queue of what has no price, which is few of many.
        Index(
            "ix_usage_logs_unpriced",
            "organization_id",
            "timestamp",
            postgresql_where=text("cost_source = 'unpriced'"),
        ),
        # For the deletion of a key, which would read every month: 7 MB for each million of tracked rows.
        Index("ix_usage_logs_api_key_id", "api_key_id", postgresql_where=text("api_key_id IS NOT NULL")),
        # What a budget of one access token has spent is summed from here when Redis has lost it. Without the time,
        # which the partition tells to the month, its many equal entries take 7 bytes each instead of 58.
        Index(
            "ix_usage_logs_access_token_id",
            "access_token_id",
            postgresql_where=text("access_token_id IS NOT NULL"),
        ),
        Index(
            "ix_usage_logs_tags",
            "tags",
            postgresql_using="gin",
            postgresql_ops={"tags": "jsonb_path_ops"},
            postgresql_where=text("tags <> '{}'::jsonb"),
        ),
        {"postgresql_partition_by": "RANGE (timestamp)"},
    )

    id: str = Field(default_factory=new_id)
    timestamp: datetime = time_field(now=True)
    bucket_end: datetime | None = time_field(nullable=True)
    cache_read_tokens: int = share_field()
    cache_write_5m_tokens: int = share_field()
    cache_write_30m_tokens: int = share_field()
    cache_write_1h_tokens: int = share_field()
    cache_write_12h_tokens: int = share_field()
    reasoning_tokens: int = share_field()
    audio_input_tokens: int = share_field()
    audio_output_tokens: int = share_field()
    image_input_tokens: int = share_field()
    image_output_tokens: int = share_field()
    video_input_tokens: int = share_field()
    video_output_tokens: int = share_field()
    provider: Provider = enum_field(Provider, "provider")
    model: str
    operation: str
    origin: UsageOrigin = enum_field(UsageOrigin, "usage_origin", UsageOrigin.GATEWAY)
    series: str | None = None
    requests: int | None = count_field(None)
    units: dict[str, Any] | None = document_field()
    cost: Decimal | None = money_field(nullable=True)
    cost_source: CostSource = enum_field(CostSource, "cost_source", CostSource.UNPRICED)
    cost_reason: str | None = None
    price_id: int | None = Field(default=None, sa_type=BigInteger)
    bill: list[Any] | None = bill_field()
    response_time: int | None = None
    status_code: int | None = None
    error: str | None = None
    account_id: str | None = None
    project_id: str | None = None
    external_key_id: str | None = None
    external_user_id: str | None = None
    service_tier: str | None = None
    tags: dict[str, Any] | None = document_field()
    session: str | None = None
    meta: dict[str, Any] | None = document_field("metadata")
    user_id: str = Field(foreign_key="users.id", ondelete="RESTRICT")
    organization_id: str | None = Field(default=None, foreign_key="organizations.id", ondelete="SET NULL")
    api_key_id: str | None = Field(default=None, foreign_key="api_keys.id", ondelete="SET NULL")
    access_token_id: Any = Field(default=None, sa_type=Shared, nullable=True)

    user: "User" = Relationship(back_populates="usage_logs", sa_relationship_kwargs=relation())
    organization: Optional["Organization"] = Relationship(
        back_populates="usage_logs", sa_relationship_kwargs=relation()
    )
    api_key: Optional["ApiKey"] = Relationship(back_populates="usage_logs", sa_relationship_kwargs=relation())


class UsageRollup(Counts, table=True):
    """Sums of the usage rows of one hour and one combination of dimensions; changed with its rows, in one transaction.

    The id is derived from the dimensions, of which `team` and `feature` are the tags of these names. `unpriced_*` count
    what `cost` leaves out; `rows` is how many rows are in it.
    """

    __tablename__ = "usage_rollups"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "id"),
        Index("ix_usage_rollups_organization_id_hour", "organization_id", "hour"),
        Index("ix_usage_rollups_tracked", "organization_id", "hour", postgresql_where=text("origin <> 'sync'")),
    )

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    id: str
    hour: datetime = time_field()
    provider: Provider = enum_field(Provider, "provider")
    account_id: str | None = None
    model: str
    operation: str
    origin: UsageOrigin = enum_field(UsageOrigin, "usage_origin")
    cost_source: CostSource = enum_field(CostSource, "cost_source")
    service_tier: str | None = None
    project_id: str | None = None
    external_key_id: str | None = None
    external_user_id: str | None = None
    api_key_id: str | None = None
    user_id: str | None = None
    team: str | None = None
    feature: str | None = None
    rows: int = count_field()
    requests: int = count_field()
    cost: Decimal = money_field(default=Decimal(0))
    unpriced_rows: int = count_field()
    unpriced_tokens: int = count_field()
