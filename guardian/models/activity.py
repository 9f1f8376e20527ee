"""What was done and what was sent: ActivityLog (chained by hash) and EmailLog."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from guardian.models.base import Table, count_field, enum_field, json_field, new_id, time_field
from guardian.models.enums import DeliveryStatus


class ActivityLog(Table, table=True):
    """One audited action. `hash` covers the row and `previous_hash`, the hash of the organization's row before it.

    `sequence` counts from 1 within a chain; rows without an organization (a failed sign-in) form the chain "".
    The user's id stays readable after the user is gone, so it is no foreign key that cascades.
    """

    __tablename__ = "activity_logs"
    __table_args__ = (
        Index("ix_activity_logs_organization_id_created_at", "organization_id", "created_at"),
        Index("uq_activity_logs_chain_sequence", "chain", "sequence", unique=True),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    chain: str
    sequence: int = count_field()
    user_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
    organization_id: str | None = Field(default=None, foreign_key="organizations.id", ondelete="SET NULL")
    action: str
    resource_type: str | None = None
    resource_id: str | None = None
    request_id: str | None = None
    ip_address: str | None = None
    meta: dict[str, Any] | None = json_field("metadata")
    previous_hash: str = Field(default="", sa_column_kwargs={"server_default": ""})
    hash: str
    created_at: datetime = time_field(now=True)


class EmailLog(Table, table=True):
    """One mail that was sent, or could not be."""

    __tablename__ = "email_logs"

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str | None = Field(default=None, foreign_key="organizations.id", ondelete="SET NULL", index=True)
    to: str
    subject: str
    status: DeliveryStatus = enum_field(DeliveryStatus, "delivery_status", DeliveryStatus.PENDING)
    message_id: str | None = None
    error: str | None = None
    created_at: datetime = time_field(now=True)
