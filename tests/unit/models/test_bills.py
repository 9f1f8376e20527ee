"""Bills as the ledger keeps them: every digit comes back, in Python and in SQL, and the lines add up to the cost."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.models.bills import LINES_IN_SQL, code_of, digits, line_of, packed, stored, unit_of, unpacked
from guardian.models.enums import Provider
from guardian.pricing.calculator import price
from guardian.records import BillLine, UsageCounts, UsageRecord
from tests.conftest import Servers

_NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**18, places=12)
_PLAIN = st.one_of(_NUMBERS, st.integers(0, 10**15).map(Decimal), st.just(Decimal("1E+3")), st.just(Decimal("0E-9")))
_UNITS = st.one_of(
    st.sampled_from(("uncached_input_tokens", "output_tokens", "reasoning_tokens", "web_search_requests", "i", "c")),
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=30),
)


def line(unit: str, quantity: Decimal, unit_price: Decimal, multiplier: Decimal, amount: Decimal) -> BillLine:
    return BillLine(unit=unit, quantity=quantity, unit_price=unit_price, multiplier=multiplier, amount=amount)


@st.composite
def lines(draw: st.DrawFn) -> BillLine:
    """As the calculator makes them: the amount is the product, rounded or not, or what a provider stated."""
    quantity, unit_price = draw(_PLAIN), draw(_PLAIN)
    multiplier = draw(st.one_of(st.just(Decimal(1)), st.sampled_from([Decimal("0.5"), Decimal("1.10"), Decimal(2)])))
    amount = draw(st.one_of(st.just(quantity * unit_price * multiplier), _PLAIN))
    return line(draw(_UNITS), quantity, unit_price, multiplier, amount)


@given(st.lists(lines(), max_size=5))
def test_a_bill_comes_back_digit_for_digit(bill: list[BillLine]) -> None:
    text = packed(bill)
    assert unpacked(text) == [line_of(each) for each in bill]
    assert stored(unpacked(text)) == text
    assert [Decimal(each["amount"]) for each in unpacked(text)] == [each.amount for each in bill]


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_is_read_back_adds_up_to_the_cost(fresh: int, read: int, output: int) -> None:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    counts = UsageCounts(input_tokens=fresh + read, cache_read_tokens=read, output_tokens=output)
    usage = UsageRecord(
        provider=Provider.OPENAI, operation="completion", model="gpt-4o", start=moment, end=moment, counts=counts
    )
    cost = price(usage)
    assert cost.amount == sum((Decimal(each["amount"]) for each in unpacked(packed(cost.lines))), Decimal(0))


def test_a_usual_bill_is_short() -> None:
    bill = [
        line("uncached_input_tokens", Decimal(600), Decimal("0.00000015"), Decimal(1), Decimal("0.00009")),
        line("output_tokens", Decimal(100), Decimal("0.0000006"), Decimal("0.5"), Decimal("0.00003")),
        line("my unit;", Decimal("1.5"), Decimal(2), Decimal(1), Decimal("2.9")),
    ]
    assert packed(bill) == "i 600 15e-8;o 100 6e-7 0.5;=my%20unit%3B 1.5 2 1 2.9"


def test_no_bill_and_an_empty_one_differ() -> None:
    assert (stored(None), stored([]), unpacked(None), unpacked("")) == (None, "", [], [])


def test_text_that_no_database_takes_becomes_one_that_it_does() -> None:
    odd = line("a\0b\ud800", Decimal(1), Decimal(1), Decimal(1), Decimal(1))
    assert unpacked(packed([odd]))[0]["unit"] == "ab?"


@given(_UNITS)
def test_a_unit_has_one_code_without_separators(unit: str) -> None:
    assert unit_of(code_of(unit)) == unit
    assert not set(code_of(unit)) & set(" ;\t\n\\")


@pytest.mark.parametrize(("number", "text"), [("3.0", "3"), ("3E+2", "300"), ("0.000000050", "0.00000005"), ("0", "0")])
def test_digits_are_the_same_for_equal_numbers(number: str, text: str) -> None:
    assert digits(Decimal(number)) == text


def test_sql_reads_the_same_lines(servers: Servers) -> None:
    """The reconciliation sums them up where they are."""
    bill = [
        line("uncached_input_tokens", Decimal(600), Decimal("0.00000015"), Decimal(1), Decimal("0.00009")),
        line("output_tokens", Decimal(100), Decimal("0.0000006"), Decimal("1.1"), Decimal("0.000066")),
        line("=;% ", Decimal("1.5"), Decimal(2), Decimal(3), Decimal("8.99")),
        line("provider_cost", Decimal(1), Decimal("0.25"), Decimal(1), Decimal("0.2500000000000000000000000000001")),
    ]
    query = f"SELECT code, quantity, amount FROM (SELECT %s::text AS bill) AS row {LINES_IN_SQL}"
    with psycopg.connect(servers.postgres_url) as connection:
        found = connection.execute(query.encode(), [packed(bill)]).fetchall()
        nothing = connection.execute(query.encode(), [""]).fetchall()
    assert [(unit_of(code), quantity, amount) for code, quantity, amount in found] == [
        (each.unit, each.quantity, each.amount) for each in bill
    ]
    assert nothing == []


def test_a_packed_bill_takes_a_tenth_of_its_json() -> None:
    bill = [
        line("uncached_input_tokens", Decimal(600), Decimal("0.00000015"), Decimal(1), Decimal("0.00009")),
        line("cache_read_tokens", Decimal(400), Decimal("0.000000075"), Decimal(1), Decimal("0.00003")),
        line("output_tokens", Decimal(100), Decimal("0.0000006"), Decimal(1), Decimal("0.00006")),
    ]
    assert len(packed(bill)) * 8 < len(json.dumps(unpacked(packed(bill))))
