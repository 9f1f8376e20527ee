"""The billed book: ProviderCost, one line of a provider's cost report for one day."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Numeric, PrimaryKeyConstraint
from sqlmodel import Field

from guardian.models.base import Table, enum_field, json_field, money_field, time_field
from guardian.models.enums import Provider


class ProviderCost(Table, table=True):
    """What the provider says it bills, never added to the other books. The id is derived from day and dimensions."""

    __tablename__ = "provider_costs"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "id"),
        Index("ix_provider_costs_organization_id_period_start", "organization_id", "period_start"),
    )

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    id: str
    provider: Provider = enum_field(Provider, "provider")
    account_id: str
    api_key_id: str | None = Field(default=None, foreign_key="api_keys.id", ondelete="SET NULL")
    period_start: datetime = time_field()
    period_end: datetime = time_field()
    line_item: str
    billed_cost: Decimal = money_field()
    currency: str = Field(default="USD", sa_column_kwargs={"server_default": "USD"})
    # No money: one line of a busy day counts more than the ten billion tokens at which NUMERIC(20,10) ends.
    quantity: Decimal | None = Field(default=None, sa_type=Numeric(30, 10))  # pyright: ignore[reportArgumentType, reportCallIssue]  # SQLModel types sa_type as a class only
    quantity_unit: str | None = None
    model: str | None = None
    cost_type: str | None = None
    token_type: str | None = None
    service_tier: str | None = None
    project_id: str | None = None
    external_key_id: str | None = None
    external_user_id: str | None = None
    meta: dict[str, Any] | None = json_field("metadata")
    updated_at: datetime = time_field(now=True, on_update=True)
