"""Anthropic's messages priced, each amount worked out in the comment above it.

µ are millionths of a dollar: so many tokens times the price per million of platform.claude.com, pricing.
"""

from typing import Any

import pytest

from guardian.models.enums import Provider
from guardian.providers.usage.streams import merged
from tests.unit.pricing.by_hand.make import ESTIMATED, Body, Case, assert_as_by_hand, case, message
from tests.unit.providers.usage.make import events, example


def at(body: Body, amount: str | None, *facts: Any, **more: Any) -> Any:
    return case(Provider.ANTHROPIC, "messages", body, amount, *facts, **more)


STANDARD = [
    # 1000×4 + 100×20 µ
    at(message("claude-opus-5-5", 1000, 100), "0.006"),
    # 100×4 + 10×20 µ, by its dated name
    at(message("claude-opus-5-5-20261001", 100, 10), "0.0006"),
    # 1000×2 + 100×10 µ
    at(message("claude-sonnet-5", 1000, 100), "0.003"),
    # 100×10 + 10×50 µ
    at(message("claude-fable-5", 100, 10), "0.0015"),
    # thinking is within the output: 100×1 + 500×5 µ
    at(message("claude-haiku-4-5-20251001", 100, 500, output_tokens_details={"thinking_tokens": 400}), "0.0026"),
    # a compaction is billed beside the message: 110×4 + 55×20 µ
    at(
        message(
            "claude-opus-5-5", 10, 5, iterations=[{"type": "compaction", "input_tokens": 100, "output_tokens": 50}]
        ),
        "0.00154",
    ),
    # in no list yet
    at(message("claude-opus-6", 1000, 100), None),
]

CACHED = [
    # a twentieth of the input, not a tenth: 500×4 + 1000×0.2 + 100×20 µ
    at(message("claude-opus-5-5", 500, 100, read=1000), "0.0042"),
    # a tenth: 500×5 + 1000×0.5 + 100×25 µ
    at(message("claude-opus-5", 500, 100, read=1000), "0.0055"),
    # 10×4 + 1000×5 + 1×20 µ
    at(message("claude-opus-5-5", 10, 1, w5=1000), "0.00506"),
    # 10×4 + 1000×8 + 1×20 µ
    at(message("claude-opus-5-5", 10, 1, w1h=1000), "0.00806"),
    # 100×2 + 200×0.2 + 300×2.5 + 400×4 + 50×10 µ
    at(message("claude-sonnet-5", 100, 50, read=200, w5=300, w1h=400), "0.00309"),
    # what no split covers was written for five minutes: 10×4 + 1000×5 + 1×20 µ
    at(message("claude-opus-5-5", 10, 1, cache_creation_input_tokens=1000, cache_creation=None), "0.00506"),
    # 504×4 + 100×5 + 23×8 + 1000×0.2 + 97×20 µ + $0.01, the documentation's message
    at(example("anthropic/message.json"), "0.01484"),
]

PROCESSING = [
    # 1000×2 + 100×10 µ
    at(message("claude-opus-5-5", 1000, 100, service_tier="batch"), "0.003"),
    # half of the cache, too: 100×2 + 1000×0.1 + 200×2.5 + 100×4 + 50×10 µ
    at(message("claude-opus-5-5", 100, 50, read=1000, w5=200, w1h=100, service_tier="batch"), "0.0017"),
    # of a retired model half of the list is a guess: 1000×7.5 + 100×37.5 µ
    at(message("claude-opus-4-1", 1000, 100, service_tier="batch"), "0.01125", ESTIMATED),
    # 1000×10 + 100×50 µ
    at(message("claude-opus-5", 1000, 100, speed="fast"), "0.015"),
    # 1000×8 + 100×40 µ
    at(message("claude-opus-5-5", 1000, 100, speed="fast"), "0.012"),
    # asked for fast and not given it: 1000×5 + 100×25 µ
    at(message("claude-opus-5", 1000, 100, speed="standard"), "0.0075"),
    # a model without a fast price: 1000×1 + 100×5 µ is a guess
    at(message("claude-haiku-4-5", 1000, 100, speed="fast"), "0.0015", ESTIMATED),
    # priority is sold by contract: 1000×2 + 100×10 µ is a guess
    at(message("claude-sonnet-5", 1000, 100, service_tier="priority"), "0.003", ESTIMATED),
]

PLACES = [
    # 1000×4×1.1 + 100×20×1.1 µ
    at(message("claude-opus-5-5", 1000, 100, inference_geo="us"), "0.0066"),
    # 1000×4 + 100×20 µ
    at(message("claude-opus-5-5", 1000, 100, inference_geo="global"), "0.006"),
    # every kind of token: 100×3×1.1 + 1000×0.3×1.1 + 200×3.75×1.1 + 100×6×1.1 + 50×15×1.1 µ
    at(message("claude-sonnet-4-6", 100, 50, read=1000, w5=200, w1h=100, inference_geo="us"), "0.00297"),
    # a batch as well: 1000×2×1.1 µ
    at(message("claude-opus-5-5", 1000, 0, service_tier="batch", inference_geo="us"), "0.0022"),
    # fast as well: 1000×8×1.1 + 100×40×1.1 µ
    at(message("claude-opus-5-5", 1000, 100, speed="fast", inference_geo="us"), "0.0132"),
    # not before 4.6: 1000×3 + 100×15 µ
    at(message("claude-sonnet-4-5-20250929", 1000, 100, inference_geo="us"), "0.0045"),
    # nor a search: 1000×4×1.1 + 100×20×1.1 µ + $0.01
    at(message("claude-opus-5-5", 1000, 100, inference_geo="us", server_tool_use={"web_search_requests": 1}), "0.0166"),
]

LENGTHS = [
    # 199999×3 + 100×15 µ
    at(message("claude-sonnet-4-5", 199_999, 100), "0.601497"),
    # 200000×3 + 100×15 µ
    at(message("claude-sonnet-4-5", 200_000, 100), "0.6015"),
    # one more, and all of it is long: 200001×6 + 100×22.5 µ
    at(message("claude-sonnet-4-5", 200_001, 100), "1.202256"),
    # what was read from the cache is part of the length: 1×6 + 200000×0.6 µ
    at(message("claude-sonnet-4-5", 1, 0, read=200_000), "0.120006"),
    # 100000×0.1 + 10×0.5 µ
    at(message("claude-haiku-5-5", 100_000, 10), "0.010005"),
    # 100001×0.5 + 10×2.5 µ
    at(message("claude-haiku-5-5", 100_001, 10), "0.0500255"),
    # flat to a million: 900000×4 + 1000×20 µ
    at(message("claude-opus-5-5", 900_000, 1000), "3.62"),
    # 200001×10 µ until 12 March 2026
    at(message("claude-opus-4-6", 200_001, 0), "2.00001", at="2026-03-12T23:59:59"),
    # then flat: 200001×5 µ
    at(message("claude-opus-4-6", 200_001, 0), "1.000005", at="2026-03-13T00:00:00"),
]

TOOLS = [
    # 1000×4 + 100×20 µ + $3×0.01
    at(message("claude-opus-5-5", 1000, 100, server_tool_use={"web_search_requests": 3}), "0.036"),
    # fetching pages is free: 1000×4 + 100×20 µ
    at(message("claude-opus-5-5", 1000, 100, server_tool_use={"web_fetch_requests": 3}), "0.006"),
    # code runs by the hour, which no answer tells: 1000×4 + 100×20 µ at least
    at(message("claude-opus-5-5", 1000, 100, server_tool_use={"code_execution_requests": 3}), "0.006", ESTIMATED),
    # a stream, told in two events: 10682×5 + 510×25 µ + $0.01
    at(merged(Provider.ANTHROPIC, "messages", events("anthropic/message_stream.sse")), "0.07616"),
]


@pytest.mark.parametrize("made", STANDARD + CACHED + PROCESSING + PLACES + LENGTHS + TOOLS)
def test_anthropics_message_costs_what_it_costs_by_hand(made: Case) -> None:
    assert_as_by_hand(made)
