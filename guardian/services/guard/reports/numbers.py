"""Figures as a report keeps them: text that says the whole amount."""

from decimal import Decimal
from typing import Any

_TENTH = Decimal("0.1")


def exact(amount: Decimal) -> str:
    """All of its digits, without an exponent: 1234.5678."""
    return f"{amount.normalize():f}" if amount else "0"


def exact_or_none(amount: Decimal | None) -> str | None:
    return None if amount is None else exact(amount)


def percent(part: Decimal, whole: Decimal) -> str | None:
    """`part` in percent of `whole`, to a tenth; None where there is no whole."""
    return exact((part * 100 / whole).quantize(_TENTH)) if whole else None


def tenth(value: Decimal | None) -> str | None:
    return None if value is None else exact(value.quantize(_TENTH))


Content = dict[str, Any]
