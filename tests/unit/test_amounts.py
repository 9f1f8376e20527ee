"""The one way in which amounts are written: pages, messages, mails, PDFs and findings all take it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.amounts import NBSP, Unit, dollars, figure, percent, signed, signed_percent


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("5.28", "$5.28"),
        ("5.285", "$5.29"),
        ("1", "$1.00"),
        ("0.99999", "$1.00"),
        ("0.9999", "$0.9999"),
        ("0.5", "$0.50"),
        ("0.1", "$0.10"),
        ("0.0042", "$0.0042"),
        ("0.00423456", "$0.004235"),
        ("0.005", "$0.0050"),
        ("0.0000002", "$0.00000020"),
        ("0.0000000001", "$0.00000000010"),
        ("1234.5", "$1,234.50"),
        ("1234567.891", "$1,234,567.89"),
        ("-3.2", "−$3.20"),
        ("-0.0042", "−$0.0042"),
    ],
)
def test_dollars(amount: str, text: str) -> None:
    assert dollars(Decimal(amount)) == text


@given(st.decimals(min_value="0.0000000001", max_value="999999999", places=10))
def test_dollars_are_never_a_false_zero_and_never_far_off(amount: Decimal) -> None:
    shown = Decimal(dollars(amount).removeprefix("$").replace(",", ""))
    assert shown > 0
    assert abs(shown - amount) <= max(amount * Decimal("0.0051"), Decimal(0))


@given(st.decimals(min_value="0.0000000001", max_value="9999", places=10))
def test_percentages_are_never_a_false_zero(value: Decimal) -> None:
    shown = Decimal(percent(value).removesuffix(f"{NBSP}%").replace(",", ""))
    assert shown > 0
    assert abs(shown - value) <= max(value * Decimal("0.051"), Decimal(0))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("1234.5", "dollars", "$1,234.50"),
        ("80.00", "percent", f"80{NBSP}%"),
        ("12.345", "percent", f"12.3{NBSP}%"),
        ("0.04", "percent", f"0.04{NBSP}%"),
        ("99.95", "percent", f"100{NBSP}%"),
        ("150.4", "percent", f"150{NBSP}%"),
        ("-3.21", "percent", f"−3.2{NBSP}%"),
        ("0", "percent", f"0{NBSP}%"),
        ("1200", "tokens", "1,200"),
        ("2.5", "requests", "2.5"),
        ("-3", "count", "−3"),
    ],
)
def test_figures(value: str, unit: Unit, text: str) -> None:
    assert figure(Decimal(value), unit) == text


def test_differences_have_their_sign() -> None:
    assert [signed(Decimal(value)) for value in ("12.3", "-4", "0")] == ["+$12.30", "−$4.00", "$0.00"]
    assert [signed_percent(Decimal(value)) for value in ("18", "-0.5")] == [f"+18{NBSP}%", f"−0.5{NBSP}%"]
