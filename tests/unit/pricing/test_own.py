"""The prices in a CUSTOM key's metadata: what they become, and what is refused with its field's name."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from guardian.errors import ValidationError
from guardian.models.enums import CostSource, Provider
from guardian.pricing.calculator import price
from guardian.pricing.own import catalog_names, key_prices
from guardian.services.people.provider_keys.testing import prepared
from tests.unit.pricing.make import call

CUSTOM = Provider.CUSTOM


def test_a_key_without_prices_has_none() -> None:
    assert key_prices("k", {}) == ()
    assert key_prices("k", {"baseUrl": "http://llm.example.com", "preset": "plain", "prices": None}) == ()


def test_names_may_be_camel_case_or_snake_case_and_numbers_text_or_not() -> None:
    metadata = {
        "prices": [
            {
                "model": " llama-* ",
                "from": "2026-01-01",
                "to": "2026-12-31T23:00:00+01:00",
                "inputTokens": "0.2",
                "cache_write_12h_tokens": 1,
                "webSearchRequests": Decimal("2500.5"),
                "outputTokens": 0.3,
            }
        ]
    }
    [found] = key_prices("k", metadata)
    assert (found.provider, found.model_pattern, found.key_id) == (CUSTOM, "llama-*", "k")
    assert found.prices == {
        "input_tokens": Decimal("0.2"),
        "cache_write_12h_tokens": Decimal(1),
        "web_search_requests": Decimal("2500.5"),
        "output_tokens": Decimal("0.3"),
    }
    assert found.valid_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.valid_to == datetime(2026, 12, 31, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"catalog": "nobody"}, "metadata.catalog"),
        ({"catalog": 7}, "metadata.catalog"),
        ({"prices": {"model": "m"}}, "metadata.prices"),
        ({"prices": [{}] * 201}, "metadata.prices"),
        ({"prices": ["llama inptu 3"]}, "metadata.prices[0].inptu"),
        ({"prices": [{"model": "m", "input": "3"}]}, "metadata.prices[0].input"),
        ({"prices": ["cheap"]}, "metadata.prices[0]"),
        ({"prices": [{"inputTokens": 1}]}, "metadata.prices[0].model"),
        ({"prices": [{"model": "m"}]}, "metadata.prices[0]"),
        ({"prices": [{"model": "m", "inputTokens": -1}]}, "metadata.prices[0].input_tokens"),
        ({"prices": [{"model": "m", "inputTokens": "NaN"}]}, "metadata.prices[0].input_tokens"),
        ({"prices": [{"model": "m", "inputTokens": "1e9"}]}, "metadata.prices[0].input_tokens"),
        ({"prices": [{"model": "m", "inputTokens": "cheap"}]}, "metadata.prices[0].input_tokens"),
        ({"prices": [{"model": "m", "inputTokens": True}]}, "metadata.prices[0].input_tokens"),
        ({"prices": [{"model": "m", "inputTokens": float("inf")}]}, "metadata.prices[0].input_tokens"),
        ({"prices": [{"model": "m", "from": "soon", "inputTokens": 1}]}, "metadata.prices[0].from"),
        (
            {"prices": [{"model": "m", "from": "2026-02-01", "to": "2026-01-01", "inputTokens": 1}]},
            "metadata.prices[0]",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(metadata: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        key_prices("k", metadata)
    assert refused.value.details[0]["field"] == field


def test_a_key_is_one_of_the_catalogs_services_by_name_or_by_its_preset() -> None:
    assert {"openrouter", "mistral", "deepseek", "azure"} <= set(catalog_names())
    for metadata in ({"catalog": "mistral"}, {"catalog": "mistral", "preset": "openrouter"}):
        bill = price(call("mistral-embed", i=10**6, provider=CUSTOM), key_prices("k", metadata), key_id="k")
        assert (bill.amount, bill.source, bill.price_source) == (Decimal("0.1"), CostSource.COMPUTED, "genai-prices")
        assert bill.price_ref == "mistral/mistral-embed"


def test_a_bill_says_that_the_price_is_the_keys_own() -> None:
    own = key_prices("key_1", {"prices": [{"model": "m", "inputTokens": "1"}]})
    record = call("m", i=1000, provider=CUSTOM)
    bill = price(record, own, key_id="key_1")
    assert (bill.amount, bill.price_source, bill.price_ref) == (Decimal("0.001"), "key", "key_1")
    for key_id in (None, "key_2"):
        assert price(record, own, key_id=key_id).amount is None


def test_another_vendors_calls_have_no_price_of_a_key() -> None:
    own = key_prices("key_1", {"prices": [{"model": "*", "inputTokens": "1"}]})
    assert price(call("gpt-6-sol", i=1000), own, key_id="key_1").amount == Decimal("0.002")


@pytest.mark.parametrize(
    "prices",
    [
        "llama-* input 0.2 output 0.6 cached 0.02 from 2026-01-01\n\nqwen-3 requests 1000 to 2026-12-01\n",
        ["llama-* input 0.2 output 0.6 cached 0.02 from 2026-01-01", "qwen-3 requests 1000 to 2026-12-01"],
    ],
)
def test_prices_may_be_lines_of_words(prices: object) -> None:
    llama, qwen = key_prices("k", {"prices": prices})
    assert llama.model_pattern == "llama-*"
    assert llama.prices == {
        "input_tokens": Decimal("0.2"),
        "output_tokens": Decimal("0.6"),
        "cache_read_tokens": Decimal("0.02"),
    }
    assert llama.valid_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert (qwen.model_pattern, qwen.prices, qwen.valid_to) == (
        "qwen-3",
        {"requests": 1000},
        datetime(2026, 12, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("line", ["llama-*", "llama-* 0.2 0.6 0.1", "llama-* input", "llama-* input cheap"])
def test_a_line_that_is_no_price_is_refused(line: str) -> None:
    with pytest.raises(ValidationError, match=r"metadata.prices\[0\]"):
        key_prices("k", {"prices": line})


def test_a_keys_prices_are_kept_as_lines_and_checked_before_they_are() -> None:
    metadata = {
        "baseUrl": "https://llm.example.com/v1",
        "catalog": "groq",
        "prices": "llama-* input 0.2\nqwen output 1",
    }
    _, kept = prepared(CUSTOM, "sk-1234", metadata)
    assert (kept["catalog"], kept["prices"]) == ("groq", ["llama-* input 0.2", "qwen output 1"])
    assert prepared(CUSTOM, "sk-1234", kept)[1] == kept
    assert len(key_prices("k", kept)) == 3
    for wrong in ({"prices": "llama-* input cheap"}, {"catalog": "nobody"}):
        with pytest.raises(ValidationError, match=f"metadata.{next(iter(wrong))}"):
            prepared(CUSTOM, "sk-1234", metadata | wrong)
