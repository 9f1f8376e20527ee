"""The vault: ApiKey (a provider's key), and what a key shows of its account: ProviderAccount, ProviderResource."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Optional

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, Relationship

from guardian.models.base import (
    Row,
    Table,
    enum_field,
    flag_field,
    json_field,
    money_field,
    new_id,
    relation,
    time_field,
)
from guardian.models.enums import KeyStatus, Provider, ResourceKind

if TYPE_CHECKING:
    from guardian.models.people import Organization, User
    from guardian.models.usage import UsageLog


class ApiKey(Row, table=True):
    """A provider's key, sealed. `encryption_key_id` names the key of the ring that sealed it, `hint` its last four.

    `account_id` is the provider's billing account, once a test has told it; two keys of one account share a ledger.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("user_id", "provider", "label", postgresql_nulls_not_distinct=True),
        Index("ix_api_keys_provider_is_active", "provider", "is_active"),
    )

    provider: Provider = enum_field(Provider, "provider")
    encrypted_key: str
    iv: str
    tag: str
    encryption_key_id: str | None = None
    hint: str = Field(default="", sa_column_kwargs={"server_default": ""})
    label: str | None = None
    is_active: bool = flag_field(True)
    status: KeyStatus = enum_field(KeyStatus, "key_status", KeyStatus.UNTESTED)
    status_message: str | None = None
    account_id: str | None = None
    last_used: datetime | None = time_field(nullable=True)
    last_validated: datetime | None = time_field(nullable=True)
    meta: dict[str, Any] | None = json_field("metadata")
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE")
    organization_id: str | None = Field(default=None, foreign_key="organizations.id", ondelete="SET NULL", index=True)

    user: "User" = Relationship(back_populates="api_keys", sa_relationship_kwargs=relation())
    organization: Optional["Organization"] = Relationship(back_populates="api_keys", sa_relationship_kwargs=relation())
    usage_logs: list["UsageLog"] = Relationship(
        back_populates="api_key", sa_relationship_kwargs=relation(passive_deletes="all")
    )


class ProviderAccount(Row, table=True):
    """A billing account at a provider, and the span of it that the reported book covers without a gap.

    `balance` is the credit that is left, in `balance_currency`, where the provider tells it.
    """

    __tablename__ = "provider_accounts"
    __table_args__ = (UniqueConstraint("organization_id", "provider", "account_id"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    provider: Provider = enum_field(Provider, "provider")
    account_id: str
    name: str | None = None
    covered_from: datetime | None = time_field(nullable=True)
    covered_to: datetime | None = time_field(nullable=True)
    balance: Decimal | None = money_field(nullable=True)
    balance_currency: str | None = None
    balance_at: datetime | None = time_field(nullable=True)


class ProviderResource(Table, table=True):
    """The name of a provider's project, workspace, key or user, so that people read names and not ids."""

    __tablename__ = "provider_resources"
    __table_args__ = (UniqueConstraint("organization_id", "provider", "account_id", "kind", "external_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    provider: Provider = enum_field(Provider, "provider")
    account_id: str
    kind: ResourceKind = enum_field(ResourceKind, "resource_kind")
    external_id: str
    name: str
    parent_id: str | None = None
    updated_at: datetime = time_field(now=True, on_update=True)
