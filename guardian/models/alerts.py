"""Alert and AlertNotification: a rule, and one row for each time it changed its state."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Index, Numeric, UniqueConstraint
from sqlmodel import Field, Relationship

from guardian.models.base import Row, enum_field, flag_field, json_field, relation, time_field
from guardian.models.enums import (
    AlertFrequency,
    AlertState,
    AlertType,
    ComparisonType,
    DeliveryStatus,
    NotificationChannel,
)

if TYPE_CHECKING:
    from guardian.models.people import User


class Alert(Row, table=True):
    """A rule about spend, usage or errors, and the state it is in."""

    __tablename__ = "alerts"
    __table_args__ = (Index("ix_alerts_user_id_is_active", "user_id", "is_active"),)

    name: str
    type: AlertType = enum_field(AlertType, "alert_type")
    threshold: Decimal = Field(sa_type=Numeric(10, 2))  # pyright: ignore[reportArgumentType, reportCallIssue]  # SQLModel types sa_type as a class only
    comparison_type: ComparisonType = enum_field(ComparisonType, "comparison_type")
    frequency: AlertFrequency = enum_field(AlertFrequency, "alert_frequency")
    is_active: bool = flag_field(True)
    last_triggered: datetime | None = time_field(nullable=True)
    notify_email: bool = flag_field(True)
    notify_slack: bool = flag_field(False)
    notify_webhook: bool = flag_field(False)
    webhook_url: str | None = None
    state: AlertState = enum_field(AlertState, "alert_state", AlertState.OK)
    meta: dict[str, Any] | None = json_field("metadata")
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE")
    organization_id: str | None = Field(default=None, foreign_key="organizations.id", ondelete="CASCADE", index=True)

    user: "User" = Relationship(back_populates="alerts", sa_relationship_kwargs=relation())
    notifications: list["AlertNotification"] = Relationship(sa_relationship_kwargs=relation(passive_deletes="all"))


class AlertNotification(Row, table=True):
    """One message about one transition: the unique constraint is what makes an alert speak once."""

    __tablename__ = "alert_notifications"
    __table_args__ = (UniqueConstraint("alert_id", "transition", "channel"),)

    alert_id: str = Field(foreign_key="alerts.id", ondelete="CASCADE")
    transition: str
    channel: NotificationChannel = enum_field(NotificationChannel, "notification_channel")
    status: DeliveryStatus = enum_field(DeliveryStatus, "delivery_status", DeliveryStatus.PENDING)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    lease_until: datetime | None = time_field(nullable=True)
    sent_at: datetime | None = time_field(nullable=True)
    error: str | None = None
    payload: dict[str, Any] | None = json_field()
