"""Alerts: the rule, the state of each of its groups, every change of it, whom it tells, and each message about it."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Index, Numeric, UniqueConstraint, text
from sqlmodel import Field, Relationship

from guardian.models.base import (
    Row,
    count_field,
    enum_field,
    flag_field,
    json_field,
    json_list_field,
    money_field,
    relation,
    time_field,
)
from guardian.models.enums import (
    AlertFrequency,
    AlertState,
    AlertType,
    ComparisonType,
    DeliveryStatus,
    NoDataRule,
    NotificationChannel,
)

if TYPE_CHECKING:
    from guardian.models.people import User


_SHORT = Numeric(10, 2)


class Alert(Row, table=True):
    """A rule, and the worst state that one of its groups is in.

    `metric` is what of its type is measured (of BUDGET_EXCEEDED what is spent or what is forecast; of USAGE_SPIKE
    requests, tokens, cost, or models seen for the first time), `scope` what it looks at (as a budget's does),
    `group_by` a dimension of which each value has a state of its own, `window` the time that it looks back over. Under
    `min_requests` calls in it, it does not speak. It fires once its condition held for `pending_minutes`, recovers past
    `recover_threshold`, and tells people again every `renotify_minutes`. `channel_ids` are NotificationTargets;
    `webhook_secrets` are those that sign what goes to `webhook_url`, encrypted ({key, iv, tag, until}), newest first.
    """

    __tablename__ = "alerts"
    __table_args__ = (Index("ix_alerts_user_id_is_active", "user_id", "is_active"),)

    name: str
    type: AlertType = enum_field(AlertType, "alert_type")
    threshold: Decimal = Field(sa_type=_SHORT)  # pyright: ignore[reportArgumentType, reportCallIssue]  # SQLModel types sa_type as a class only
    comparison_type: ComparisonType = enum_field(ComparisonType, "comparison_type")
    frequency: AlertFrequency = enum_field(AlertFrequency, "alert_frequency")
    is_active: bool = flag_field(True)
    last_triggered: datetime | None = time_field(nullable=True)
    notify_email: bool = flag_field(True)
    notify_slack: bool = flag_field(False)
    notify_webhook: bool = flag_field(False)
    webhook_url: str | None = None
    state: AlertState = enum_field(AlertState, "alert_state", AlertState.OK)
    metric: str | None = None
    scope: dict[str, Any] | None = json_field()
    group_by: str | None = None
    window: str = Field(default="1d", sa_column_kwargs={"server_default": "1d"})
    min_requests: int = count_field()
    recover_threshold: Decimal | None = Field(default=None, sa_type=_SHORT)  # pyright: ignore[reportArgumentType, reportCallIssue]  # as above
    pending_minutes: int = count_field()
    renotify_minutes: int | None = count_field(None)
    no_data: NoDataRule = enum_field(NoDataRule, "no_data_rule", NoDataRule.KEEP)
    channel_ids: list[Any] | None = json_list_field()
    webhook_secrets: list[Any] | None = json_list_field()
    meta: dict[str, Any] | None = json_field("metadata")
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE")
    organization_id: str | None = Field(default=None, foreign_key="organizations.id", ondelete="CASCADE", index=True)

    user: "User" = Relationship(back_populates="alerts", sa_relationship_kwargs=relation())
    notifications: list["AlertNotification"] = Relationship(sa_relationship_kwargs=relation(passive_deletes="all"))


class AlertGroup(Row, table=True):
    """What one group of an alert is in; an alert without `group_by` has the one group "".

    `transitions` counts its changes of state, `since` is when the last one was. `notified_at` is when people were last
    told that it fires.
    """

    __tablename__ = "alert_groups"
    __table_args__ = (UniqueConstraint("alert_id", "group_key"),)

    alert_id: str = Field(foreign_key="alerts.id", ondelete="CASCADE")
    group_key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    state: AlertState = enum_field(AlertState, "alert_state", AlertState.OK)
    since: datetime = time_field(now=True)
    transitions: int = count_field()
    value: Decimal | None = money_field(nullable=True)
    fired_at: datetime | None = time_field(nullable=True)
    notified_at: datetime | None = time_field(nullable=True)
    snoozed_until: datetime | None = time_field(nullable=True)
    acknowledged_by_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    detail: dict[str, Any] | None = json_field()


class AlertTransition(Row, table=True):
    """One change of one group's state, or one more telling of it: `number` counts them, so that none is there twice.

    `notice` is what people are told of it, complete: a message is written of it alone.
    """

    __tablename__ = "alert_transitions"
    __table_args__ = (
        UniqueConstraint("alert_id", "group_key", "number"),
        Index("ix_alert_transitions_organization_id_created_at", "organization_id", "created_at"),
    )

    alert_id: str = Field(foreign_key="alerts.id", ondelete="CASCADE")
    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    group_key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    number: int = count_field()
    from_state: AlertState = enum_field(AlertState, "alert_state")
    to_state: AlertState = enum_field(AlertState, "alert_state")
    value: Decimal | None = money_field(nullable=True)
    user_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    notice: dict[str, Any] | None = json_field()


class NotificationTarget(Row, table=True):
    """Where an organization's messages go: an address, a chat's incoming webhook, a pager. Its settings hold secrets
    (addresses of webhooks let anybody write there) and are encrypted; `hint` is what may be shown of them.

    `disabled_reason` says why it was switched off by itself, as when its server answered 410 Gone.
    """

    __tablename__ = "notification_targets"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    kind: NotificationChannel = enum_field(NotificationChannel, "notification_channel")
    name: str
    encrypted_config: str
    iv: str
    tag: str
    hint: str = Field(default="", sa_column_kwargs={"server_default": ""})
    is_active: bool = flag_field(True)
    disabled_reason: str | None = None
    last_success_at: datetime | None = time_field(nullable=True)
    last_failure_at: datetime | None = time_field(nullable=True)
    last_error: str | None = None
    meta: dict[str, Any] | None = json_field("metadata")


class AlertNotification(Row, table=True):
    """One message to one target about one transition: the unique constraint is what makes an alert speak once.

    `transition` is "<group>#<number>" of an AlertTransition, or "test#<id>". `target` is a NotificationTarget's id, an
    e-mail address, or "" for the alert's own webhook. A sender claims it for a while (SENDING until `lease_until`);
    `attempts_made` lists every attempt ({at, status, error, seconds}), `tried_at` is when the last one began,
    `not_before` when the next one is due. Where many come at once, several go out as one message: `digest` is the id of
    the one that carries the others. A mail's fate is that of the EmailLog `email_id`. A message about a report that was
    made has a `report_id` and no alert.
    """

    __tablename__ = "alert_notifications"
    __table_args__ = (
        UniqueConstraint("alert_id", "transition", "channel", "target"),
        Index(
            "ix_alert_notifications_waiting",
            "created_at",
            postgresql_where=text("status IN ('PENDING', 'SENDING')"),
        ),
        Index("ix_alert_notifications_target_tried_at", "target", "tried_at"),
        Index("ix_alert_notifications_email_id", "email_id", postgresql_where=text("email_id IS NOT NULL")),
        Index(
            "uq_alert_notifications_report",
            "report_id",
            "target",
            unique=True,
            postgresql_where=text("report_id IS NOT NULL"),
        ),
    )

    alert_id: str | None = Field(default=None, foreign_key="alerts.id", ondelete="CASCADE")
    report_id: str | None = Field(default=None, foreign_key="reports.id", ondelete="CASCADE")
    organization_id: str | None = Field(default=None, foreign_key="organizations.id", ondelete="CASCADE", index=True)
    transition: str
    channel: NotificationChannel = enum_field(NotificationChannel, "notification_channel")
    target: str = Field(default="", sa_column_kwargs={"server_default": ""})
    status: DeliveryStatus = enum_field(DeliveryStatus, "delivery_status", DeliveryStatus.PENDING)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    attempts_made: list[Any] | None = json_list_field()
    lease_until: datetime | None = time_field(nullable=True)
    not_before: datetime | None = time_field(nullable=True)
    tried_at: datetime | None = time_field(nullable=True)
    sent_at: datetime | None = time_field(nullable=True)
    error: str | None = None
    digest: str | None = None
    email_id: str | None = None
    payload: dict[str, Any] | None = json_field()
