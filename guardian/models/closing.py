"""ClosedMonth: the figures of a month as they stood when it was closed; what comes later is an adjustment to them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, PrimaryKeyConstraint
from sqlmodel import Field

from guardian.models.base import Table, json_list_field, money_field, time_field


class ClosedMonth(Table, table=True):
    """One calendar month (UTC, as providers bill) of an organization. `month` is its first day.

    `lines` hold the three books per provider, account, model and token kind; a figure that no book had is null.
    Lines with `imported` are what of the tracked book came out of files, per provider and model.
    """

    __tablename__ = "closed_months"
    __table_args__ = (PrimaryKeyConstraint("organization_id", "month"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    month: date = Field(sa_type=Date)
    closed_at: datetime = time_field(now=True)
    closed_by_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    spend: Decimal = money_field()
    tracked: Decimal | None = money_field(nullable=True)
    reported: Decimal | None = money_field(nullable=True)
    billed: Decimal | None = money_field(nullable=True)
    lines: list[Any] | None = json_list_field()
    note: str | None = None
