"""What pages and the API show of alerts: frozen values, without the secrets that sign a webhook."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from guardian.amounts import Unit
from guardian.models.enums import (
    AlertFrequency,
    AlertState,
    AlertType,
    ComparisonType,
    DeliveryStatus,
    NoDataRule,
    NotificationChannel,
)
from guardian.services.guard.budgets.scopes import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """One group of an alert: `name` is its value for people ("" of an alert without groups), `value` what was last
    measured, in the alert's unit.
    """

    key: str
    name: str
    state: AlertState
    since: datetime
    value: Decimal | None
    fired_at: datetime | None
    notified_at: datetime | None
    snoozed_until: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """`sentence` is the rule in plain words, `tells` whom it tells, `owner` who made it. `groups` are those that are
    not ok, the worst first, at most MOST_GROUPS of `group_count`. `may_change` is about who asks.
    """

    id: str
    name: str
    type: AlertType
    metric: str
    unit: Unit
    threshold: Decimal
    comparison_type: ComparisonType
    frequency: AlertFrequency
    is_active: bool
    state: AlertState
    last_triggered: datetime | None
    notify_email: bool
    notify_slack: bool
    notify_webhook: bool
    webhook_url: str | None
    channel_ids: tuple[str, ...]
    scope: Scope
    group_by: str | None
    window: str
    min_requests: int
    recover_threshold: Decimal | None
    pending_minutes: int
    renotify_minutes: int | None
    no_data: NoDataRule
    snoozed_until: datetime | None
    metadata: Mapping[str, Any]
    sentence: str
    tells: tuple[str, ...]
    groups: tuple[GroupView, ...]
    group_count: int
    user_id: str
    owner: str
    may_change: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedAlert:
    """An alert as it is now. `secret` is the one that signs its webhook (whsec_…), told this one time."""

    alert: AlertView
    secret: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One attempt to deliver: `status` is the server's (0: none), `error` says why it failed, "" where it did not."""

    at: str
    status: int
    error: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationView:
    """One message to one recipient about one transition; `transition` is "<group>#<number>", or "test#<id>"."""

    id: str
    transition: str
    test: bool
    channel: NotificationChannel
    target: str
    recipient: str
    status: DeliveryStatus
    attempts: tuple[AttemptView, ...]
    not_before: datetime | None
    sent_at: datetime | None
    error: str | None
    sentence: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionView:
    """One change of one group, or one more telling; `person` made it, None where the check did. `number` 0: a test."""

    id: str
    group: str
    group_name: str
    number: int
    from_state: AlertState
    to_state: AlertState
    value: Decimal | None
    person: str | None
    sentence: str
    test: bool
    at: datetime
    notifications: tuple[NotificationView, ...]
