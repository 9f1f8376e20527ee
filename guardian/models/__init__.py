"""Tables only: columns, constraints, enums. No queries. Importing this package knows every table."""

from guardian.models.activity import ActivityHead, ActivityLog, EmailLog
from guardian.models.alerts import Alert, AlertGroup, AlertNotification, AlertTransition, NotificationTarget
from guardian.models.billing import Invoice, StripeEvent, Subscription
from guardian.models.budgets import Budget
from guardian.models.cells import UsageChange, UsageDay
from guardian.models.closing import ClosedMonth
from guardian.models.costs import ProviderCost
from guardian.models.currencies import ExchangeRate
from guardian.models.events import KnownEvent
from guardian.models.idempotency import IdempotentRequest
from guardian.models.imports import ImportRun
from guardian.models.keys import ApiKey, ProviderAccount, ProviderResource
from guardian.models.people import (
    AccessToken,
    Account,
    Invitation,
    Organization,
    PasswordReset,
    SecondFactor,
    Session,
    Team,
    TeamMember,
    User,
)
from guardian.models.prices import PriceOverride
from guardian.models.reports import Report
from guardian.models.repricing import RepriceChange, RepriceRun
from guardian.models.saved import SavedView
from guardian.models.shared import SharedText
from guardian.models.sync import SyncRun
from guardian.models.usage import UsageLog, UsageRollup

__all__ = [
    "AccessToken",
    "Account",
    "ActivityHead",
    "ActivityLog",
    "Alert",
    "AlertGroup",
    "AlertNotification",
    "AlertTransition",
    "ApiKey",
    "Budget",
    "ClosedMonth",
    "EmailLog",
    "ExchangeRate",
    "IdempotentRequest",
    "ImportRun",
    "Invitation",
    "Invoice",
    "KnownEvent",
    "NotificationTarget",
    "Organization",
    "PasswordReset",
    "PriceOverride",
    "ProviderAccount",
    "ProviderCost",
    "ProviderResource",
    "Report",
    "RepriceChange",
    "RepriceRun",
    "SavedView",
    "SecondFactor",
    "Session",
    "SharedText",
    "StripeEvent",
    "Subscription",
    "SyncRun",
    "Team",
    "TeamMember",
    "UsageChange",
    "UsageDay",
    "UsageLog",
    "UsageRollup",
    "User",
]
