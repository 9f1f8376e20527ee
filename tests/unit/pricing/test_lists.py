"""The list to look at: the same prices that calls are priced with, and the nearest model of a name without one."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from guardian.models.enums import Provider
from guardian.pricing.calculator import price
from guardian.pricing.lists import list_price, nearest_models, why_near
from tests.unit.pricing.make import MODELS, NOVEMBER, call, utc

NOW = utc(NOVEMBER)


def test_a_listed_price_says_all_that_a_model_costs() -> None:
    found = list_price(Provider.OPENAI, "gpt-5.6-sol-2026-07-01", NOW)
    assert found is not None
    assert (found.model, found.source, found.since) == ("gpt-5.6-sol", "genai-prices", date(2026, 8, 21))
    assert found.version
    assert found.prices == {
        "input_tokens": 4,
        "cache_read_tokens": Decimal("0.4"),
        "cache_write_tokens": 5,
        "cache_write_12h_tokens": 10,
        "output_tokens": 20,
        "web_search_requests": 10_000,
        "file_search_requests": 2_500,
        "code_interpreter_sessions": 30_000,
    }
    long = {
        "input_tokens": 8,
        "cache_read_tokens": Decimal("0.8"),
        "cache_write_tokens": 10,
        "output_tokens": 30,
    }
    assert found.tiers == ((272_000, long),)
    assert list(found.doubts) == ["code_interpreter_sessions"]


def test_a_price_is_that_of_its_moment() -> None:
    before = list_price(Provider.OPENAI, "o3", datetime(2025, 6, 9, 23, 59, tzinfo=UTC))
    after = list_price(Provider.OPENAI, "o3", datetime(2025, 6, 10, tzinfo=UTC))
    assert before is not None
    assert after is not None
    assert (before.prices["input_tokens"], before.since) == (10, None)
    assert (after.prices["input_tokens"], after.since) == (2, date(2025, 6, 10))


def test_what_no_list_has_is_none() -> None:
    assert list_price(Provider.OPENAI, "gpt-6.2-sol", NOW) is None
    assert list_price(Provider.CUSTOM, "llama-3", NOW) is None


def test_every_listed_input_price_is_what_a_million_tokens_cost() -> None:
    for provider, model in MODELS:
        found = list_price(provider, model.id, NOW)
        assert found is not None
        if "requests" in found.prices or "input_tokens" not in found.prices or found.tiers:
            continue
        assert price(call(model.id, i=10**6, provider=provider)).amount == found.prices["input_tokens"], model.id


@pytest.mark.parametrize(
    ("provider", "model", "nearest"),
    [
        (Provider.OPENAI, "gpt-6.2-sol", "gpt-6.1-sol"),
        (Provider.OPENAI, "gpt-6.2-astra-2026-11-20", "gpt-6-astra"),
        (Provider.OPENAI, "GPT-5-mini-turbo", "gpt-5-mini"),
        (Provider.OPENAI, "o5-mini", "o4-mini"),
        (Provider.OPENAI, "text-embedding-4-small", "text-embedding-3-small"),
        (Provider.XAI, "grok-5", "grok-4.5"),
        (Provider.PERPLEXITY, "perplexity/glm-5.4", "perplexity/glm-5.3"),
        (Provider.CUSTOM, "mistral-large-5", "mistral-large-4"),
        (Provider.CUSTOM, "meta-llama/Llama-3.3-70B-Instruct", "meta-llama/llama-3.3-70b-instruct"),
    ],
)
def test_the_nearest_model_is_of_the_same_family(provider: Provider, model: str, nearest: str) -> None:
    found = nearest_models(provider, model, NOW)
    assert 1 < len(found) <= 3
    assert found[0].model == nearest
    assert found[0].prices["input_tokens"] > 0
    assert found[0].provider is provider


@pytest.mark.parametrize(
    ("provider", "model", "word", "why"),
    [
        (Provider.OPENAI, "gpt-7-realtime", "realtime", "Of the same family (gpt), and for speech too."),
        (Provider.OPENAI, "gpt-7-transcribe", "transcribe", "Of the same family (gpt), and for transcription too."),
        (Provider.OPENAI, "gpt-image-9", "image", "Of the same family (gpt), and for pictures too."),
        (Provider.OPENAI, "text-embedding-9", "embedding", "Of the same family (text), and for embeddings too."),
        (Provider.GOOGLE, "gemini-9-flash-image", "image", "Of the same family (gemini), and for pictures too."),
        (Provider.ANTHROPIC, "claude-opus-9", "opus", "Of the same family (claude), and for text too."),
    ],
)
def test_the_nearest_model_is_for_the_same(provider: Provider, model: str, word: str, why: str) -> None:
    best = nearest_models(provider, model, NOW)[0]
    assert word in best.model
    assert why_near(model, best.model) == why


def test_a_text_model_is_not_priced_like_one_for_pictures_or_speech() -> None:
    for model in ("gpt-9", "gpt-9-mini", "gpt-9-pro"):
        near = nearest_models(Provider.OPENAI, model, NOW, n=10)
        assert not any(word in each.model for each in near for word in ("image", "audio", "realtime", "tts"))
    assert why_near("gpt-9", "gpt-image-1") == (
        "Of the same family (gpt), but for pictures and not for text: look at its prices first."
    )
    assert why_near("mini-9", "gpt-5-mini") == "Its name is like this one's, and for text too."


def test_the_nearest_opus_is_an_opus() -> None:
    assert all("opus" in found.model for found in nearest_models(Provider.ANTHROPIC, "claude-opus-6", NOW, n=5))


@pytest.mark.parametrize("model", ["", "7", "quetzal", "我的模型"])
def test_a_name_that_is_like_no_other_has_no_suggestion(model: str) -> None:
    assert nearest_models(Provider.OPENAI, model, NOW) == ()
