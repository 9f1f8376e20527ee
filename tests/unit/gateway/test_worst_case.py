"""The worst case of a call: its input at the dearest price, and the longest answer that it allows."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from guardian.gateway.bodies import wanted_of
from guardian.gateway.paths import resolve
from guardian.gateway.worst_case import DEFAULT_MOST_OUTPUT, WorstCases
from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.pricing.calculator import price
from guardian.pricing.overrides import Override
from guardian.records import UsageCounts, UsageRecord

AGREED = (
    Override(
        id="o1",
        provider=Provider.OPENAI,
        model_pattern="acme-1",
        valid_from=datetime(2020, 1, 1, tzinfo=UTC),
        prices={"input_tokens": Decimal(2), "output_tokens": Decimal(10)},
    ),
)


def test_input_and_the_longest_answer_at_their_prices() -> None:
    worst = WorstCases()
    found = worst.of(Provider.OPENAI, "acme-1", AGREED, None, input_tokens=1_000, most_output=500)
    assert found == Decimal("0.002") + Decimal("0.005")
    twice = worst.of(Provider.OPENAI, "acme-1", AGREED, None, input_tokens=1_000, most_output=500, answers=2)
    assert twice == Decimal("0.002") + Decimal("0.010")
    open_end = worst.of(Provider.OPENAI, "acme-1", AGREED, None, input_tokens=0, most_output=None)
    assert open_end == DEFAULT_MOST_OUTPUT * Decimal("0.00001")


def test_a_model_without_a_price_has_no_worst_case() -> None:
    assert WorstCases().of(Provider.OPENAI, "acme-1", (), None, input_tokens=1, most_output=1) is None


def test_another_agreement_is_another_price() -> None:
    worst = WorstCases()
    listed = worst.of(Provider.OPENAI, "gpt-4o", (), None, input_tokens=1_000, most_output=1_000)
    half = (
        Override(
            id="o2",
            provider=Provider.OPENAI,
            model_pattern="gpt-4o",
            valid_from=datetime(2020, 1, 1, tzinfo=UTC),
            percent_of_list=Decimal(50),
        ),
    )
    agreed = worst.of(Provider.OPENAI, "gpt-4o", half, None, input_tokens=1_000, most_output=1_000)
    assert listed is not None
    assert agreed == listed / 2


def test_input_that_is_written_to_the_dearest_cache() -> None:
    """Anthropic's cache of an hour costs twice the input; what of it a request asks for is not looked at."""
    record = UsageRecord(
        provider=Provider.ANTHROPIC,
        operation="chat",
        model="claude-sonnet-4-6",
        start=utcnow(),
        end=utcnow(),
        counts=UsageCounts(input_tokens=1_000, cache_write_1h_tokens=1_000, output_tokens=10),
        requests=1,
    )
    found = WorstCases().of(Provider.ANTHROPIC, "claude-sonnet-4-6", (), None, input_tokens=1_000, most_output=10)
    cost = price(record).amount
    assert cost is not None
    assert found is not None
    assert found >= cost


@pytest.mark.parametrize(
    ("provider", "model", "body"),
    [
        (Provider.OPENAI, "gpt-5.4-mini", {"service_tier": "priority"}),
        (Provider.OPENAI, "gpt-5.4-mini", {"service_tier": "flex"}),
        (Provider.OPENAI, "gpt-5.4-mini", {"service_tier": 7}),
        (Provider.ANTHROPIC, "claude-opus-4-6", {"speed": "fast", "inference_geo": "us"}),
        (Provider.ANTHROPIC, "claude-opus-4-6", {"inference_geo": "us"}),
    ],
)
def test_a_dearer_way_of_processing_that_is_asked_for(provider: Provider, model: str, body: dict[str, Any]) -> None:
    """Of the usual way and the one asked for the dearer counts: a provider may take either."""
    path = b"/openai/v1/chat/completions" if provider is Provider.OPENAI else b"/anthropic/v1/messages"
    asked = resolve("POST", path, b"")
    assert asked is not None
    terms = wanted_of(asked, json.dumps({"model": model, **body}).encode()).terms
    worst = WorstCases()
    found = worst.of(provider, model, (), None, input_tokens=1_000, most_output=1_000, terms=terms)
    usual = worst.of(provider, model, (), None, input_tokens=1_000, most_output=1_000)
    said = {name: value for name, value in body.items() if isinstance(value, str)}
    record = UsageRecord(
        provider=provider,
        operation="chat",
        model=model,
        start=utcnow(),
        end=utcnow(),
        counts=UsageCounts(input_tokens=1_000, output_tokens=1_000),
        requests=1,
        service_tier=said.pop("service_tier", None),
        dimensions=said,
    )
    cost = price(record).amount
    assert cost is not None
    assert found is not None
    assert usual is not None
    assert found >= max(cost, usual)


def worst_of(provider: Provider, path: bytes, model: str, body: dict[str, Any], output: int = 0) -> Decimal:
    """What a request of that body can cost, its input left out."""
    asked = resolve("POST", path, b"")
    assert asked is not None
    wanted = wanted_of(asked, json.dumps({"model": model, **body}).encode())
    found = WorstCases().of(
        provider, model, (), None, input_tokens=0, most_output=output, terms=wanted.terms, tools=wanted.tools
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("provider", "path", "model", "body", "fee"),
    [
        (Provider.OPENAI, b"/openai/v1/responses", "gpt-5.4-mini", {"tools": [{"type": "web_search"}]}, "0.05"),
        (
            Provider.OPENAI,
            b"/openai/v1/responses",
            "gpt-5.4-mini",
            {"tools": [{"type": "web_search_preview"}, {"type": "function", "name": "web"}], "max_tool_calls": 20},
            "0.2",
        ),
        (Provider.OPENAI, b"/openai/v1/responses", "gpt-5.4-mini", {"tools": [{"type": "code_interpreter"}]}, "0.03"),
        (Provider.OPENAI, b"/openai/v1/chat/completions", "gpt-5.4-mini", {"web_search_options": {}}, "0.01"),
        (
            Provider.ANTHROPIC,
            b"/anthropic/v1/messages",
            "claude-sonnet-4-6",
            {"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}, {"name": "mine"}]},
            "0.03",
        ),
        (
            Provider.GOOGLE,
            b"/google/v1beta/models/gemini-2.5-flash:generateContent",
            "gemini-2.5-flash",
            {"tools": [{"googleSearch": {}}, {"google_maps": {}}, {"functionDeclarations": []}]},
            "0.3",
        ),
        (Provider.OPENAI, b"/openai/v1/responses", "gpt-5.4-mini", {"tools": "none", "max_tool_calls": True}, "0"),
        (Provider.OPENAI, b"/openai/v1/responses", "gpt-5.4-mini", {"tools": [7, {"type": 7}, {}]}, "0"),
    ],
)
def test_tools_that_are_billed_by_the_call(
    provider: Provider, path: bytes, model: str, body: dict[str, Any], fee: str
) -> None:
    assert worst_of(provider, path, model, body) == Decimal(fee)


def test_a_fee_for_each_request() -> None:
    """Perplexity's Sonar: 12 dollars for 1,000 requests at the largest search context."""
    assert worst_of(Provider.PERPLEXITY, b"/perplexity/chat/completions", "sonar", {}) == Decimal("0.012")


def test_a_tier_that_the_project_chooses_may_be_the_dearest() -> None:
    path = b"/openai/v1/responses"
    auto = worst_of(Provider.OPENAI, path, "gpt-5.4-mini", {"service_tier": "auto"}, output=1_000)
    priority = worst_of(Provider.OPENAI, path, "gpt-5.4-mini", {"service_tier": "priority"}, output=1_000)
    assert auto == priority == Decimal("0.009")
