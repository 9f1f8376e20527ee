"""An invoice as it is shown: on the page, in the API, on paper."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from guardian.models.enums import InvoiceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    description: str
    quantity: int | None
    amount: Decimal
    period_start: datetime
    period_end: datetime
    proration: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """Amounts are of `currency`. `amount` is the subtotal less the discount, with the tax unless that is included;
    `credit` is what of it was taken off the credit of earlier invoices. `page` is where it can be paid or looked at
    with whoever takes the money.
    """

    id: str
    number: str
    status: InvoiceStatus
    currency: str
    amount: Decimal
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    tax_included: bool
    credit: Decimal
    amount_paid: Decimal
    amount_due: Decimal
    period_start: datetime
    period_end: datetime
    created_at: datetime
    due_at: datetime | None
    paid_at: datetime | None
    billing_email: str | None
    name: str | None
    address: tuple[str, ...]
    page: str | None
    lines: tuple[InvoiceLine, ...]
