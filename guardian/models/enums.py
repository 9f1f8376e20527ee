"""Every enumeration of the schema. The guide's five come first; their values are its words."""

from collections.abc import Mapping
from enum import StrEnum


class Provider(StrEnum):
    OPENAI = "OPENAI"
    ANTHROPIC = "ANTHROPIC"
    GOOGLE = "GOOGLE"
    XAI = "XAI"
    PERPLEXITY = "PERPLEXITY"
    CUSTOM = "CUSTOM"


# How each writes its own name.
PROVIDER_NAMES: Mapping[str, str] = {
    Provider.OPENAI: "OpenAI",
    Provider.ANTHROPIC: "Anthropic",
    Provider.GOOGLE: "Google",
    Provider.XAI: "xAI",
    Provider.PERPLEXITY: "Perplexity",
    Provider.CUSTOM: "Custom",
}


class UserRole(StrEnum):
    USER = "USER"
    ADMIN = "ADMIN"
    SUPER_ADMIN = "SUPER_ADMIN"


class Plan(StrEnum):
    FREE = "FREE"
    STARTER = "STARTER"
    GROWTH = "GROWTH"
    SCALE = "SCALE"
    ENTERPRISE = "ENTERPRISE"


class AlertType(StrEnum):
    """The guide's five families of rules; `Alert.metric` says what is measured within one."""

    COST_THRESHOLD = "COST_THRESHOLD"
    USAGE_SPIKE = "USAGE_SPIKE"
    RATE_LIMIT = "RATE_LIMIT"
    ERROR_RATE = "ERROR_RATE"
    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"


class ComparisonType(StrEnum):
    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_OR_EQUAL = "GREATER_THAN_OR_EQUAL"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_OR_EQUAL = "LESS_THAN_OR_EQUAL"
    PERCENT_CHANGE = "PERCENT_CHANGE"


class AlertFrequency(StrEnum):
    IMMEDIATE = "IMMEDIATE"
    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


class AlertState(StrEnum):
    """`pending` holds, but not for long enough yet; `recovered` is ok again after having been told of."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RECOVERED = "recovered"
    NO_DATA = "no_data"


class NoDataRule(StrEnum):
    """What becomes of an alert whose metric has no data: it keeps its state, is ok, or tells people so."""

    KEEP = "keep"
    OK = "ok"
    NOTIFY = "notify"


class NotificationChannel(StrEnum):
    EMAIL = "EMAIL"
    SLACK = "SLACK"
    WEBHOOK = "WEBHOOK"
    DISCORD = "DISCORD"
    TEAMS = "TEAMS"
    PAGERDUTY = "PAGERDUTY"


class DeliveryStatus(StrEnum):
    """A delivery is claimed (SENDING, under a lease) before it is made, so that a crash cannot lose it."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"


class BudgetKind(StrEnum):
    SOFT = "SOFT"
    HARD = "HARD"


class BudgetPeriod(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    YEARLY = "YEARLY"


class TeamRole(StrEnum):
    """A person's role in an organization; what each may do is the table of guardian.services.permissions."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"
    VIEWER = "VIEWER"
    BILLING = "BILLING"


class SubscriptionStatus(StrEnum):
    TRIALING = "TRIALING"
    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"
    CANCELED = "CANCELED"
    INCOMPLETE = "INCOMPLETE"


class InvoiceStatus(StrEnum):
    DRAFT = "DRAFT"
    OPEN = "OPEN"
    PAID = "PAID"
    VOID = "VOID"
    UNCOLLECTIBLE = "UNCOLLECTIBLE"


class UsageOrigin(StrEnum):
    """Where a usage row came from. `sync` rows are the reported book, all others the tracked book."""

    GATEWAY = "gateway"
    INGEST = "ingest"
    IMPORT = "import"
    SYNC = "sync"


class CostSource(StrEnum):
    """Whose word a row's cost is. An unpriced row has no cost at all: unknown is never zero."""

    PROVIDER = "provider"
    COMPUTED = "computed"
    ESTIMATED = "estimated"
    UNPRICED = "unpriced"


class KeyStatus(StrEnum):
    """What the last contact with the provider said of a key of the vault."""

    UNTESTED = "untested"
    ACTIVE = "active"
    REJECTED = "rejected"
    WRONG_KIND = "wrong_kind"
    FORBIDDEN = "forbidden"
    EXHAUSTED = "exhausted"
    FAILING = "failing"


class SyncStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class SyncTrigger(StrEnum):
    BACKFILL = "backfill"
    SCHEDULE = "schedule"
    DEMAND = "demand"


class RepriceStatus(StrEnum):
    """A dry run ends as FINISHED; what was applied can be undone."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    APPLIED = "applied"
    UNDONE = "undone"
    FAILED = "failed"


class ImportStatus(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class ResourceKind(StrEnum):
    """What a provider calls by an id and a person by a name."""

    PROJECT = "project"
    API_KEY = "api_key"
    USER = "user"
    SERVICE_ACCOUNT = "service_account"


class ReportStatus(StrEnum):
    QUEUED = "QUEUED"
    READY = "READY"
    FAILED = "FAILED"
