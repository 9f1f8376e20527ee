"""Shapes of plans, subscriptions and invoices. Money is of the `currency` beside it, and not always of dollars."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from guardian.api.answers.envelope import Body, Money, Out, Time
from guardian.models.enums import InvoiceStatus, Plan, SubscriptionStatus
from guardian.services.people.billing.buying import Change
from guardian.services.people.billing.standing import PlanView, Standing


class LimitsOut(Out):
    """What a plan has room for; null: as much as one likes. Calls are kept for `retentionDays`, day sums for good.

    `requestsPerMonth` are calls through the gateway in a calendar month of UTC.
    """

    members: int | None
    keys: int | None
    alerts: int | None
    retention_days: int | None
    requests_per_month: int | None


class PlanOut(Out):
    """`price` is of a month, null where it is agreed upon. `forSale`: subscription/checkout takes it out."""

    plan: Plan
    price: Money | None
    currency: str
    for_sale: bool
    limits: LimitsOut

    @classmethod
    def of(cls, view: PlanView) -> "PlanOut":
        return cls.model_validate(view)


class UsedOut(Out):
    """What of the plan is used now; `requestsPerMonth` since the month began."""

    members: int
    keys: int
    alerts: int
    requests_per_month: int


class PaidOut(Out):
    """`graceUntil` is set while a payment is owed: until then the plan stays, after that the limits of FREE hold."""

    id: str
    plan: Plan
    status: SubscriptionStatus
    amount: Money | None
    currency: str | None
    current_period_start: Time | None
    current_period_end: Time | None
    cancel_at_period_end: bool
    past_due_since: Time | None
    grace_until: Time | None


class StandingOut(Out):
    """`plan` is what holds. `subscription` is null for a plan that was assigned; `soldHere`: plans can be bought."""

    plan: Plan
    limits: LimitsOut
    used: UsedOut
    requests_reset_at: Time
    subscription: PaidOut | None
    sold_here: bool

    @classmethod
    def of(cls, view: Standing) -> "StandingOut":
        return cls.model_validate(view)


class PlanBody(Body):
    """The plan that is wanted."""

    plan: Plan


class ChangeBody(Body):
    """The plan that is wanted, and `at` from its preview: what was shown there is what is taken."""

    plan: Plan
    at: Annotated[datetime, Field(description="`at` of the preview")]


class CancelBody(Body):
    """`ends` false: go on after all."""

    ends: bool = True


class AddressOut(Out):
    """Where to go on, at Stripe."""

    url: str


class LineOut(Out):
    """`proration`: a part of a period, because of a change within it."""

    description: str
    quantity: int | None
    amount: Money
    period_start: Time
    period_end: Time
    proration: bool


class ChangeOut(Out):
    """`dueNow` is taken at once (below zero: kept as a credit), then `price` a month. `tooMany` says what there is
    beyond the plan's room: it stays, but nothing comes to it.
    """

    plan: Plan
    currency: str
    due_now: Money
    price: Money
    lines: list[LineOut]
    at: Time
    too_many: list[str]

    @classmethod
    def of(cls, view: Change) -> "ChangeOut":
        return cls.model_validate(view)


class InvoiceLine(Out):
    """An invoice in a list. `page` is where it can be paid, at Stripe."""

    id: str
    number: str
    status: InvoiceStatus
    currency: str
    amount: Money
    amount_paid: Money
    amount_due: Money
    period_start: Time
    period_end: Time
    created_at: Time
    due_at: Time | None
    paid_at: Time | None
    page: str | None


class InvoiceOut(InvoiceLine):
    """One invoice, whole. `amount` is `subtotal` less `discount`, with `tax` unless `taxIncluded`; `credit` is what of
    it was taken off the credit of earlier invoices.
    """

    subtotal: Money
    discount: Money
    tax: Money
    tax_included: bool
    credit: Money
    billing_email: str | None
    name: str | None
    address: list[str]
    lines: list[LineOut]
