"""Re-pricing: RepriceRun (a dry run, perhaps applied, perhaps undone) and RepriceChange (what it did to one row)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, PrimaryKeyConstraint
from sqlmodel import Field

from guardian.models.base import Row, Table, count_field, enum_field, json_field, money_field, time_field
from guardian.models.enums import Provider, RepriceStatus


class RepriceRun(Row, table=True):
    """Usage rows of [period_start, period_end), perhaps of one provider and model pattern, priced anew.

    `price_version` is the catalog's version that it priced with. `cost_before` and `cost_after` are the sums over the
    rows that change, without what is unpriced, which `unpriced_before` and `unpriced_after` count. `summary` holds the
    differences by model.
    """

    __tablename__ = "reprice_runs"
    __table_args__ = (Index("ix_reprice_runs_organization_id_created_at", "organization_id", "created_at"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    requested_by_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    status: RepriceStatus = enum_field(RepriceStatus, "reprice_status", RepriceStatus.QUEUED)
    dry_run: bool = Field(default=True, sa_column_kwargs={"server_default": "true"})
    period_start: datetime = time_field()
    period_end: datetime = time_field()
    provider: Provider | None = enum_field(Provider, "provider", nullable=True)
    model_pattern: str | None = None
    price_version: str | None = None
    rows_read: int = count_field()
    rows_changed: int = count_field()
    cost_before: Decimal = money_field(default=Decimal(0))
    cost_after: Decimal = money_field(default=Decimal(0))
    unpriced_before: int = count_field()
    unpriced_after: int = count_field()
    summary: dict[str, Any] | None = json_field()
    error: str | None = None
    applied_at: datetime | None = time_field(nullable=True)
    undone_at: datetime | None = time_field(nullable=True)


class RepriceChange(Table, table=True):
    """The price columns of one usage row before and after a run, so that the run can be undone."""

    __tablename__ = "reprice_changes"
    __table_args__ = (PrimaryKeyConstraint("organization_id", "run_id", "usage_id"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    run_id: str = Field(foreign_key="reprice_runs.id", ondelete="CASCADE")
    usage_id: str
    timestamp: datetime = time_field()
    before: dict[str, Any] | None = json_field()
    after: dict[str, Any] | None = json_field()
