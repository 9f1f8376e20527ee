"""How money of an invoice and its state are written for people, on paper, in mails and on the page."""

from collections.abc import Mapping
from decimal import Decimal

from guardian.amounts import MINUS, NBSP
from guardian.models.enums import InvoiceStatus
from guardian.services.people.currency_codes import CURRENCIES

_SIGNS: Mapping[str, str] = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
STANDINGS: Mapping[InvoiceStatus, str] = {
    InvoiceStatus.DRAFT: "Draft",
    InvoiceStatus.OPEN: "Open",
    InvoiceStatus.PAID: "Paid",
    InvoiceStatus.VOID: "Void",
    InvoiceStatus.UNCOLLECTIBLE: "Not paid",
}


def charged(amount: Decimal, currency: str) -> str:
    """With the places of the currency's coins: $29.00, −€4.50, ¥15,000, CHF 12.00."""
    text = f"{abs(amount):,.{CURRENCIES.get(currency, 2)}f}"
    return f"{MINUS if amount < 0 else ''}{_SIGNS.get(currency) or currency + NBSP}{text}"


def monthly(amount: Decimal, currency: str) -> str:
    """A price: $29 a month; the places only where they say something."""
    whole = amount == amount.to_integral_value()
    return f"{charged(amount, currency).removesuffix('.00') if whole else charged(amount, currency)} a month"
