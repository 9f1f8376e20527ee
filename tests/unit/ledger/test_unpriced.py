"""The queue of usage without a price: what is at stake, what it may cost, and one step that back-fills it."""

from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian import db
from guardian.errors import AuthorizationError, ConflictError, NotFoundError, ValidationError
from guardian.jobs.repricing import reprice
from guardian.models import PriceOverride, UsageLog
from guardian.models.enums import CostSource, Provider, RepriceStatus
from guardian.periods import HOUR
from guardian.pricing.overrides import literal, matches
from guardian.records import UNKNOWN_MODEL, UsageBucket, UsageCounts
from guardian.services.ledger.bills.short import price_of
from guardian.services.ledger.pricebook.copying import copied_prices, nearest
from guardian.services.ledger.repricing import get_run, undo_run
from guardian.services.ledger.repricing.unpriced import Priced, list_unpriced, price_and_backfill
from guardian.services.ledger.sql.shared import read_shared
from guardian.services.ledger.writing.buckets import replace_buckets
from tests.conftest import People
from tests.unit.ledger.making import T0, account, bucket, contents, usage


@pytest.fixture
def planted(people: People) -> None:
    """Two hours of a new model, one of a report that names none, one that lacks a price of a unit, and a priced one."""
    nameless = usage(1, model=UNKNOWN_MODEL, requests=3)
    odd = usage(1, model="gpt-5", counts=UsageCounts(input_tokens=50, units={"unheard_of": Decimal(1)}))
    plant(people, bucket(0, usage(0, model="gpt-6.2-sol"), usage(0)))
    plant(people, bucket(1, usage(1, model="gpt-6.2-sol", tokens=3_000), nameless, odd))


def plant(people: People, *buckets: UsageBucket) -> None:
    with db.session() as session:
        replace_buckets(session, account(people.alice), buckets)


def fill(people: People, model: str = "gpt-6.2-sol", **facts: Any) -> Priced:
    with db.session() as session:
        return price_and_backfill(session, people.alice, provider=Provider.OPENAI, model=model, **facts)


@pytest.mark.usefixtures("planted")
def test_the_queue_names_what_is_at_stake(session: Session, people: People) -> None:
    first, second, third = list_unpriced(session, people.bob)
    assert (first.provider, first.model, first.rows, first.tokens, first.requests) == (
        Provider.OPENAI,
        "gpt-6.2-sol",
        2,
        4_400,
        200,
    )
    assert (first.first_seen, first.last_seen) == (T0, T0 + 2 * HOUR)
    assert first.reason == "No price is known for the model 'gpt-6.2-sol' of OPENAI."
    assert (second.model, second.requests, second.suggestions) == (UNKNOWN_MODEL, 3, ())
    assert (third.model, third.reason) == ("gpt-5", "No price is known for unheard_of of gpt-5.")
    assert "gpt-5" not in [each.model for each in third.suggestions]
    assert list_unpriced(session, people.charlie) == []


@pytest.mark.usefixtures("planted")
def test_the_suggestion_says_what_it_would_cost(session: Session, people: People) -> None:
    """4,000 in and 400 out at $2 and $10 a million, the list price of gpt-6-sol."""
    first, *_ = list_unpriced(session, people.alice)
    costs = {each.model: each.cost for each in first.suggestions}
    assert costs["gpt-6-sol"] == Decimal("0.012")
    assert len(costs) == 3


@pytest.mark.usefixtures("planted")
def test_one_step_prices_and_backfills_and_can_be_undone(session: Session, people: People) -> None:
    before = contents(session)
    session.rollback()
    done = fill(people, like="gpt-6-sol")
    assert done.override.prices.items() >= {"input_tokens": Decimal(2), "output_tokens": Decimal(10)}.items()
    assert done.override.valid_from == T0
    assert done.override.note is not None
    assert done.override.note.startswith("Prices of gpt-6-sol as listed for 2026-11-01 (genai-prices ")
    assert (done.run.status, done.run.dry_run) == (RepriceStatus.QUEUED, False)
    reprice(done.run.id)
    found = get_run(session, people.alice, done.run.id)
    assert (found.status, found.unpriced_before, found.unpriced_after) == (RepriceStatus.APPLIED, 2, 0)
    assert found.cost_after == Decimal("0.012")
    assert "gpt-6.2-sol" not in [each.model for each in list_unpriced(session, people.alice)]
    session.rollback()
    with db.session() as other:
        undo_run(other, people.alice, done.run.id)
    reprice(done.run.id)
    assert contents(session) == before


@pytest.mark.usefixtures("planted")
def test_prices_of_ones_own(session: Session, people: People) -> None:
    """3,000 in and 300 out at $1 and $2, and 1,000 in and 100 out: $0.0048."""
    done = fill(people, prices={"input_tokens": Decimal(1), "output_tokens": Decimal(2)})
    reprice(done.run.id)
    assert get_run(session, people.alice, done.run.id).cost_after == Decimal("0.0048")
    rows = session.exec(select(UsageLog.price_id, UsageLog.cost_source)).all()
    prices = read_shared(session, [price for price, _ in rows])
    mine = [source for price, source in rows if price and price_of(prices[price]).ref == done.override.id]
    assert mine == [CostSource.COMPUTED] * 2


@pytest.mark.usefixtures("planted")
def test_what_is_refused_leaves_nothing_behind(session: Session, people: People) -> None:
    for facts in ({}, {"like": "gpt-5", "prices": {"input_tokens": Decimal(1)}}):
        with pytest.raises(ValidationError, match="Give either the model"):
            fill(people, **facts)
    with pytest.raises(ValidationError, match="does not know 'gpt-99'"):
        fill(people, like="gpt-99")
    with pytest.raises(NotFoundError, match="Unpriced usage of this model not found"):
        fill(people, "gpt-6-sol", like="gpt-5")
    with pytest.raises(AuthorizationError), db.session() as other:
        price_and_backfill(other, people.bob, provider=Provider.OPENAI, model="gpt-6.2-sol", like="gpt-5")
    with pytest.raises(NotFoundError), db.session() as other:
        price_and_backfill(other, people.charlie, provider=Provider.OPENAI, model="gpt-6.2-sol", like="gpt-5")
    fill(people, like="gpt-6-sol")
    with pytest.raises(ConflictError, match="under way"):
        fill(people, "gpt-5", prices={"unheard_of": Decimal(1)})
    assert len(session.exec(select(PriceOverride)).all()) == 1


@pytest.mark.parametrize(
    ("provider", "model", "family"),
    [
        (Provider.OPENAI, "gpt-6.2-astra", "gpt-6"),
        (Provider.ANTHROPIC, "claude-opus-6-20270101", "claude-opus"),
        (Provider.XAI, "grok-5-fast", "grok"),
        (Provider.CUSTOM, "llama-3.3-70b-house", "llama"),
    ],
)
def test_the_nearest_models_are_of_the_same_family_and_can_be_copied(
    provider: Provider, model: str, family: str
) -> None:
    near = nearest(provider, model, T0)
    assert near
    assert family in near[0].model
    copied = copied_prices(provider, model, near[0].model, T0)
    assert copied is not None
    assert copied.prices == near[0].prices


def test_a_listed_model_is_not_nearest_to_itself() -> None:
    assert "gpt-5" not in [each.model for each in nearest(Provider.OPENAI, "gpt-5", T0)]
    assert nearest(Provider.OPENAI, "zz", T0) == []


def test_a_tiered_price_is_copied_as_its_base() -> None:
    found = copied_prices(Provider.GOOGLE, "gemini-99-pro", "gemini-3.1-pro-preview", T0)
    assert found is not None
    assert found.prices["input_tokens"] == 2
    assert "without its higher price for long inputs" in found.note
    assert copied_prices(Provider.GOOGLE, "gemini-99-pro", "gemini-98", T0) is None


@pytest.mark.parametrize("model", ["gpt-5", "a*b", "what?", "org/[x]", "[!a]"])
def test_a_name_with_the_characters_of_a_glob_means_itself(model: str) -> None:
    assert matches(literal(model), model)
    assert not matches(literal(model), model + "x")
    assert not matches(literal("a*b"), "axb")
