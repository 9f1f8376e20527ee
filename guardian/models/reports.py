"""Report: a document made of the ledger for a period, kept so that it can be read again."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field

from guardian.models.base import Row, enum_field, json_field, time_field
from guardian.models.enums import ReportStatus


class Report(Row, table=True):
    """`parameters` are the filters it was made with, `content` the figures it shows. `kind` is weekly, monthly or
    custom; of one recurring kind, period and scope ("" is the whole organization, else a team) there is one.
    """

    __tablename__ = "reports"
    __table_args__ = (
        Index("ix_reports_organization_id_created_at", "organization_id", "created_at"),
        Index(
            "uq_reports_recurring",
            "organization_id",
            "kind",
            "scope",
            "period_start",
            unique=True,
            postgresql_where=text("kind <> 'custom'"),
        ),
    )

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    user_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    title: str
    kind: str = Field(default="custom", sa_column_kwargs={"server_default": "custom"})
    scope: str = Field(default="", sa_column_kwargs={"server_default": ""})
    status: ReportStatus = enum_field(ReportStatus, "report_status", ReportStatus.QUEUED)
    period_start: datetime = time_field()
    period_end: datetime = time_field()
    parameters: dict[str, Any] | None = json_field()
    content: dict[str, Any] | None = json_field()
    error: str | None = None
