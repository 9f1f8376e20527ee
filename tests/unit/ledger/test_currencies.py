"""Rates: what a pasted list may look like, what is refused with its line, and which rate a day is shown by."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from guardian.errors import AuthorizationError, ValidationError
from guardian.periods import utcnow
from guardian.services.ledger.currencies import (
    RatesAdded,
    add_rates,
    choose_currency,
    display,
    list_rates,
    read_rates,
)
from tests.conftest import People

TODAY = utcnow().date()
DAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-19,0.86\n2026-11-20,0.8653",
        "\ufeffday,rate\r\n2026-11-19,0.86\r2026-11-20,0.8653\n\n",
        '"Date";"EUR"\n"2026-11-19";"0,86"\n"2026-11-20";"0,8653"\n',
        "2026-11-19\t0,86\n 2026-11-20 \t 0.8653 ",
    ],
)
def test_lists_that_mean_the_same(text: str) -> None:
    assert read_rates(text) == [(date(2026, 11, 19), Decimal("0.86")), (DAY, Decimal("0.8653"))]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("20.11.2026,0.86", "'20.11.2026' is not a day like 2026-11-20."),
        ("2026-02-30,0.86", "'2026-02-30' is not a day"),
        ("2026-11-20,NaN", "'NaN' is not a rate like 0.8653"),
        ("2026-11-20,8e-1", "'8e-1' is not a rate"),
        ("2026-11-20,-0.86", "'-0.86' is not a rate"),
        ("2026-11-20,€0.86", "is not a rate"),
        ("2026-11-20,0.86000000001", "with at most 10 places"),
        ("2026-11-20,0,86", "A line has a day and a rate"),
        ("2026-11-20", "A line has a day and a rate"),
        ("2026-11-20;1.234,5", "is not a rate"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_stored(line: str, why: str) -> None:
    with pytest.raises(ValidationError, match=r"^Line 3: ") as refused:
        read_rates(f"day,rate\n2026-11-19,0.86\n{line}\n")
    assert why in refused.value.message
    assert [problem["field"] for problem in refused.value.details] == ["csv.3"]


def test_every_wrong_line_is_told_up_to_twenty() -> None:
    with pytest.raises(ValidationError, match=r"Line 2: .* 29 more lines are wrong") as refused:
        read_rates("day,rate\n" + "2026-11-20,x\n" * 30)
    assert len(refused.value.details) == 20


@pytest.mark.parametrize("text", ["", "\n\n", "day,rate\n"])
def test_a_list_without_a_rate(text: str) -> None:
    with pytest.raises(ValidationError, match="Paste lines of a day and a rate"):
        read_rates(text)


@given(
    st.dictionaries(
        st.dates(date(2000, 1, 1), date(2026, 1, 1)), st.decimals("0.0000000001", "999999999", places=10), min_size=1
    )
)
def test_what_is_written_is_read(rates: dict[date, Decimal]) -> None:
    text = "\n".join(f"{day},{rate:f}" for day, rate in rates.items())
    assert dict(read_rates(text)) == rates


def test_a_day_is_shown_by_its_own_rate_or_the_last_one_before(session: Session, people: People) -> None:
    alice = people.alice
    assert display(session, alice, DAY).currency == "USD"
    assert choose_currency(session, alice, " eur ") == "EUR"
    assert display(session, alice, DAY).rate is None
    entries = [(date(2026, 11, 18), Decimal("0.85")), (DAY, Decimal("0.8653"))]
    assert add_rates(session, alice, "EUR", entries, " ECB  rate ") == RatesAdded(added=2, changed=0, unchanged=0)
    add_rates(session, alice, "CHF", [(DAY, Decimal("0.79"))], "bank")
    found = {day: display(session, alice, date(2026, 11, day)).rate for day in (17, 18, 19, 20, 22)}
    assert {day: rate and (rate.day.day, rate.per_dollar) for day, rate in found.items()} == {
        17: None,
        18: (18, Decimal("0.85")),
        19: (18, Decimal("0.85")),
        20: (20, Decimal("0.8653")),
        22: (20, Decimal("0.8653")),
    }
    assert found[20] is not None
    assert (found[20].source, found[20].created_by) == ("ECB rate", "Alice")
    assert [(rate.currency, rate.day.day) for rate in list_rates(session, alice)] == [
        ("CHF", 20),
        ("EUR", 20),
        ("EUR", 18),
    ]
    assert list_rates(session, people.charlie) == []
    assert len(list_rates(session, people.bob, "eur")) == 2


def test_a_correction_is_counted(session: Session, people: People) -> None:
    add_rates(session, people.alice, "EUR", [(DAY, Decimal("0.8653"))], "ECB")
    entries = [(DAY, Decimal("0.8654")), (DAY - timedelta(days=1), Decimal("0.86"))]
    assert add_rates(session, people.alice, "EUR", entries, "bank") == RatesAdded(added=1, changed=1, unchanged=0)
    assert add_rates(session, people.alice, "EUR", entries, "other") == RatesAdded(added=0, changed=0, unchanged=2)
    assert [(rate.per_dollar, rate.source) for rate in list_rates(session, people.alice)] == [
        (Decimal("0.8654"), "bank"),
        (Decimal("0.86"), "bank"),
    ]


def test_many_at_once(session: Session, people: People) -> None:
    entries = [(date(2001, 1, 1) + timedelta(days=day), Decimal(day + 1)) for day in range(9_000)]
    assert add_rates(session, people.alice, "JPY", entries, "bank").added == 9_000
    assert len(list_rates(session, people.alice)) == 400


@pytest.mark.parametrize(
    ("currency", "entries", "source", "sentence"),
    [
        ("BTC", [(DAY, Decimal(1))], "bank", "Unknown currency 'BTC'. Use a code of ISO 4217"),
        ("", [(DAY, Decimal(1))], "bank", "Unknown currency"),
        ("USD", [(DAY, Decimal(1))], "bank", "need no rate"),
        ("EUR", [(DAY, Decimal(1))], "  ", "where the rate is from"),
        ("EUR", [(DAY, Decimal(0))], "bank", "must be above zero"),
        ("EUR", [(DAY, Decimal(-1))], "bank", "must be above zero"),
        ("EUR", [(DAY, Decimal("NaN"))], "bank", "must be above zero"),
        ("EUR", [(DAY, Decimal("1e-11"))], "bank", "at most 10 places"),
        ("EUR", [(TODAY + timedelta(days=2), Decimal(1))], "bank", "whose rate can be known"),
        ("EUR", [(date(1999, 1, 1), Decimal(1))], "bank", "whose rate can be known"),
        ("EUR", [(DAY, Decimal(1)), (DAY, Decimal(2))], "bank", "there twice"),
        ("EUR", [], "bank", "at least one day"),
    ],
)
def test_what_is_refused(
    session: Session, people: People, currency: str, entries: list[tuple[date, Decimal]], source: str, sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        add_rates(session, people.alice, currency, entries, source)
    assert list_rates(session, people.alice) == []


def test_who_may(session: Session, people: People) -> None:
    with pytest.raises(AuthorizationError):
        add_rates(session, people.bob, "EUR", [(DAY, Decimal(1))], "bank")
    with pytest.raises(AuthorizationError):
        choose_currency(session, people.bob, "EUR")
    with pytest.raises(ValidationError, match="Unknown currency"):
        choose_currency(session, people.alice, "EURO")
