"""Alerts: the rules that people make, in words, with whom they tell and what came of it."""

from guardian.services.guard.alerts.history import history, list_notifications
from guardian.services.guard.alerts.metrics import GROUPS, METRICS, WINDOWS, Metric, holds, metric_of
from guardian.services.guard.alerts.quieting import acknowledge, snooze
from guardian.services.guard.alerts.reading import firing_count, get_alert, list_alerts
from guardian.services.guard.alerts.recipients import Recipient, recipients_of, recipients_of_each
from guardian.services.guard.alerts.rule import Rule, rule_of, rules_of
from guardian.services.guard.alerts.rules import (
    NewAlert,
    create_alert,
    delete_alert,
    drafted,
    rotate_secret,
    update_alert,
)
from guardian.services.guard.alerts.testing import test_alert
from guardian.services.guard.alerts.views import AlertView, GroupView, NotificationView, SavedAlert, TransitionView
from guardian.services.guard.alerts.wording import happened, sentence_of

__all__ = [
    "GROUPS",
    "METRICS",
    "WINDOWS",
    "AlertView",
    "GroupView",
    "Metric",
    "NewAlert",
    "NotificationView",
    "Recipient",
    "Rule",
    "SavedAlert",
    "TransitionView",
    "acknowledge",
    "create_alert",
    "delete_alert",
    "drafted",
    "firing_count",
    "get_alert",
    "happened",
    "history",
    "holds",
    "list_alerts",
    "list_notifications",
    "metric_of",
    "recipients_of",
    "recipients_of_each",
    "rotate_secret",
    "rule_of",
    "rules_of",
    "sentence_of",
    "snooze",
    "test_alert",
    "update_alert",
]
