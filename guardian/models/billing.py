"""Subscription and Invoice: what a customer pays for this product (not what it pays to AI providers)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Field

from guardian.models.base import (
    Row,
    Table,
    enum_field,
    flag_field,
    json_field,
    json_list_field,
    money_field,
    time_field,
)
from guardian.models.enums import InvoiceStatus, Plan, SubscriptionStatus


class Subscription(Row, table=True):
    """An organization's plan over a period of time, who took it out, and what it costs (`amount` of `currency`).

    `past_due_since` is when a payment first failed that is still owed; `read_at` is when Stripe was last asked.
    """

    __tablename__ = "subscriptions"

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE", index=True)
    user_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
    plan: Plan = enum_field(Plan, "plan", Plan.FREE)
    status: SubscriptionStatus = enum_field(SubscriptionStatus, "subscription_status", SubscriptionStatus.ACTIVE)
    stripe_subscription_id: str | None = Field(default=None, unique=True)
    current_period_start: datetime | None = time_field(nullable=True)
    current_period_end: datetime | None = time_field(nullable=True)
    cancel_at_period_end: bool = flag_field(False)
    currency: str | None = None
    amount: Decimal | None = money_field(nullable=True)
    past_due_since: datetime | None = time_field(nullable=True)
    read_at: datetime | None = time_field(nullable=True, index=True)
    meta: dict[str, Any] | None = json_field("metadata")


class Invoice(Row, table=True):
    """One invoice for a subscription, in its own currency. `mailed_at` is when its mail was queued, which is once."""

    __tablename__ = "invoices"

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE", index=True)
    number: str = Field(unique=True)
    status: InvoiceStatus = enum_field(InvoiceStatus, "invoice_status", InvoiceStatus.DRAFT)
    billing_email: str | None = None
    currency: str = Field(default="USD", sa_column_kwargs={"server_default": "USD"})
    amount: Decimal = money_field()
    period_start: datetime = time_field()
    period_end: datetime = time_field()
    due_at: datetime | None = time_field(nullable=True)
    paid_at: datetime | None = time_field(nullable=True)
    mailed_at: datetime | None = time_field(nullable=True)
    stripe_invoice_id: str | None = Field(default=None, unique=True)
    lines: list[Any] | None = json_list_field()
    meta: dict[str, Any] | None = json_field("metadata")


class StripeEvent(Table, table=True):
    """A message of Stripe's that was taken: it is sent again until it is answered, and counts once."""

    __tablename__ = "stripe_events"

    id: str = Field(primary_key=True)
    type: str
    created_at: datetime = time_field()
    taken_at: datetime = time_field(now=True, index=True)
