"""What Stripe tells, in our words: amounts are Decimal of their currency (capitals), times are of UTC."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from guardian.models.enums import InvoiceStatus, Plan, SubscriptionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a plan costs a month, and Stripe's id of that price."""

    id: str
    plan: Plan
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidSubscription:
    """A subscription as it is now. `plan` is None where its price is none of ours, `user_id` where nobody was told.

    `cancel_by_date`: its end was set as a moment, as Stripe's portal does, and has to be taken back as one.
    """

    id: str
    customer: str
    item: str
    plan: Plan | None
    status: SubscriptionStatus
    amount: Decimal
    currency: str
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_period_end: bool
    cancel_by_date: bool
    created: datetime
    user_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidLine:
    description: str
    quantity: int | None
    amount: Decimal
    period_start: datetime
    period_end: datetime
    proration: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidInvoice:
    """An invoice as it is now. `number` is None while it is a draft; `page` is where it can be paid.

    `subtotal` less `discount`, with `tax` where `tax_included` is false, is `total`. `credit` is what of it was taken
    off what the customer had, so that it is not to be paid.
    `attempted`: it was tried to take the money, or it is to be sent to the customer without trying.
    """

    id: str
    customer: str
    number: str | None
    status: InvoiceStatus
    email: str | None
    name: str | None
    address: tuple[str, ...]
    currency: str
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    tax_included: bool
    credit: Decimal
    total: Decimal
    amount_paid: Decimal
    amount_due: Decimal
    period_start: datetime
    period_end: datetime
    created: datetime
    due_at: datetime | None
    paid_at: datetime | None
    attempted: bool
    page: str | None
    lines: tuple[PaidLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a change of plan would cost: `due_now` at once (negative: a credit), then `price` a month.

    `at` is the moment that was reckoned with; the same one has to be given when it is done, or the amounts move.
    """

    price: Price
    due_now: Decimal
    lines: tuple[PaidLine, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of Stripe's whose signature is right. `object` and `object_id` are what it is about, in Stripe's words.

    `customer` is None where that has none; what else it says is not used: it is read anew, as it is by now.
    """

    id: str
    type: str
    created: datetime
    object: str
    object_id: str | None
    customer: str | None
