"""The rules for numbers, money and times that every page relies on."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from guardian.ui import format

NBSP = "\u00a0"
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2025, 11, 5, 11, 4, tzinfo=UTC)


@pytest.mark.parametrize(("amount", "text"), [("5.2800", "5.28"), ("2E-7", "0.0000002"), ("100", "100"), ("0", "0")])
def test_exact(amount: str, text: str) -> None:
    assert format.exact(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (1234, "1,234"),
        (9999, "9,999"),
        (12_345, f"12.3{NBSP}k"),
        (123_456, f"123{NBSP}k"),
        (999_499, f"999{NBSP}k"),
        (999_950, f"1.00{NBSP}M"),
        (4_560_000, f"4.56{NBSP}M"),
        (1_230_000_000, f"1.23{NBSP}B"),
        (-20_000, f"−20.0{NBSP}k"),
    ],
)
def test_tokens(count: int, text: str) -> None:
    assert format.tokens(count) == text


@pytest.mark.parametrize(
    ("difference", "percent", "text"),
    [
        ("212", "18", f"+18{NBSP}%, +$212"),
        ("-212.4", "-18.2", f"−18{NBSP}%, −$212"),
        ("0.5", "0.4", f"+0.4{NBSP}%, +$0.50"),
        ("0.5", "0.001", f"+<0.1{NBSP}%, +$0.50"),
        ("5.28", None, "+$5.28"),
        ("0", "0", "no change"),
        (None, None, ""),
    ],
)
def test_change(difference: str | None, percent: str | None, text: str) -> None:
    assert format.change(difference and Decimal(difference), percent and Decimal(percent)) == text


def test_percent_of_nothing_is_nothing() -> None:
    assert format.percent(Decimal(1), Decimal(4)) == f"25{NBSP}%"
    assert format.percent(Decimal(1), Decimal(0)) == ""


def test_times_are_in_the_organizations_zone() -> None:
    assert format.absolute(NOW, BERLIN) == "5 Nov 2025, 12:04"
    assert format.clock(NOW, NOW, BERLIN) == "12:04"
    assert format.clock(NOW - timedelta(hours=13), NOW, BERLIN) == "4 Nov 23:04"
    assert format.clock(NOW - timedelta(days=400), NOW, BERLIN) == "1 Oct 2024"


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=200), f"3{NBSP}min ago"),
        (timedelta(hours=26), f"1{NBSP}day ago"),
        (timedelta(hours=-2), f"in 2{NBSP}h"),
        (timedelta(seconds=-5), "in a moment"),
    ],
)
def test_relative(ago: timedelta, text: str) -> None:
    assert format.relative(NOW - ago, NOW) == text


def test_remaining_time_is_only_told_when_it_can_be_known() -> None:
    assert format.remaining(0.25, timedelta(seconds=60)) == f"about 3{NBSP}min left"
    assert format.remaining(0.001, timedelta(seconds=60)) == ""
    assert format.remaining(1, timedelta(seconds=60)) == ""


def test_ids_are_cut_in_the_middle() -> None:
    assert format.short_id("proj_8fkabcdefgh2c9q") == "proj_8fk…2c9q"
    assert format.short_id("default") == "default"


@pytest.mark.parametrize(
    ("dollars", "currency", "per_dollar", "text"),
    [
        ("12.34", "EUR", "0.8653", "€10.68"),
        ("1234567.891", "JPY", "156.2", "¥192,839,505"),
        ("12.34", "CHF", "0.79", "CHF\u00a09.75"),
        ("12.34", "KWD", "0.3071", "KWD\u00a03.790"),
        ("0", "EUR", "0.8653", "€0.00"),
        ("0.0000002", "EUR", "0.8653", "€0.0000001731"),
        ("-3", "GBP", "0.75", "\u2212£2.25"),
        ("1", "XYZ", "2", "XYZ\u00a02.00"),
    ],
)
def test_an_amount_in_another_currency(dollars: str, currency: str, per_dollar: str, text: str) -> None:
    assert format.in_currency(Decimal(dollars), currency, Decimal(per_dollar)) == text


def test_an_approximation_tells_its_rate() -> None:
    facts = (date(2026, 11, 20), "EUR", Decimal("0.8653"))
    assert format.approximately(Decimal("12.34"), *facts, date(2026, 11, 20), "ECB") == (
        "≈ €10.68, rate of 2026-11-20, ECB"
    )
    assert format.approximately(Decimal("12.34"), *facts, date(2026, 11, 18), "ECB") == (
        "≈ €10.68, rate of 2026-11-18 (the last one before 2026-11-20), ECB"
    )
