"""Row: what is a count, an amount, a text, a time; and which field is blamed."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from guardian.errors import ProviderContractBroken
from guardian.providers.reports.reading import Row


def row(**values: Any) -> Row:
    return Row(values, "The report")


@pytest.mark.parametrize(("value", "count"), [(0, 0), (7, 7), (Decimal("7.0"), 7), (Decimal("1e3"), 1000)])
def test_counts(value: Any, count: int) -> None:
    found = row(n=value).count("n")
    assert found == count
    assert type(found) is int


@pytest.mark.parametrize(
    "value", [True, "7", -1, Decimal("0.5"), Decimal("NaN"), Decimal("Infinity"), 2**63, Decimal("1e99"), [], {}]
)
def test_what_is_no_count(value: Any) -> None:
    with pytest.raises(ProviderContractBroken, match="The report has a field n that is not a whole number"):
        row(n=value).count("n")


@pytest.mark.parametrize("raw", [{}, {"n": None}])
def test_absent_and_null(raw: dict[str, Any]) -> None:
    found = Row(raw, "The report")
    assert found.count_or_zero("n") == 0
    assert found.maybe_count("n") is None
    assert found.maybe_number("n") is None
    assert found.maybe_text("n") is None
    assert found.maybe_flag("n") is None
    assert found.maybe_child("n").raw == {}
    for read in (found.count, found.number, found.money, found.text, found.flag, found.moment, found.child, found.rows):
        with pytest.raises(ProviderContractBroken, match="The report lacks the field n, so"):
            read("n")


@pytest.mark.parametrize("value", [3, Decimal("0.1"), "0.10", " -7.5 ", Decimal("1e-20")])
def test_numbers(value: Any) -> None:
    assert row(n=value).number("n") == Decimal(str(value).strip())


@pytest.mark.parametrize(
    "value", [True, "", "1,5", "abc", "NaN", "sNaN", "Infinity", Decimal("1e1000000000"), "1e1000000000", []]
)
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(ProviderContractBroken, match="a field n that is not a"):
        row(n=value).number("n")


def test_amounts_may_be_negative_but_not_absurd() -> None:
    assert row(n="-12.5").money("n") == Decimal("-12.5")
    with pytest.raises(ProviderContractBroken, match="believable"):
        row(n=10**9).money("n")
    with pytest.raises(ProviderContractBroken, match="zero or more"):
        row(n=-1).quantity("n")


def test_texts_are_fit_for_the_database() -> None:
    assert row(n="a\x00b").text("n") == "ab"
    assert row(n="half \ud800 pair").text("n") == "half ? pair"
    assert row(n="").maybe_text("n") is None
    with pytest.raises(ProviderContractBroken, match="not a text"):
        row(n=7).text("n")


@pytest.mark.parametrize("value", [1793491200, "2026-11-01T00:00:00Z", "2026-11-01T01:00:00+01:00"])
def test_times(value: Any) -> None:
    assert row(n=value).moment("n") == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", [True, "2026-11-01T00:00:00", "soon", 10**18, -(10**18), Decimal("1.5"), {}])
def test_what_is_no_time(value: Any) -> None:
    with pytest.raises(ProviderContractBroken, match="not a time"):
        row(n=value).moment("n")


def test_nested_fields_are_named_in_full() -> None:
    with pytest.raises(ProviderContractBroken, match=r"lacks the field a\.b\.c,"):
        row(a={"b": {}}).child("a").child("b").count("c")
    with pytest.raises(ProviderContractBroken, match="where the object a should be"):
        row(a=[1]).child("a")


def test_lists() -> None:
    assert [r.count("x") for r in row(n=[{"x": 1}, {"x": 2}]).rows("n")] == [1, 2]
    with pytest.raises(ProviderContractBroken, match="not a list"):
        row(n={}).rows("n")
    with pytest.raises(ProviderContractBroken, match="where the object of a row should be"):
        row(n=[1]).rows("n")
