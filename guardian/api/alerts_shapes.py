"""What travels to and from /alerts."""

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, StrictInt

from guardian.api.answers.envelope import Body, Line, Money, Out, Time
from guardian.api.answers.lists import ListQuery
from guardian.models.enums import (
    AlertFrequency,
    AlertState,
    AlertType,
    ComparisonType,
    DeliveryStatus,
    NoDataRule,
    NotificationChannel,
)
from guardian.services.guard.alerts import AlertView, NewAlert, SavedAlert
from guardian.services.guard.alerts.metrics import WindowName
from guardian.services.guard.alerts.rules import CLEARABLE
from guardian.services.guard.budgets import Scope
from guardian.services.guard.budgets.scopes import ScopeType


class AlertScopeBody(Body):
    """What it looks at. `value`: none for organization; a team's name; a provider; the id of a user, key or token; a
    model's name or pattern; a tag as name=value.
    """

    type: ScopeType
    value: Line | None = None


class AlertChange(Body):
    """What is left out stays; `groupBy`, `recoverThreshold`, `renotifyMinutes` and `webhookUrl` become none with null.

    `metric` by `type`: COST_THRESHOLD cost, unpriced, drift; USAGE_SPIKE requests, tokens, cost, new_models, new_keys;
    RATE_LIMIT used, refusals; ERROR_RATE errors, sync_failures; BUDGET_EXCEEDED spent, forecast. The first is the
    default. `threshold` is in dollars, percent or a count, as the metric is. `groupBy` gives each value a state of its
    own: provider, model, user, team, key, project, token or tag:<name>. `metadata.budgetId` names the one budget that
    BUDGET_EXCEEDED speaks of, `metadata.emails` people of the organization who are told by e-mail beside its maker.
    """

    name: Line | None = None
    type: AlertType | None = None
    metric: Line | None = Field(default=None, examples=["cost"])
    threshold: Decimal | None = Field(default=None, examples=["250"])
    comparison_type: ComparisonType | None = None
    frequency: AlertFrequency | None = None
    is_active: bool | None = None
    notify_email: bool | None = None
    notify_slack: bool | None = None
    notify_webhook: bool | None = None
    webhook_url: str | None = Field(default=None, max_length=500, examples=["https://hooks.example.com/guardian"])
    channel_ids: list[Line] | None = Field(default=None, max_length=20)
    scope: AlertScopeBody | None = None
    group_by: Line | None = Field(default=None, examples=["model"])
    window: WindowName | None = None
    min_requests: StrictInt | None = None
    recover_threshold: Decimal | None = None
    pending_minutes: StrictInt | None = None
    renotify_minutes: StrictInt | None = Field(default=None, examples=[240])
    no_data: NoDataRule | None = None
    metadata: dict[str, Any] | None = Field(default=None, max_length=20, examples=[{"emails": ["grace@example.com"]}])

    def wanted(self) -> NewAlert:
        fields: dict[str, Any] = {name: getattr(self, name) for name in AlertChange.model_fields if name != "scope"}
        scope = Scope(self.scope.type, self.scope.value) if self.scope else None
        cleared = frozenset(each for each in CLEARABLE & self.model_fields_set if getattr(self, each) is None)
        return NewAlert(**fields, scope=scope, cleared=cleared)


class NewAlertBody(AlertChange):
    """Of the whole organization, looked at as usage arrives, and told to its maker by e-mail unless said otherwise.

    `threshold` is needed, but for BUDGET_EXCEEDED, where budgets have their own.
    """

    name: Line  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]  # the same field, needed here
    type: AlertType  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]  # as above


class AlertScopeOut(Out):
    type: ScopeType
    value: str | None


class GroupOut(Out):
    """One group that is not ok; `key` is what to acknowledge or snooze it by, `name` what people call it."""

    key: str
    name: str
    state: AlertState
    since: Time
    value: Money | None
    fired_at: Time | None
    notified_at: Time | None
    snoozed_until: Time | None
    acknowledged_by: str | None


class AlertQuery(ListQuery):
    """Alerts of one type or state, or those that are on."""

    sort: Literal["name", "-name", "threshold", "-threshold", "lastTriggered", "-lastTriggered"] | None = None
    type: AlertType | None = None
    state: AlertState | None = None
    is_active: bool | None = None


class AlertOut(Out):
    """`state` is the worst of its groups; `groups` are those that are not ok, at most 50 of `groupCount`. `sentence` is
    the alert in plain words, `tells` whom it tells. `unit` is what threshold and values are in.
    """

    id: str
    name: str
    type: AlertType
    metric: str
    unit: str
    threshold: Money
    comparison_type: ComparisonType
    frequency: AlertFrequency
    is_active: bool
    state: AlertState
    last_triggered: Time | None
    notify_email: bool
    notify_slack: bool
    notify_webhook: bool
    webhook_url: str | None
    channel_ids: list[str]
    scope: AlertScopeOut
    group_by: str | None
    window: str
    min_requests: int
    recover_threshold: Money | None
    pending_minutes: int
    renotify_minutes: int | None
    no_data: NoDataRule
    snoozed_until: Time | None
    metadata: dict[str, Any]
    sentence: str
    tells: list[str]
    groups: list[GroupOut]
    group_count: int
    user_id: str
    created_at: Time
    updated_at: Time


class SavedAlertOut(AlertOut):
    """`webhookSecret` signs the alert's webhook (Standard Webhooks); it is told this one time, and null otherwise."""

    webhook_secret: str | None = Field(default=None, examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])

    @classmethod
    def of(cls, saved: SavedAlert) -> "SavedAlertOut":
        return cls(**_fields(saved.alert), webhook_secret=saved.secret)


class AttemptOut(Out):
    """`status` is the server's answer, 0 where there was none; `seconds` how long it took."""

    at: str
    status: int
    error: str
    seconds: float


class NotificationOut(Out):
    """One message to one recipient. `transition` is "<group>#<number>", or "test#<id>" of a test."""

    id: str
    transition: str
    test: bool
    channel: NotificationChannel
    target: str
    recipient: str
    status: DeliveryStatus
    attempts: list[AttemptOut]
    not_before: Time | None
    sent_at: Time | None
    error: str | None
    sentence: str
    created_at: Time


class TransitionOut(Out):
    """One change of one group's state, or one more telling; `person` made it, null where the check did."""

    id: str
    group: str
    group_name: str
    number: int
    from_state: AlertState
    to_state: AlertState
    value: Money | None
    person: str | None
    sentence: str
    test: bool
    at: Time
    notifications: list[NotificationOut]


class PreviewBody(AlertChange):
    """An alert that is thought of; its name may be left out."""

    type: AlertType  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]  # as above


class FiringOut(Out):
    """One time that it would have fired; `end` is null where it still would."""

    group: str
    group_name: str
    start: Time
    end: Time | None
    value: Money | None
    sentence: str


class PreviewOut(Out):
    """`rule` is the alert in plain words, `sentence` what it would have done from `start` to `end`. Where `possible` is
    false it cannot be told, and `sentence` says why. `firings` are the latest 50 of `count`, newest first; `told` is
    how many messages each recipient would have had.
    """

    rule: str
    sentence: str
    possible: bool
    start: Time
    end: Time
    count: int
    told: int
    peak: Money | None
    firings: list[FiringOut]


def alert_json(view: AlertView) -> AlertOut:
    return AlertOut(**_fields(view))


def _fields(view: AlertView) -> dict[str, Any]:
    fields = {name: getattr(view, name) for name in AlertOut.model_fields if name not in ("scope", "groups")}
    groups = [GroupOut.model_validate(each) for each in view.groups]
    return {**fields, "scope": AlertScopeOut.model_validate(view.scope), "groups": groups}
