"""SyncRun: one pull of a key's reports: its window, its progress, its lease, and what it changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field

from guardian.models.base import Row, count_field, enum_field, json_field, time_field
from guardian.models.enums import SyncStatus, SyncTrigger


class SyncRun(Row, table=True):
    """One pull. At most one per key is queued or running (a partial unique index keeps it so).

    `lease_token` and `lease_until` say which worker may write: a worker whose lease was taken over writes nothing.
    `attempt` counts how often a worker took it up, `failures` how many times in a row that ended without a step done.
    `cursor` holds the steps that are done, so that a killed run goes on where it was. `steps_done / steps_total` is the
    progress. `error_code` and `error` are the last failure's, in words for the key's owner.
    """

    __tablename__ = "sync_runs"
    __table_args__ = (
        Index(
            "uq_sync_runs_api_key_id_unfinished",
            "api_key_id",
            unique=True,
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
        Index("ix_sync_runs_organization_id_created_at", "organization_id", "created_at"),
        Index("ix_sync_runs_status_lease_until", "status", "lease_until"),
    )

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    api_key_id: str = Field(foreign_key="api_keys.id", ondelete="CASCADE")
    requested_by_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    trigger: SyncTrigger = enum_field(SyncTrigger, "sync_trigger")
    status: SyncStatus = enum_field(SyncStatus, "sync_status", SyncStatus.QUEUED)
    window_start: datetime = time_field()
    window_end: datetime = time_field()
    attempt: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    failures: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    not_before: datetime | None = time_field(nullable=True)
    started_at: datetime | None = time_field(nullable=True)
    finished_at: datetime | None = time_field(nullable=True)
    lease_token: str | None = None
    lease_until: datetime | None = time_field(nullable=True)
    cursor: dict[str, Any] | None = json_field()
    steps_done: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    steps_total: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    rows_read: int = count_field()
    rows_added: int = count_field()
    rows_changed: int = count_field()
    rows_removed: int = count_field()
    error_code: str | None = None
    error: str | None = None
