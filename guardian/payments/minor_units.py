"""Stripe writes money as whole numbers of a currency's smallest unit; how many of them make one is told here.

Source: https://docs.stripe.com/currencies. ISK and UGX have no smaller unit either, but stay two-decimal there.
"""

from decimal import ROUND_HALF_EVEN, Decimal

_WHOLE = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THOUSANDTHS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))


def digits(currency: str) -> int:
    """How many decimals the currency has in Stripe's numbers; `currency` in any case."""
    code = currency.upper()
    return 0 if code in _WHOLE else 3 if code in _THOUSANDTHS else 2


def from_minor(amount: int, currency: str) -> Decimal:
    """Stripe's number as an amount of the currency, with its decimals: 2900 of USD are 29.00."""
    return Decimal(amount).scaleb(-digits(currency))


def to_minor(amount: Decimal, currency: str) -> int:
    """An amount as Stripe's number; what is smaller than the smallest unit is rounded, half to even.

    Of three decimals the last has to be zero: Stripe refuses others.
    """
    places = digits(currency)
    unit = Decimal("0.01") if places == 3 else Decimal(1).scaleb(-places)
    return int(amount.quantize(unit, ROUND_HALF_EVEN).scaleb(places))
