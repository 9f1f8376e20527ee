"""Answers of compatible servers priced by their own word, by a named list or by the key's own prices.

µ are millionths of a dollar: so many tokens times the price per million of the list that the comment names.
"""

from decimal import Decimal
from typing import Any

import pytest

from guardian.models.enums import Provider
from guardian.pricing.own import key_prices
from guardian.providers.usage.streams import merged
from tests.unit.pricing.by_hand.make import ESTIMATED, STATED, Body, Case, assert_as_by_hand, case, chat, message
from tests.unit.providers.usage.make import events, example

LLAMA = {"model": "llama-*", "inputTokens": "0.2", "outputTokens": "0.6"}


def at(body: Body, amount: str | None, *facts: Any, flavour: str = "chat", **more: Any) -> Any:
    return case(Provider.CUSTOM, flavour, body, amount, *facts, **more)


def by_key(body: Body, amount: str | None, metadata: Body, *facts: Any, **more: Any) -> Any:
    """With a key of this metadata, beside another key whose prices must not matter."""
    other = key_prices("key_2", {"prices": [{"model": "*", "inputTokens": "77", "outputTokens": "77"}]})
    overrides = (*key_prices("key_1", metadata), *other, *more.pop("overrides", ()))
    return at(body, amount, *facts, overrides=overrides, key_id="key_1", settings=metadata, **more)


IN_THEIR_UNITS = [
    # OpenRouter with the customer's own key: its fee and the vendor's price, $0.95 + $19
    at(example("openai_compatible/openrouter_chat_final_chunk.json"), "19.95", STATED),
    # without one it is all of it: $0.95
    at(
        chat("openai/gpt-6-sol", 1, 1)
        | {
            "usage": {
                "prompt_tokens": 1,
                "completion_tokens": 1,
                "cost": Decimal("0.95"),
                "is_byok": False,
                "cost_details": {"upstream_inference_cost": Decimal("0.9")},
            }
        },
        "0.95",
        STATED,
    ),
    # cents, where the key's settings say so: $125×0.01
    by_key(
        chat("m", 1, 1) | {"billing": {"charged": 125}},
        "1.25",
        {"usage": {"cost": "billing.charged", "costUnit": "cents"}},
        STATED,
    ),
    # ticks: $5101000×0.0000000001
    at(
        chat("m", 1, 1) | {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost_in_usd_ticks": 5_101_000}},
        "0.0005101",
        STATED,
    ),
    # a price in another currency is left out, and no list has the model
    at(
        chat("m", 1, 1)
        | {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost": {"total_cost": 1, "currency": "EUR"}}},
        None,
    ),
]

NAMED_LISTS = [
    # nobody says what it costs
    at(example("openai_compatible/deepseek_chat.json"), None),
    # DeepSeek by day, about which the lists disagree: 76×0.27 + 1024×0.07 + 20×1.1 µ
    by_key(
        example("openai_compatible/deepseek_chat.json"),
        "0.0001142",
        {"catalog": "deepseek"},
        ESTIMATED,
        at="2026-11-01T12:00:00",
    ),
    # 76×0.55 + 1024×0.14 + 20×2.19 µ until 16:30 UTC
    by_key(
        chat("deepseek-reasoner", 1100, 20, cached_tokens=1024),
        "0.00022896",
        {"catalog": "deepseek"},
        at="2026-11-01T16:29:59",
    ),
    # a quarter of it then: 76×0.135 + 1024×0.035 + 20×0.55 µ
    by_key(
        chat("deepseek-reasoner", 1100, 20, cached_tokens=1024),
        "0.0000571",
        {"preset": "deepseek"},
        at="2026-11-01T16:30:00",
    ),
    # Mistral, about which they disagree, too: 16×2 + 34×6 µ
    by_key(example("openai_compatible/mistral_chat.json"), "0.000236", {"catalog": "mistral"}, ESTIMATED),
    # 16×0.5 + 34×1.5 µ
    by_key(chat("mistral-large-2512", 16, 34), "0.000059", {"catalog": "mistral"}),
    # in a batch: 1000×0.25 + 100×0.75 µ
    by_key(chat("mistral-large-2512", 1000, 100), "0.000325", {"catalog": "mistral"}, tier="batch"),
    # OpenRouter's list: 600×4 + 400×0.2 + 100×20 µ
    by_key(chat("anthropic/claude-opus-5.5", 1000, 100, cached_tokens=400), "0.00448", {"preset": "openrouter"}),
    # Azure's: 1000×2 + 100×8 µ
    by_key(chat("o3-2025-04-16", 1000, 100), "0.0028", {"catalog": "azure"}),
    # Groq's: 1000×0.05 + 100×0.08 µ
    by_key(chat("llama-3.1-8b-instant", 1000, 100), "0.000058", {"catalog": "groq"}),
    # a list that lacks the model
    by_key(chat("model-of-tomorrow", 1000, 100), None, {"catalog": "groq"}),
]

OWN_PRICES = [
    # 1000×0.2 + 100×0.6 µ
    by_key(chat("llama-3", 1000, 100), "0.00026", {"prices": [LLAMA]}),
    # cached input costs what input costs where the key has no other price: 1000×0.2 µ
    by_key(chat("llama-3", 1000, 0, cached_tokens=500), "0.0002", {"prices": [LLAMA]}),
    # 500×0.2 + 500×0.02 µ
    by_key(chat("llama-3", 1000, 0, cached_tokens=500), "0.00011", {"prices": [LLAMA | {"cacheReadTokens": "0.02"}]}),
    # the key names one price, its service the others: 1000×0.01 + 100×0.08 µ
    by_key(
        chat("llama-3.1-8b-instant", 1000, 100),
        "0.000018",
        {"catalog": "groq", "prices": [{"model": "llama-3.1-*", "inputTokens": "0.01"}]},
    ),
    # another key's prices are another's: the model has no price by this one
    by_key(chat("qwen-3", 1000, 100), None, {"prices": [LLAMA]}),
    # dated: 1000×0.2 until the day before, 1000×0.5 µ then
    by_key(
        chat("llama-3", 1000, 0),
        "0.0005",
        {"prices": [LLAMA, {"model": "llama-*", "from": "2026-11-01", "inputTokens": "0.5"}]},
    ),
    # 1000×0.2 µ on the last day before
    by_key(
        chat("llama-3", 1000, 0),
        "0.0002",
        {"prices": [LLAMA, {"model": "llama-*", "from": "2026-11-01", "inputTokens": "0.5"}]},
        at="2026-10-31T23:59:59",
    ),
    # per request: 1000×0.2 µ + $0.001
    by_key(chat("llama-3", 1000, 0), "0.0012", {"prices": [LLAMA | {"requests": "1000"}]}),
    # a server in the cellar, free by its owner's word: 26×0 + 282×0 µ
    by_key(
        example("openai_compatible/ollama_native_chat_last_line.json"),
        "0",
        {"prices": [{"model": "*", "inputTokens": 0, "outputTokens": 0}]},
        flavour="ollama",
    ),
    # running totals of a stream, of which the last counts: 20×0.2 + 2×0.6 µ
    by_key(
        merged(Provider.CUSTOM, "chat", events("openai_compatible/vllm_stream_continuous_usage.sse")),
        "0.0000052",
        {"prices": [{**LLAMA, "model": "my-llama"}]},
    ),
    # reasoning outside of the completion, whatever the total says: 1000×0.2 + 100×0.6 + 400×0.6 µ
    by_key(
        chat("llama-3", 1000, 100, out={"reasoning_tokens": 400}),
        "0.0005",
        {"prices": [LLAMA], "usage": {"reasoning": "outside"}},
        ESTIMATED,
    ),
    # Anthropic's dialect: 100×0.2 + 200×0.02 + 10×0.6 µ
    by_key(
        message("llama-3", 100, 10, read=200),
        "0.00003",
        {"prices": [LLAMA | {"cacheReadTokens": "0.02"}]},
        flavour="messages",
    ),
]


@pytest.mark.parametrize("made", IN_THEIR_UNITS + NAMED_LISTS + OWN_PRICES)
def test_a_compatible_servers_answer_costs_what_it_costs_by_hand(made: Case) -> None:
    assert_as_by_hand(made)
