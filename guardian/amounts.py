"""How amounts are written for people, wherever they stand: text out, and nothing rounded to a false zero."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

Unit = Literal["dollars", "percent", "requests", "tokens", "count"]

MINUS = "\u2212"  # U+2212 lines up with the digits, the hyphen does not
NBSP = "\u00a0"
_CENT = Decimal("0.01")


def dollars(amount: Decimal) -> str:
    """Two decimals from $1 up, four significant digits below: $1,234.50, $0.0042, $0.00000020, −$3.20."""
    return f"{_minus(amount)}${digits(abs(amount))}"


def signed(amount: Decimal) -> str:
    """A difference in dollars: +$12.30, −$4.00, $0.00."""
    return ("+" if amount > 0 else "") + dollars(amount)


def percent(value: Decimal) -> str:
    """A percentage, to a tenth under a hundred and to two digits under one: 150 %, 83.5 %, 0.042 %."""
    size = abs(value)
    places = 0 if size >= 100 else 1 if size >= 1 or not size else 1 - size.adjusted()
    rounded = size.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{_minus(value)}{_trimmed(rounded)}{NBSP}%"


def signed_percent(value: Decimal) -> str:
    """A change: +18 %."""
    return ("+" if value > 0 else "") + percent(value)


def figure(value: Decimal, unit: Unit) -> str:
    """A figure of that unit; counts without its name: $312.40, 83 %, 1,234."""
    if unit == "dollars":
        return dollars(value)
    return percent(value) if unit == "percent" else f"{_minus(value)}{_trimmed(abs(value))}"


def digits(size: Decimal) -> str:
    """What stands behind the sign of a currency; `size` is not below zero."""
    rounded = size.quantize(_CENT, ROUND_HALF_UP) if size >= 1 else significant(size, 4)
    if rounded >= 1 or not rounded:
        return f"{rounded.quantize(_CENT):,.2f}"
    # 0.004200 says no more than 0.0042, but one lone digit (0.5, 0.0000002) looks cut off: keep two of them.
    text = f"{rounded:f}".rstrip("0")
    decimals = max(len(text.partition(".")[2]), 1 - rounded.adjusted())
    return f"{rounded:.{decimals}f}"


def significant(size: Decimal, count: int) -> Decimal:
    """Rounded to so many significant digits."""
    if not size:
        return Decimal(0)
    return size.quantize(Decimal(1).scaleb(size.adjusted() - count + 1), ROUND_HALF_UP)


def _minus(value: Decimal) -> str:
    return MINUS if value < 0 else ""


def _trimmed(size: Decimal) -> str:
    text = f"{size:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
