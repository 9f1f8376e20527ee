"""The catalog's data: what of it we read, and that another snapshot takes effect."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from genai_prices.types import ClauseEquals, ConditionalPrice, ModelInfo, ModelPrice, TimeOfDateConstraint
from genai_prices.types import Provider as CatalogProvider

from guardian.models.enums import CostSource
from guardian.pricing.calculator import price
from guardian.pricing.catalog import UNITS
from tests.unit.pricing.make import MODELS, bucket, call


def test_we_read_every_price_that_the_catalog_has_for_our_providers() -> None:
    for _, model in MODELS:
        dated = [c.prices for c in model.prices] if isinstance(model.prices, list) else [model.prices]
        for prices in dated + [variant.prices for variant in model.price_variants or ()]:
            assert {key for key, value in vars(prices).items() if value is not None} <= UNITS.keys(), model.id


@pytest.fixture
def _bundled_catalog_afterwards() -> Iterator[None]:
    yield
    set_custom_snapshot(None)


def _snapshot(prices: ModelPrice | list[ConditionalPrice], *, updated: bool = False) -> DataSnapshot:
    model = ModelInfo(id="m", match=ClauseEquals(equals="m"), prices=prices)
    return DataSnapshot([CatalogProvider(id="openai", name="OpenAI", api_pattern="", models=[model])], updated)


@pytest.mark.usefixtures("_bundled_catalog_afterwards")
def test_an_updated_catalog_is_used_at_once_and_named() -> None:
    set_custom_snapshot(_snapshot(ModelPrice(input_mtok=Decimal(1))))
    assert price(call("m", i=1000)).amount == Decimal("0.001")
    set_custom_snapshot(_snapshot(ModelPrice(input_mtok=Decimal(2)), updated=True))
    bill = price(call("m", i=1000))
    assert bill.amount == Decimal("0.002")
    assert bill.price_version
    assert bill.price_version.startswith(f"{genai_prices.__version__}+20")
    set_custom_snapshot(None)
    assert price(call("m", i=1000)).amount is None


@pytest.mark.usefixtures("_bundled_catalog_afterwards")
def test_a_price_by_time_of_day_is_looked_up_by_the_minute() -> None:
    night = TimeOfDateConstraint(
        datetime(2026, 1, 1, 16, 30, tzinfo=UTC).timetz(), datetime(2026, 1, 1, 0, 30, tzinfo=UTC).timetz()
    )
    set_custom_snapshot(
        _snapshot(
            [
                ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(4))),
                ConditionalPrice(night, prices=ModelPrice(input_mtok=Decimal(1))),
            ]
        )
    )
    for clock, amount in (("00:29", 1), ("00:30", 4), ("16:29", 4), ("16:30", 1)):
        assert price(call("m", f"2026-11-01T{clock}:00", i=10**6)).amount == amount
    day = price(bucket("m", i=10**6))
    assert (day.amount, day.source) == (1, CostSource.ESTIMATED)


@pytest.mark.usefixtures("_bundled_catalog_afterwards")
def test_a_fee_that_differs_between_models_is_not_guessed_for_an_unnamed_one() -> None:
    models = [
        ModelInfo(id=name, match=ClauseEquals(equals=name), prices=ModelPrice(web_searches_kcount=Decimal(fee)))
        for name, fee in (("m", 10), ("n", 25))
    ]
    set_custom_snapshot(
        DataSnapshot([CatalogProvider(id="openai", name="OpenAI", api_pattern="", models=models)], False)
    )
    assert price(call("m", web_search_requests=1)).amount == Decimal("0.01")
    assert price(call("web-search", web_search_requests=1)).amount is None


@pytest.mark.usefixtures("_bundled_catalog_afterwards")
@pytest.mark.parametrize(
    ("name", "surcharge"),
    [
        ("claude-sonnet-4-20250514", False),
        ("claude-sonnet-4-5", False),
        ("claude-sonnet-4-6", True),
        ("claude-sonnet-4-10", True),
        ("claude-sonnet-6-20270101", True),
        ("claude-3-opus", False),
    ],
)
def test_the_date_in_a_models_name_is_not_its_version(name: str, surcharge: bool) -> None:
    model = ModelInfo(id=name, match=ClauseEquals(equals=name), prices=ModelPrice(input_mtok=Decimal(1)))
    source = CatalogProvider(id="anthropic", name="Anthropic", api_pattern="", models=[model])
    set_custom_snapshot(DataSnapshot([source], False))
    assert price(call(name, i=10**6, geo="us")).amount == Decimal("1.1" if surcharge else "1")
