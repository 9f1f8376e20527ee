"""Agreed prices: what they cost, what is refused, how one follows another, and what stays once it has priced."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.errors import ApiError, AuthorizationError, ConflictError, NotFoundError, ValidationError
from guardian.models import PriceOverride
from guardian.models.enums import Provider
from guardian.periods import DAY, utcnow
from guardian.services.actor import Actor
from guardian.services.ledger import pricebook
from guardian.services.ledger.pricebook import NewPrice, OverrideView
from guardian.services.ledger.pricebook.overrides import overrides_of
from guardian.services.ledger.writing.buckets import replace_buckets
from tests.conftest import People
from tests.unit.ledger.making import T0, account, bucket, usage


def wanted(pattern: str = "gpt-6-sol", **facts: Any) -> NewPrice:
    """Half of the list price from T0 on, unless the facts say otherwise."""
    if "prices" not in facts:
        facts.setdefault("percent_of_list", Decimal(50))
    return NewPrice(**{"provider": Provider.OPENAI, "model_pattern": pattern, "valid_from": T0, **facts})


def prices(**amounts: str) -> Mapping[str, Decimal]:
    return {unit: Decimal(amount) for unit, amount in amounts.items()}


def add(
    session: Session, actor: Actor, pattern: str = "gpt-6-sol", *, confirm: bool = False, **facts: Any
) -> OverrideView:
    return pricebook.add_override(session, actor, wanted(pattern, **facts), confirm=confirm)


def test_a_price_shows_an_example_call_and_its_ratio_to_the_list(session: Session, people: People) -> None:
    """1,000 in and 500 out: $0.002 + $0.005 by the list ($2 and $10 a million), $0.0015 + $0.003 as agreed."""
    found = add(session, people.alice, prices=prices(input_tokens="1.5", output_tokens="6"), note=" Contract 12 ")
    assert found.example is not None
    assert (found.example.model, found.example.cost, found.example.list_cost) == (
        "gpt-6-sol",
        Decimal("0.0045"),
        Decimal("0.007"),
    )
    assert found.example.ratio == Decimal("0.0045") / Decimal("0.007")
    assert (found.state, found.note, found.created_by) == ("current", "Contract 12", "Alice")
    assert pricebook.list_overrides(session, people.bob) == [found]
    assert pricebook.list_overrides(session, people.alice, Provider.XAI) == []


def test_the_price_is_kept_digit_for_digit(session: Session, people: People) -> None:
    add(session, people.alice, prices=prices(input_tokens="1.234567890123", output_tokens="1e1"), confirm=True)
    session.commit()
    session.expire_all()
    (stored,) = session.exec(select(PriceOverride)).all()
    assert stored.prices == {"input_tokens": "1.234567890123", "output_tokens": "10"}
    (override,) = overrides_of(session, people.alice.organization_id, Provider.OPENAI)
    assert override.prices == prices(input_tokens="1.234567890123", output_tokens="10")


@pytest.mark.parametrize(
    ("facts", "field", "sentence"),
    [
        ({"percent_of_list": None}, "prices", "Give either a percentage"),
        ({"percent_of_list": Decimal(5), "prices": prices(input_tokens="1")}, "prices", "not both"),
        ({"percent_of_list": Decimal(-1)}, "percentOfList", "Write a number from 0 to below 100,000"),
        ({"percent_of_list": Decimal("NaN")}, "percentOfList", "Write a number"),
        ({"percent_of_list": Decimal("100000")}, "percentOfList", "Write a number"),
        ({"percent_of_list": Decimal("33.33333")}, "percentOfList", "at most 4 places"),
        ({"prices": prices(input_tokens="-1")}, "prices.input_tokens", "Write a number from 0"),
        ({"prices": prices(input_tokens="Infinity")}, "prices.input_tokens", "Write a number from 0"),
        ({"prices": prices(input_tokens="0.0000000000001")}, "prices.input_tokens", "at most 12 places"),
        ({"prices": prices(input_token="1")}, "prices.input_token", "There is no unit 'input_token'. Tokens are"),
        ({"prices": prices(input="1")}, "prices.input", "There is no unit 'input'. Tokens are"),
        ({"prices": {"drop table": Decimal(1)}}, "prices.drop table", "There is no unit"),
        ({"valid_to": T0}, "validTo", "must end after it starts"),
        ({"note": "x" * 501}, "note", "at most 500 characters"),
        ({"model_pattern": "  "}, "modelPattern", "Name a model"),
        ({"model_pattern": "gpt\x00"}, "modelPattern", "Name a model"),
    ],
)
def test_what_is_refused(session: Session, people: People, facts: dict[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        add(session, people.alice, **facts)
    assert sentence in refused.value.message
    assert [problem["field"] for problem in refused.value.details] == [field]


@pytest.mark.parametrize(
    ("pattern", "facts", "unit", "ratio"),
    [
        ("gpt-6-sol", {"prices": prices(input_tokens="0.002", output_tokens="0.01")}, "uncached_input_tokens", "0.001"),
        ("gpt-6-sol", {"prices": prices(output_tokens="200")}, "output_tokens", "20"),
        ("gpt-6-sol", {"prices": prices(input_tokens="0.1")}, "uncached_input_tokens", "0.05"),
        ("gpt-6-sol", {"percent_of_list": Decimal(5)}, "uncached_input_tokens", "0.05"),
        ("gpt-6-*", {"percent_of_list": Decimal(2000)}, "uncached_input_tokens", "20"),
        ("gpt-6-sol", {"percent_of_list": Decimal(0)}, "uncached_input_tokens", "0"),
    ],
)
def test_twenty_times_off_the_list_needs_a_second_word(
    session: Session, people: People, pattern: str, facts: dict[str, Any], unit: str, ratio: str
) -> None:
    with pytest.raises(ApiError) as refused:
        add(session, people.alice, pattern, **facts)
    error = refused.value
    assert (error.status_code, error.code) == (409, "PRICE_NEEDS_CONFIRMATION")
    assert (error.details["unit"], error.details["ratio"]) == (unit, ratio)
    assert "the list price" in error.message
    assert add(session, people.alice, pattern, confirm=True, **facts).model_pattern == pattern


@pytest.mark.parametrize(
    ("pattern", "facts"),
    [
        ("gpt-6-sol", {"prices": prices(output_tokens="199.99", input_tokens="0.11")}),
        ("gpt-6-*", {"percent_of_list": Decimal("5.0001")}),
        ("gpt-6-*", {"percent_of_list": Decimal("1999.9999")}),
        ("a-model-of-our-own", {"prices": prices(input_tokens="5000")}),
    ],
)
def test_a_big_discount_is_no_mistake(session: Session, people: People, pattern: str, facts: dict[str, Any]) -> None:
    assert add(session, people.alice, pattern, **facts).model_pattern == pattern


def test_the_same_pattern_twice_from_one_moment(session: Session, people: People) -> None:
    add(session, people.alice)
    with pytest.raises(ConflictError, match="from that moment on already"):
        add(session, people.alice)
    add(session, people.alice, valid_from=T0 + DAY)
    add(session, people.charlie)


def test_a_change_ends_the_old_price_and_begins_a_new_one(session: Session, people: People) -> None:
    old = add(session, people.alice, valid_to=T0 + 300 * DAY)
    change = wanted("whatever", provider=Provider.XAI, percent_of_list=Decimal(40), valid_from=T0 + DAY)
    new = pricebook.replace_override(session, people.alice, old.id, change)
    assert (new.provider, new.model_pattern, new.percent_of_list) == (Provider.OPENAI, "gpt-6-sol", 40)
    assert (new.valid_from, new.valid_to) == (T0 + DAY, T0 + 300 * DAY)
    ended = pricebook.get_override(session, people.alice, old.id)
    assert (ended.percent_of_list, ended.valid_to) == (50, T0 + DAY)
    with pytest.raises(ValidationError, match="This price is over since 2026-11-02 00:00 UTC"):
        pricebook.replace_override(session, people.alice, old.id, change)
    with pytest.raises(ValidationError, match="only begins at 2026-11-02 00:00 UTC"):
        pricebook.replace_override(session, people.alice, new.id, change)
    later = wanted(prices=prices(input_tokens="1000"), valid_from=T0 + 2 * DAY, percent_of_list=None)
    with pytest.raises(ApiError, match="500 times the list price of \\$2"):
        pricebook.replace_override(session, people.alice, new.id, later)


def test_a_price_is_ended_once(session: Session, people: People) -> None:
    price = add(session, people.alice)
    planned = pricebook.end_override(session, people.alice, price.id, utcnow() + DAY)
    assert planned.state == "current"
    ended = pricebook.end_override(session, people.alice, price.id)
    assert ended.state == "ended"
    with pytest.raises(ValidationError, match="This price is over since"):
        pricebook.end_override(session, people.alice, price.id)
    future = add(session, people.alice, valid_from=utcnow() + DAY)
    assert future.state == "planned"
    with pytest.raises(ValidationError, match="only begins at"):
        pricebook.end_override(session, people.alice, future.id)
    assert [view.state for view in pricebook.list_overrides(session, people.alice)] == ["planned", "ended"]


def test_only_what_has_priced_nothing_is_deleted(session: Session, people: People) -> None:
    unused, used = add(session, people.alice, "gpt-5*"), add(session, people.alice)
    agreed = overrides_of(session, people.alice.organization_id, Provider.OPENAI)
    replace_buckets(session, account(people.alice, overrides=agreed), [bucket(0, usage(0))])
    assert pricebook.delete_override(session, people.alice, unused.id) is None
    ended = pricebook.delete_override(session, people.alice, used.id)
    assert ended is not None
    assert ended.state == "ended"
    with pytest.raises(ConflictError, match="This price is over and stays"):
        pricebook.delete_override(session, people.alice, used.id)
    assert [view.id for view in pricebook.list_overrides(session, people.alice)] == [used.id]


def test_a_look_up_says_list_and_agreement_with_version_and_units(session: Session, people: People) -> None:
    price = add(session, people.alice, prices=prices(input_tokens="1"), valid_to=T0 + DAY)
    (found,) = pricebook.look_up(session, people.bob, " gpt-6-sol ", at=T0)
    assert (found.provider, found.source, found.ref) == (Provider.OPENAI, "genai-prices", "gpt-6-sol")
    assert found.version
    listed = {unit.unit: unit.per_million for unit in found.listed if not unit.above and unit.guess is None}
    assert listed.items() >= prices(uncached_input_tokens="2", cache_read_tokens="0.2", output_tokens="10").items()
    agreed = {unit.unit: unit.per_million for unit in found.agreed if not unit.above and unit.guess is None}
    assert agreed.items() >= prices(uncached_input_tokens="1", output_tokens="10").items()
    assert found.override is not None
    assert found.override.id == price.id
    (after,) = pricebook.look_up(session, people.bob, "gpt-6-sol", at=T0 + DAY)
    assert (after.override, after.agreed) == (None, ())
    (theirs,) = pricebook.look_up(session, people.charlie, "gpt-6-sol", at=T0)
    assert theirs.override is None


def test_a_price_that_rises_with_the_length_of_the_input(session: Session, people: People) -> None:
    """Gemini 3.1 Pro: $2 and $12 a million up to 200,000 input tokens, $4 and $18 above."""
    (found,) = pricebook.look_up(session, people.alice, "gemini-3.1-pro-preview", Provider.GOOGLE, T0)
    by_level = {(unit.above, unit.unit): unit.per_million for unit in found.listed}
    assert by_level[0, "uncached_input_tokens"] == 2
    assert by_level[200_000, "uncached_input_tokens"] == 4
    assert by_level[200_000, "output_tokens"] == 18
    assert (200_000, "web_search_requests") not in by_level


def test_a_look_up_of_the_past_and_of_what_nobody_knows(session: Session, people: People) -> None:
    """o3 cost $10 a million before June 2025."""
    (past,) = pricebook.look_up(session, people.alice, "o3", Provider.OPENAI, datetime(2025, 6, 1, tzinfo=UTC))
    assert next(unit.per_million for unit in past.listed) == 10
    (unknown,) = pricebook.look_up(session, people.alice, "gpt-99", Provider.OPENAI)
    assert (unknown.listed, unknown.agreed, unknown.example, unknown.version) == ((), (), None, None)
    assert pricebook.look_up(session, people.alice, "gpt-99") == []
    add(session, people.alice, "gpt-99", prices=prices(input_tokens="3"))
    (agreed,) = pricebook.look_up(session, people.alice, "gpt-99", at=T0)
    assert next((unit.unit, unit.per_million) for unit in agreed.agreed) == ("uncached_input_tokens", 3)
    assert agreed.listed == ()
    with pytest.raises(ValidationError, match="Name the model"):
        pricebook.look_up(session, people.alice, " ")


def test_who_may(session: Session, people: People) -> None:
    price = add(session, people.alice)
    changes = (
        lambda actor: add(session, actor),
        lambda actor: pricebook.replace_override(session, actor, price.id, wanted(valid_from=T0 + timedelta(days=2))),
        lambda actor: pricebook.end_override(session, actor, price.id),
        lambda actor: pricebook.delete_override(session, actor, price.id),
    )
    for change in changes:
        with pytest.raises(AuthorizationError):
            change(people.bob)
    for change in changes[1:]:
        with pytest.raises(NotFoundError, match="Price not found"):
            change(people.charlie)
    with pytest.raises(NotFoundError):
        pricebook.get_override(session, people.charlie, price.id)
    assert pricebook.get_override(session, people.bob, price.id) == price
