"""xAI's answers priced, each amount worked out in the comment above it.

µ are millionths of a dollar: so many tokens times the price per million of docs.x.ai. Ticks are 1e-10 dollars.
"""

from typing import Any

import pytest

from guardian.models.enums import Provider
from tests.unit.pricing.by_hand.make import ESTIMATED, STATED, Body, Case, assert_as_by_hand, case
from tests.unit.providers.usage.make import example


def at(body: Body, amount: str | None, *facts: Any, flavour: str = "chat", **more: Any) -> Any:
    return case(Provider.XAI, flavour, body, amount, *facts, **more)


def grok(
    model: str, prompt: int, completion: int, reasoning: int = 0, *, cached: int = 0, **more: Any
) -> dict[str, Any]:
    """Reasoning is outside of the completion, as xAI counts; text_tokens are the whole prompt, cached or not."""
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion + reasoning,
        "prompt_tokens_details": {"text_tokens": prompt, "cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    return {"id": "x", "model": model, "usage": {**usage, **more}}


def tools(**calls: int) -> dict[str, Any]:
    return {"server_side_tool_usage_details": calls}


IN_TICKS = [
    # 5,101,000 ticks: $5101000×0.0000000001
    at(example("xai/chat_completion.json"), "0.0005101", STATED),
    # with two tools, 105,101,000 ticks: $105101000×0.0000000001
    at(example("xai/response.json"), "0.0105101", STATED, flavour="responses"),
    # a model that no list has: $123×0.0000000001
    at(grok("grok-5", 1, 1, cost_in_usd_ticks=123), "0.0000000123", STATED),
    # the vendor's word beats the list: $1×0.0000000001
    at(grok("grok-4.3", 10**6, 10**6, cost_in_usd_ticks=1), "0.0000000001", STATED),
    # it may say that a call was free
    at(grok("grok-4.3", 1000, 100, cost_in_usd_ticks=0), "0", STATED),
    # two pictures of 7 cents: $1400000000×0.0000000001
    at(
        {"model": "grok-2-image", "data": [{}, {}], "usage": {"cost_in_usd_ticks": 1_400_000_000}},
        "0.14",
        STATED,
        flavour="images",
    ),
    # without its word there is no list of pictures
    at({"model": "grok-2-image", "data": [{}, {}]}, None, flavour="images"),
]

STANDARD = [
    # the same chat without its ticks: 36×1.25 + 163×0.2 + 9×2.5 + 164×2.5 µ
    at(grok("grok-4.3", 199, 9, 164, cached=163), "0.0005101"),
    # 1000×0.2 + 100×0.5 µ
    at(grok("grok-4-fast-reasoning", 1000, 100), "0.00025"),
    # reasoning is outside of the completion: 1000×2 + 100×6 + 400×6 µ
    at(grok("grok-4.7", 1000, 100, 400), "0.005"),
    # unless the total has no room for it: 1000×2 + 100×6 µ
    at(grok("grok-4.7", 1000, 100, 40, total_tokens=1100), "0.0026"),
    # in no list yet
    at(grok("grok-5", 1000, 100), None),
]

LENGTHS = [
    # 199999×1.25 + 10×2.5 µ
    at(grok("grok-4.3", 199_999, 10), "0.25002375"),
    # from 200,000 on all of it is long: 200000×2.5 + 10×5 µ
    at(grok("grok-4.3", 200_000, 10), "0.50005"),
    # 200001×2.5 + 10×5 µ
    at(grok("grok-4.3", 200_001, 10), "0.5000525"),
    # 199999×2 µ
    at(grok("grok-4.7", 199_999, 0), "0.399998"),
    # the cache is part of the length, and dearer, too: 50000×4 + 150000×1 + 10×12 µ
    at(grok("grok-4.7", 200_000, 10, cached=150_000), "0.35012"),
]

PROCESSING = [
    # 20 % off: 1000×1 + 100×2 µ
    at(grok("grok-4.3", 1000, 100), "0.0012", tier="batch"),
    # how much off is in no list, half is a guess: 1000×2×0.5 + 100×6×0.5 µ
    at(grok("grok-4.7", 1000, 100), "0.0013", ESTIMATED, tier="batch"),
    # 1000×2 + 100×6 µ is a guess
    at(grok("grok-4.7", 1000, 100) | {"service_tier": "priority"}, "0.0026", ESTIMATED),
    # the US endpoint: 1000×1.25×1.1 + 100×2.5×1.1 µ
    at(grok("grok-4.3", 1000, 100), "0.00165", dimensions={"region": "us"}),
    # the long price there: 200000×2.5×1.1 µ
    at(grok("grok-4.3", 200_000, 0), "0.55", dimensions={"region": "us"}),
    # tools are not dearer there: 1000×1.25×1.1 + 100×2.5×1.1 µ + $0.005
    at(grok("grok-4.3", 1000, 100, **tools(web_search_calls=1)), "0.00665", dimensions={"region": "us"}),
]

TOOLS = [
    # 1000×1.25 + 100×2.5 µ + $2×0.005
    at(grok("grok-4.3", 1000, 100, **tools(web_search_calls=2)), "0.0115"),
    # 1000×1.25 + 100×2.5 µ + $1×0.005 + $3×0.005
    at(grok("grok-4.3", 1000, 100, **tools(x_search_calls=1, code_interpreter_calls=3)), "0.0215"),
    # collections: 1000×1.25 + 100×2.5 µ + $2×0.0025
    at(grok("grok-4.3", 1000, 100, **tools(file_search_calls=2)), "0.0065"),
    # a response that only says how many: 1000×1.25 + 100×2.5 µ + $2×0.005 if they are of the usual kinds
    at(
        {
            "model": "grok-4.3",
            "usage": {"input_tokens": 1000, "output_tokens": 100, "num_server_side_tools_used": 2},
        },
        "0.0115",
        ESTIMATED,
        flavour="responses",
    ),
    # the sources of the old live search have no price in any list
    at(grok("grok-4.3", 1000, 100, num_sources_used=4), None),
]


@pytest.mark.parametrize("made", IN_TICKS + STANDARD + LENGTHS + PROCESSING + TOOLS)
def test_xais_answer_costs_what_it_costs_by_hand(made: Case) -> None:
    assert_as_by_hand(made)
