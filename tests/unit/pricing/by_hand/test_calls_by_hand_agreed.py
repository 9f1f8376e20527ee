"""Answers priced as an organization agreed it, each amount worked out in the comment above it.

µ are millionths of a dollar: so many tokens times the price per million of the vendor, or of the agreement.
"""

from decimal import Decimal
from typing import Any

import pytest

from guardian.models.enums import Provider
from guardian.pricing.overrides import Override
from guardian.pricing.own import key_prices
from tests.unit.pricing.by_hand.make import ESTIMATED, Body, Case, assert_as_by_hand, case, chat
from tests.unit.pricing.make import utc

_PROVIDERS = {"llama": Provider.CUSTOM, "claude": Provider.ANTHROPIC}
LLAMA = {"prices": [{"model": "llama-*", "inputTokens": "0.2", "outputTokens": "0.6"}]}


def at(body: Body, amount: str | None, *facts: Any, flavour: str = "chat", **more: Any) -> Any:
    return case(Provider.OPENAI, flavour, body, amount, *facts, **more)


def by_key(body: Body, amount: str, override: Override) -> Any:
    """With a CUSTOM key that has a price of its own."""
    overrides = (*key_prices("key_1", LLAMA), override)
    return case(Provider.CUSTOM, "chat", body, amount, overrides=overrides, key_id="key_1")


def agreed(
    pattern: str, percent: str | None = None, *, since: str = "2026-01-01", until: str | None = None, **prices: str
) -> Override:
    return Override(
        id="agreed",
        provider=_PROVIDERS.get(pattern.partition("-")[0], Provider.OPENAI),
        model_pattern=pattern,
        valid_from=utc(since),
        valid_to=utc(until) if until else None,
        percent_of_list=Decimal(percent) if percent else None,
        prices={unit: Decimal(amount) for unit, amount in prices.items()},
    )


AGREED = [
    # 80 % of the key's own price: 1000×0.2×0.8 + 100×0.6×0.8 µ
    by_key(chat("llama-3", 1000, 100), "0.000208", agreed("llama-*", "80")),
    # an agreed price beats it: 1000×1 + 100×2 µ
    by_key(
        chat("llama-3", 1000, 100),
        "0.0012",
        agreed("llama-*", input_tokens="1", output_tokens="2"),
    ),
    # 85 % of the list: 1000×2×0.85 + 100×10×0.85 µ
    at(chat("gpt-6-sol", 1000, 100), "0.00255", overrides=[agreed("gpt-6-*", "85")]),
    # of the batch list, too: 1000×1×0.85 µ
    at(
        chat("gpt-6-sol", 1000, 0),
        "0.00085",
        tier="batch",
        overrides=[agreed("gpt-6-*", "85")],
    ),
    # and of a region's, beside a search at 85 %: 1000×2×1.1×0.85 µ + $0.01×0.85
    at(
        {
            "model": "gpt-6-sol",
            "output": [{"type": "web_search_call"}],
            "usage": {"input_tokens": 1000, "output_tokens": 0},
        },
        "0.01037",
        dimensions={"region": "eu"},
        overrides=[agreed("gpt-6-*", "85")],
        flavour="responses",
    ),
    # absolute prices are final, whatever the tier: 1000×1.5 + 100×10×0.5 µ, output by the batch list
    at(
        chat("gpt-6-sol", 1000, 100),
        "0.002",
        tier="batch",
        overrides=[agreed("gpt-6-sol", input_tokens="1.5")],
    ),
    # not yet agreed: 1000×2 µ
    at(
        chat("gpt-6-sol", 1000, 0),
        "0.002",
        overrides=[agreed("gpt-6-*", "85", since="2026-11-01T00:00:01")],
    ),
    # not any more: 1000×2 µ
    at(
        chat("gpt-6-sol", 1000, 0),
        "0.002",
        overrides=[agreed("gpt-6-*", "85", until="2026-11-01")],
    ),
    # for a model that no list has: 1000×3 + 100×12 µ
    at(
        chat("gpt-6.2-sol", 1000, 100),
        "0.0042",
        overrides=[agreed("gpt-6.2-*", input_tokens="3", output_tokens="12")],
    ),
    # 12 hours of an agreed write price are what was agreed: 700×2 + 300×3 µ, a guess that it holds for them
    at(
        {
            "model": "gpt-6-sol",
            "usage": {
                "input_tokens": 1000,
                "output_tokens": 0,
                "input_tokens_details": {
                    "cache_write_tokens": 300,
                    "cache_write_tokens_details": {"ttl_12h_tokens": 300},
                },
            },
        },
        "0.0023",
        ESTIMATED,
        overrides=[agreed("gpt-6-sol", cache_write_tokens="3")],
        flavour="responses",
    ),
    # so are the lifetimes that the list has a price of: 50×4 + 100×3 + 200×3 + 10×20 µ
    case(
        Provider.ANTHROPIC,
        "messages",
        {
            "model": "claude-opus-5-5",
            "usage": {
                "input_tokens": 50,
                "output_tokens": 10,
                "cache_creation_input_tokens": 300,
                "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
            },
        },
        "0.0013",
        ESTIMATED,
        overrides=[agreed("claude-*", cache_write_tokens="3")],
    ),
]


@pytest.mark.parametrize("made", AGREED)
def test_an_agreed_price_is_worth_what_it_is_by_hand(made: Case) -> None:
    assert_as_by_hand(made)
