"""PriceOverride: a price that an organization agreed with a provider, with its dates. Appended, never edited."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Numeric
from sqlmodel import Field

from guardian.models.base import Row, enum_field, json_field, time_field
from guardian.models.enums import Provider


class PriceOverride(Row, table=True):
    """Either `percent_of_list` (100 is the list price) or `prices` in dollars per million units, by unit name."""

    __tablename__ = "price_overrides"
    __table_args__ = (Index("ix_price_overrides_organization_id_provider", "organization_id", "provider"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    provider: Provider = enum_field(Provider, "provider")
    model_pattern: str
    percent_of_list: Decimal | None = Field(default=None, sa_type=Numeric(9, 4))  # pyright: ignore[reportArgumentType, reportCallIssue]  # SQLModel types sa_type as a class only
    prices: dict[str, Any] | None = json_field()
    valid_from: datetime = time_field()
    valid_to: datetime | None = time_field(nullable=True)
    note: str | None = None
    created_by_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
