"""Report: a document made of the ledger for a period, kept so that it can be read again."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from guardian.models.base import Row, enum_field, json_field, time_field
from guardian.models.enums import ReportStatus


class Report(Row, table=True):
    """`parameters` are the filters it was made with, `content` the figures it shows."""

    __tablename__ = "reports"
    __table_args__ = (Index("ix_reports_organization_id_created_at", "organization_id", "created_at"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    user_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    title: str
    status: ReportStatus = enum_field(ReportStatus, "report_status", ReportStatus.QUEUED)
    period_start: datetime = time_field()
    period_end: datetime = time_field()
    parameters: dict[str, Any] | None = json_field()
    content: dict[str, Any] | None = json_field()
    error: str | None = None
