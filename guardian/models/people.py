"""People and their organizations: who they are, how they sign in, and what lets them in."""

from datetime import datetime
from typing import Any, Optional

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field, Relationship

from guardian.models.activity import ActivityLog
from guardian.models.alerts import Alert
from guardian.models.base import (
    Row,
    Table,
    count_field,
    enum_field,
    json_field,
    json_list_field,
    new_id,
    relation,
    time_field,
)
from guardian.models.billing import Invoice, Subscription
from guardian.models.budgets import Budget
from guardian.models.enums import Plan, TeamRole, UserRole
from guardian.models.keys import ApiKey
from guardian.models.usage import UsageLog


class User(Row, table=True):
    """A person. `password_hash` is argon2id; None for people who only sign in elsewhere."""

    __tablename__ = "users"

    email: str = Field(unique=True)
    name: str | None = None
    image: str | None = None
    email_verified: datetime | None = time_field(nullable=True)
    company: str | None = None
    role: UserRole = enum_field(UserRole, "user_role", UserRole.USER)
    onboarding_status: dict[str, Any] | None = json_field()
    settings: dict[str, Any] | None = json_field()
    password_hash: str | None = None
    organization_id: str | None = Field(default=None, foreign_key="organizations.id", ondelete="SET NULL", index=True)

    accounts: list["Account"] = Relationship(sa_relationship_kwargs=relation(passive_deletes="all"))
    # By hand: a session of impersonation has two people.
    sessions: list["Session"] = Relationship(
        sa_relationship_kwargs=relation(passive_deletes="all", foreign_keys="Session.user_id")
    )
    organization: Optional["Organization"] = Relationship(back_populates="users", sa_relationship_kwargs=relation())
    api_keys: list[ApiKey] = Relationship(back_populates="user", sa_relationship_kwargs=relation(passive_deletes="all"))
    usage_logs: list[UsageLog] = Relationship(
        back_populates="user", sa_relationship_kwargs=relation(passive_deletes="all")
    )
    alerts: list[Alert] = Relationship(back_populates="user", sa_relationship_kwargs=relation(passive_deletes="all"))
    team_members: list["TeamMember"] = Relationship(sa_relationship_kwargs=relation(passive_deletes="all"))
    activities: list[ActivityLog] = Relationship(sa_relationship_kwargs=relation(passive_deletes="all"))
    subscriptions: list[Subscription] = Relationship(sa_relationship_kwargs=relation(passive_deletes="all"))


class Account(Row, table=True):
    """A person's identity at a sign-in provider (Google, GitHub, OIDC)."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("provider", "provider_account_id"),)

    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    type: str = Field(default="oauth", sa_column_kwargs={"server_default": "oauth"})
    provider: str
    provider_account_id: str
    email: str | None = None
    scope: str | None = None
    last_used_at: datetime | None = time_field(nullable=True)


class Session(Table, table=True):
    """A signed-in browser. Only the SHA-256 of the cookie's token is kept.

    `method` is how the person proved who they are (password, or the name of a sign-in provider). In a session of
    impersonation `impersonator_id` is who really acts, and `impersonation_reason` what they gave as the reason.
    """

    __tablename__ = "sessions"

    id: str = Field(default_factory=new_id, primary_key=True)
    token_hash: str = Field(unique=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    user_agent: str | None = None
    ip_address: str | None = None
    method: str = Field(default="password", sa_column_kwargs={"server_default": "password"})
    impersonator_id: str | None = Field(default=None, foreign_key="users.id", ondelete="CASCADE")
    impersonation_reason: str | None = None
    created_at: datetime = time_field(now=True)
    last_used_at: datetime = time_field(now=True)
    expires_at: datetime = time_field(index=True)
    revoked_at: datetime | None = time_field(nullable=True)


class PasswordReset(Table, table=True):
    """A mailed link that lets its reader choose a new password once; only the SHA-256 of its token is kept."""

    __tablename__ = "password_resets"

    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    token_hash: str = Field(unique=True)
    created_at: datetime = time_field(now=True)
    expires_at: datetime = time_field()
    used_at: datetime | None = time_field(nullable=True)


class SecondFactor(Table, table=True):
    """A person's TOTP secret, sealed as a key of the vault is, and the SHA-256 of their recovery codes that are left.

    It counts from `confirmed_at` on. `last_step` is the time step of the last code that was taken: none is taken twice.
    """

    __tablename__ = "second_factors"

    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    encrypted_secret: str
    iv: str
    tag: str
    encryption_key_id: str | None = None
    recovery_hashes: list[str] = json_list_field()
    last_step: int | None = count_field(None)
    created_at: datetime = time_field(now=True)
    confirmed_at: datetime | None = time_field(nullable=True)


class Organization(Row, table=True):
    """A customer: everything that people own belongs to exactly one. `settings.timeZone` is its IANA zone.

    While `disabled_at` is set nobody works in it, and no token of its works; `disabled_reason` was given with it.
    """

    __tablename__ = "organizations"

    name: str
    domain: str | None = Field(default=None, unique=True)
    plan: Plan = enum_field(Plan, "plan", Plan.FREE)
    billing_email: str | None = None
    stripe_customer_id: str | None = Field(default=None, unique=True)
    settings: dict[str, Any] | None = json_field()
    meta: dict[str, Any] | None = json_field("metadata")
    disabled_at: datetime | None = time_field(nullable=True)
    disabled_reason: str | None = None

    users: list[User] = Relationship(
        back_populates="organization", sa_relationship_kwargs=relation(passive_deletes="all")
    )
    api_keys: list[ApiKey] = Relationship(
        back_populates="organization", sa_relationship_kwargs=relation(passive_deletes="all")
    )
    usage_logs: list[UsageLog] = Relationship(
        back_populates="organization", sa_relationship_kwargs=relation(passive_deletes="all")
    )
    invoices: list[Invoice] = Relationship(sa_relationship_kwargs=relation(passive_deletes="all"))
    subscriptions: list[Subscription] = Relationship(sa_relationship_kwargs=relation(passive_deletes="all"))
    team_members: list["TeamMember"] = Relationship(sa_relationship_kwargs=relation(passive_deletes="all"))
    budgets: list[Budget] = Relationship(sa_relationship_kwargs=relation(passive_deletes="all"))

    @property
    def time_zone(self) -> str:
        """The IANA zone in which its days begin."""
        stored: object = (self.settings or {}).get("timeZone")
        return stored if isinstance(stored, str) and stored else "UTC"


class Team(Row, table=True):
    """A part of an organization, known by its name: members and tokens name it, and so do budgets and tags.

    `default_tags` are put on the calls of its members and tokens where the call does not say otherwise. Under its
    `former_names`, the last one last, is in the ledger what was told before it was renamed.
    """

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    name: str
    former_names: list[str] = json_list_field()
    default_tags: dict[str, Any] | None = json_field()


def _of_team() -> ForeignKeyConstraint:
    """A column `team` that names a team of the row's organization, follows its new name, and is emptied with it."""
    return ForeignKeyConstraint(
        ["organization_id", "team"],
        ["teams.organization_id", "teams.name"],
        onupdate="CASCADE",
        ondelete="SET NULL (team)",
    )


class TeamMember(Row, table=True):
    """A person's place in an organization: their role, and the team that they work in, if any."""

    __tablename__ = "team_members"
    __table_args__ = (UniqueConstraint("organization_id", "user_id"), _of_team())

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    role: TeamRole = enum_field(TeamRole, "team_role", TeamRole.MEMBER)
    team: str | None = None


class Invitation(Row, table=True):
    """A person asked to join; only the SHA-256 of the link's token is kept. `sent_at` is of the last mail."""

    __tablename__ = "invitations"
    __table_args__ = (Index("ix_invitations_organization_id_email", "organization_id", "email"), _of_team())

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    invited_by_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    email: str
    role: TeamRole = enum_field(TeamRole, "team_role", TeamRole.MEMBER)
    team: str | None = None
    token_hash: str = Field(unique=True)
    sent_at: datetime = time_field(now=True)
    expires_at: datetime = time_field()
    accepted_at: datetime | None = time_field(nullable=True)
    revoked_at: datetime | None = time_field(nullable=True)


class AccessToken(Row, table=True):
    """A key of ours (gdn_…) for REST, gateway and ingest; only its SHA-256 is kept, and its last four characters.

    What the gateway lets it call: `allowed_providers` and `allowed_models` (empty: all of them), and at most so many
    requests and tokens a minute (None: no limit of its own). `team` is whose calls these are; None: its owner's team.
    """

    __tablename__ = "access_tokens"
    __table_args__ = (_of_team(),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE", index=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    team: str | None = None
    name: str
    token_hash: str = Field(unique=True)
    hint: str
    scopes: list[str] = json_list_field()
    allowed_providers: list[str] = json_list_field()
    allowed_models: list[str] = json_list_field()
    requests_per_minute: int | None = count_field(None)
    tokens_per_minute: int | None = count_field(None)
    budget_id: str | None = Field(default=None, foreign_key="budgets.id", ondelete="SET NULL")
    expires_at: datetime | None = time_field(nullable=True)
    last_used_at: datetime | None = time_field(nullable=True)
    revoked_at: datetime | None = time_field(nullable=True)
