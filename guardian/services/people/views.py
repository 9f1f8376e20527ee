"""What the people wing gives out: frozen values, ready for a page or for JSON; never a secret, never a hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from guardian.models.enums import KeyStatus, Plan, Provider, TeamRole, UserRole

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list, newest first. `next_cursor` asks for the page after it, and is None on the last one."""

    items: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationView:
    """`time_zone` is the IANA zone in which the organization's days begin.

    Amounts are shown in `currency` (ISO 4217) beside the dollars that they are kept in.
    """

    id: str
    name: str
    plan: Plan
    time_zone: str
    billing_email: str | None
    created_at: datetime
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """`team_role` is the person's role in `organization`; `permissions` are resource:action pairs, sorted."""

    id: str
    email: str
    name: str | None
    company: str | None
    role: UserRole
    team_role: TeamRole
    created_at: datetime
    organization: OrganizationView
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A signed-in browser; `current` marks the one that asks.

    `method` is how it was signed in: password, or the name of a sign-in provider.
    """

    id: str
    user_agent: str | None
    ip_address: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool
    method: str = "password"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """An access token of ours; `hint` is its last four characters.

    What the gateway lets it call: `allowed_providers` and `allowed_models` (patterns; empty: all of them), and at most
    so many requests and tokens a minute (None: no limit of its own). Its calls are of `team`; None:
    of its owner's.
    """

    id: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    user_id: str
    budget_id: str | None
    team: str | None = None
    allowed_providers: tuple[Provider, ...] = ()
    allowed_models: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """One limit of a provider: `name` is its own word ("requests", "input-tokens"); None is what it did not say."""

    name: str
    limit: int | None = None
    remaining: int | None = None
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What the newest answer of a model to a key said. `refused`: it was a 429, which `retry_at` may say the end of."""

    model: str
    observed_at: datetime
    limits: tuple[RateLimit, ...] = ()
    refused: bool = False
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A provider's key in the vault, without the key: `hint` is its last four characters.

    `kind` is "admin" for a key that may read the provider's reports, "inference" for one that may not, None while
    unknown. `status_message` is the last word of the provider, in words that say what to do. `account_name` is the
    billing account's, where the provider tells it. `owner` is the name or e-mail of the person who stored it.
    `no_reporting` says what is not reported to this key, and where it comes from instead; empty where nothing is
    missing. `balance` is the credit that is left on the account, as of `balance_at`, where the provider tells it.
    `rate_limits` are by model, the newest observation first; empty while no answer through the gateway has told any.
    """

    id: str
    provider: Provider
    label: str | None
    hint: str
    is_active: bool
    status: KeyStatus
    status_message: str | None
    kind: str | None
    account_id: str | None
    account_name: str | None
    user_id: str
    owner: str
    created_at: datetime
    last_used: datetime | None
    last_validated: datetime | None
    no_reporting: str
    balance: Decimal | None
    balance_currency: str | None
    balance_at: datetime | None
    metadata: Mapping[str, Any]
    rate_limits: tuple[RateLimits, ...] = ()

    @property
    def external_key_id(self) -> str | None:
        """The provider's own id of the key, by which its reports name it; None where nobody told."""
        told: object = self.metadata.get("externalKeyId")
        return told if isinstance(told, str) else None

    @property
    def name(self) -> str:
        """What people call it: its label, else the provider and its last four characters."""
        return self.label or f"{self.provider.value} …{self.hint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLoss:
    """What a deleted key takes with it, and what stays in the ledger without its name.

    `usage_rows` and `cost` stay: those of calls made with it, and of an admin key its account's reports. `pulls` go,
    and with `last_of_account` nothing is pulled for that billing account any more.
    """

    key: KeyView
    usage_rows: int
    cost: Decimal
    pulls: int
    last_of_account: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityView:
    """One audited action; `actor` is the person's name or e-mail, None where nobody was signed in or a job acted.

    `impersonator` is who really acted, through that person's eyes. `before` and `after` are what the action changed of
    its thing, `also` what else it changed ({what, id, before, after}); `sequence` is the row's number in its chain.
    `name` is what the log last called its thing, in a list; None where it never did.
    """

    id: str
    sequence: int
    action: str
    actor: str | None
    impersonator: str | None
    user_id: str | None
    resource_type: str | None
    resource_id: str | None
    request_id: str | None
    ip_address: str | None
    metadata: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    also: tuple[Mapping[str, Any], ...]
    created_at: datetime
    name: str | None = None
