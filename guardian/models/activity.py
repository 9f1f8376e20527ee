"""What was done and what was sent: ActivityLog (chained by hash) and EmailLog."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
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
        Index("ix_activity_logs_chain_action", "chain", "action", "sequence"),
        Index("ix_activity_logs_chain_resource_id", "chain", "resource_id", "sequence"),
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


class ActivityHead(Table, table=True):
    """The last row of a chain, sealed: `mac` is made with the encryption key `key_id`, which is not in the database.

    `key_id` is None for a chain that ended before there were seals; its next row is sealed.
    """

    __tablename__ = "activity_heads"

    chain: str = Field(primary_key=True)
    sequence: int = count_field()
    hash: str
    mac: str = Field(default="", sa_column_kwargs={"server_default": ""})
    key_id: str | None = None


class EmailLog(Table, table=True):
    """One mail: waiting, on its way, sent, or given up. A sender claims it for a while (SENDING until `lease_until`).

    `payload` holds the text and the HTML until the mail is sent or given up, then nothing: it may carry a link that
    signs somebody in. `not_before` is when a mail that could not be delivered is tried again.
    `kind` is what the mail is about.
    """

    __tablename__ = "email_logs"
    __table_args__ = (
        Index(
            "ix_email_logs_waiting",
            "created_at",
            postgresql_where=text("status IN ('PENDING', 'SENDING')"),
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str | None = Field(default=None, foreign_key="organizations.id", ondelete="SET NULL", index=True)
    kind: str = Field(default="", sa_column_kwargs={"server_default": ""})
    to: str
    subject: str
    status: DeliveryStatus = enum_field(DeliveryStatus, "delivery_status", DeliveryStatus.PENDING)
    message_id: str | None = None
    error: str | None = None
    payload: dict[str, Any] | None = json_field()
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    not_before: datetime | None = time_field(nullable=True)
    lease_until: datetime | None = time_field(nullable=True)
    created_at: datetime = time_field(now=True)
    sent_at: datetime | None = time_field(nullable=True)
