"""ExchangeRate: what a currency cost in dollars on a day, so that a displayed amount keeps the rate of its own day."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, Numeric, PrimaryKeyConstraint
from sqlmodel import Field

from guardian.models.base import Table, time_field


class ExchangeRate(Table, table=True):
    """One unit of US dollar in `currency` (ISO 4217) from `day` on, until the next day that has a rate.

    `source` says where the rate comes from, in words.
    """

    __tablename__ = "exchange_rates"
    __table_args__ = (PrimaryKeyConstraint("organization_id", "currency", "day"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    currency: str
    day: date = Field(sa_type=Date)
    per_dollar: Decimal = Field(sa_type=Numeric(20, 10))  # pyright: ignore[reportArgumentType, reportCallIssue]  # SQLModel types sa_type as a class only
    source: str
    created_by_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    created_at: datetime = time_field(now=True)
