"""Our own table: when an entry of it holds, and that it only fills what the catalog lacks."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice, Tier, TieredPrices
from genai_prices.types import Provider as CatalogProvider

from guardian.models.enums import Provider
from guardian.pricing.calculator import INCOMPLETE, price
from guardian.pricing.catalog import CATALOG_IDS
from guardian.pricing.own import key_prices
from guardian.pricing.supplements import (
    DERIVED,
    DISPUTED,
    FEES,
    REQUEST_FEES,
    UPLIFTS,
    VERSION,
    Fee,
    Place,
    fees,
    uplift,
)
from guardian.records import UsageRecord
from tests.unit.pricing.make import ESTIMATED, call

TODAY = date(2026, 11, 22)


@pytest.fixture
def _bundled_catalog_afterwards() -> Iterator[None]:
    yield
    set_custom_snapshot(None)


def only(provider: str, name: str, prices: ModelPrice) -> None:
    """A catalog of one model."""
    model = ModelInfo(id=name, match=ClauseEquals(equals=name), prices=prices)
    set_custom_snapshot(DataSnapshot([CatalogProvider(id=provider, name="", api_pattern="", models=[model])], False))


@pytest.mark.parametrize("entry", [*UPLIFTS, *DERIVED, *FEES])
def test_every_entry_holds_for_a_model_that_there_is(entry: Fee) -> None:
    source = next(p for p in get_snapshot().providers if p.id == CATALOG_IDS[entry.provider])
    names = [model.id for model in source.models] + ["search", "code-interpreter"]
    assert any(entry.holds(entry.provider, name, VERSION) for name in names)
    assert not entry.holds(Provider.CUSTOM, names[0], VERSION)


def test_every_size_of_request_is_of_a_model_that_there_is() -> None:
    source = next(p for p in get_snapshot().providers if p.id == "perplexity")
    listed = {model.id: model.prices for model in source.models}
    for model, by_size in REQUEST_FEES.items():
        prices = listed[model]
        assert isinstance(prices, ModelPrice)
        # The catalog's only fee is the highest one.
        assert vars(prices)["requests_kcount"] == max(by_size.values()) == by_size["high"]


def test_an_entry_holds_from_its_day_on_and_until_its_end() -> None:
    first = next(entry for entry in UPLIFTS if entry.since != date.min)
    for day, holds in ((first.since - timedelta(days=1), False), (first.since, True)):
        assert first.holds(Provider.OPENAI, "gpt-5.4", day) is holds
    ended = Fee(
        provider=Provider.XAI, models=first.models, unit="u", price=Decimal(1), since=TODAY, until=date(2026, 12, 1)
    )
    assert ended.holds(Provider.XAI, "gpt-5.4", date(2026, 11, 30))
    assert not ended.holds(Provider.XAI, "gpt-5.4", date(2026, 12, 1))


@pytest.mark.parametrize(
    ("provider", "model", "place", "factor"),
    [
        (Provider.ANTHROPIC, "claude-opus-5-5", Place(geo="US"), "1.1"),
        (Provider.ANTHROPIC, "claude-opus-5-5", Place(geo="not_available"), "1"),
        (Provider.OPENAI, "gpt-6-sol", Place(region="eu"), "1.1"),
        (Provider.OPENAI, "gpt-6-sol", Place(region=""), "1"),
        (Provider.OPENAI, "gpt-4o", Place(region="eu"), "1"),
        (Provider.XAI, "grok-4.3", Place(region="us"), "1.1"),
        (Provider.XAI, "grok-4.3", Place(region="eu"), "1"),
    ],
)
def test_a_place_has_its_factor(provider: Provider, model: str, place: Place, factor: str) -> None:
    assert uplift(provider, model, TODAY, place) == (Decimal(factor), None)


@pytest.mark.parametrize(
    ("provider", "model"),
    [(Provider.GOOGLE, "gemini-3.8-flash"), (Provider.OPENAI, "gpt-6-cyber"), (Provider.PERPLEXITY, "sonar")],
)
def test_a_region_of_which_nobody_knows_the_price_is_doubted(provider: Provider, model: str) -> None:
    factor, doubt = uplift(provider, model, TODAY, Place(region="eu"))
    assert factor == 1
    assert doubt
    assert "eu" in doubt


def test_fees_of_one_unit_are_of_one_price() -> None:
    for provider, model in ((Provider.XAI, "grok-4.3"), (Provider.PERPLEXITY, "perplexity/sonar")):
        units = [fee.unit for fee in fees(provider, model, TODAY)]
        assert len(units) == len(set(units)) > 3


@pytest.mark.usefixtures("_bundled_catalog_afterwards")
def test_the_catalogs_own_fee_goes_before_ours() -> None:
    only("x-ai", "grok-9", ModelPrice(input_mtok=Decimal(1), web_searches_kcount=Decimal(7)))
    assert price(call("grok-9", web_search_requests=1)).amount == Decimal("0.007")
    assert price(call("grok-9", x_search_requests=1)).amount == Decimal("0.005")


@pytest.mark.usefixtures("_bundled_catalog_afterwards")
@pytest.mark.parametrize("start", [199_999, 200_000])
def test_xais_long_request_begins_at_the_border_however_the_catalog_writes_it(start: int) -> None:
    tiered = TieredPrices(base=Decimal(1), tiers=[Tier(start=start, price=Decimal(2))])
    only("x-ai", "grok-9", ModelPrice(input_mtok=tiered))
    assert price(call("grok-9", i=199_999)).amount == Decimal("0.199999")
    assert price(call("grok-9", i=200_000)).amount == Decimal("0.4")
    only("openai", "gpt-9", ModelPrice(input_mtok=tiered))
    assert price(call("gpt-9", i=start)).amount == Decimal(start) / 10**6
    assert price(call("gpt-9", i=start + 1)).amount == Decimal(2 * start + 2) / 10**6


def test_a_multiple_is_seen_on_the_bill() -> None:
    [line] = price(call("gpt-6-sol", i=1000, w12=1000)).lines
    assert (line.unit, line.unit_price, line.multiplier) == ("cache_write_12h_tokens", Decimal("0.0000025"), 2)


def incomplete(why: str) -> UsageRecord:
    record = call("gemini-3.8-flash", i=1000)
    return UsageRecord(**{f: getattr(record, f) for f in record.__slots__} | {"dimensions": {INCOMPLETE: why}})


@pytest.mark.parametrize(("why", "said"), [("tokens", "only a part"), ("provisioned_throughput", "reservation")])
def test_a_row_whose_tokens_do_not_tell_its_cost_is_unpriced(why: str, said: str) -> None:
    bill = price(incomplete(why))
    assert bill.amount is None
    assert bill.reason
    assert said in bill.reason


def test_what_was_repaired_in_the_counts_makes_an_estimate_and_is_told_first() -> None:
    record = call("gpt-5", i=1000, tier="scale")
    doubted = UsageRecord(**{f: getattr(record, f) for f in record.__slots__} | {"doubts": ("a was cut", "b was cut")})
    bill = price(doubted)
    assert (bill.amount, bill.source) == (price(record).amount, ESTIMATED)
    assert bill.reason == ("A was cut; b was cut. The catalog has no scale price of gpt-5; the standard price is used.")


@pytest.mark.parametrize(("catalog_id", "model"), DISPUTED)
def test_a_price_that_two_lists_dispute_is_an_estimate(catalog_id: str, model: str) -> None:
    own = key_prices("k", {"catalog": catalog_id})
    bill = price(call(model, i=1000, provider=Provider.CUSTOM), own, key_id="k")
    assert bill.amount is not None
    assert bill.source is ESTIMATED
    assert bill.reason
    assert bill.reason.startswith("The lists disagree about")
