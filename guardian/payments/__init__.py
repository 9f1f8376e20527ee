"""Stripe, which takes the money: what it is asked, what it answers in our words, and its signed messages."""

from guardian.payments.client import Payments
from guardian.payments.minor_units import from_minor, to_minor
from guardian.payments.records import (
    Message,
    PaidInvoice,
    PaidLine,
    PaidSubscription,
    Preview,
    Price,
)
from guardian.payments.signing import opened

__all__ = [
    "Message",
    "PaidInvoice",
    "PaidLine",
    "PaidSubscription",
    "Payments",
    "Preview",
    "Price",
    "from_minor",
    "opened",
    "to_minor",
]
