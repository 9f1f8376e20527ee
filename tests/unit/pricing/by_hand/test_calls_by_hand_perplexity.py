"""Perplexity's answers priced, each amount worked out in the comment above it.

µ are millionths of a dollar: so many tokens times the price per million of docs.perplexity.ai. Fees are dollars.
"""

from typing import Any

import pytest

from guardian.models.enums import Provider
from tests.unit.pricing.by_hand.make import ESTIMATED, STATED, Body, Case, assert_as_by_hand, case
from tests.unit.providers.usage.make import example


def at(body: Body, amount: str | None, *facts: Any, flavour: str = "responses", **more: Any) -> Any:
    return case(Provider.PERPLEXITY, flavour, body, amount, *facts, **more)


def agent(model: str, found: int, output: int, *, cached: int = 0, **tools: int) -> dict[str, Any]:
    usage = {
        "input_tokens": found,
        "output_tokens": output,
        "total_tokens": found + output,
        "input_tokens_details": {"cache_read_input_tokens": cached},
        "tool_calls_details": {tool: {"invocation": calls} for tool, calls in tools.items()},
    }
    return {"id": "p", "model": model, "usage": usage}


def sonar(model: str, prompt: int, completion: int, size: str | None = None, **more: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {"id": "s", "model": model, "usage": {**usage, "search_context_size": size, "num_search_queries": 1, **more}}


STATED_COSTS = [
    # total_cost is dollars: $0.00590575
    at(example("perplexity/agent_response.json"), "0.00590575", STATED),
    # 2.4e-07 in JSON: $0.00000024
    at(example("perplexity/embeddings.json"), "0.00000024", STATED, flavour="embeddings"),
    # $0.010542
    at(example("perplexity/sonar_chat_completion_retired.json"), "0.010542", STATED, flavour="sonar"),
]

AGENT = [
    # the same answer without its cost: 1523×0.25 + 210×2.5 µ + $2×0.0025
    at(agent("perplexity/sonar", 1523, 210, search_web=2), "0.00590575"),
    # 600×0.25 + 400×0.0625 + 100×2.5 µ
    at(agent("perplexity/sonar", 1000, 100, cached=400), "0.000425"),
    # 1000×0.25 + 100×2.5 µ + $3×0.0005
    at(agent("perplexity/sonar", 1000, 100, fetch_url=3), "0.002"),
    # 1000×0.25 + 100×2.5 µ + $0.005 + $0.0025
    at(agent("perplexity/sonar", 1000, 100, people_search=1, search_web=1), "0.008"),
    # a fast search: 1000×0.25 + 100×2.5 µ + $2×0.001
    at(agent("perplexity/sonar", 1000, 100, search_web=2), "0.0025", dimensions={"search_type": "fast"}),
    # 1000×1.4 + 100×4.4 µ + $0.0025
    at(agent("perplexity/glm-5.3", 1000, 100, search_web=1), "0.00434"),
    # a tool that no list has
    at(agent("perplexity/sonar", 1000, 100, browse=1), None),
    # 8×0.03 µ
    at({"model": "pplx-embed-v1-4b", "usage": {"prompt_tokens": 8}}, "0.00000024", flavour="embeddings"),
    # a search has a flat price: $0.005
    at(example("perplexity/search.json"), "0.005", flavour="search"),
]

SONAR = [
    # 1000×1 + 500×1 µ + $0.005
    at(sonar("sonar", 1000, 500, "low"), "0.0065", flavour="sonar"),
    # 1000×1 + 500×1 µ + $0.008
    at(sonar("sonar", 1000, 500, "medium"), "0.0095", flavour="sonar"),
    # 1000×1 + 500×1 µ + $0.012
    at(sonar("sonar", 1000, 500, "high"), "0.0135", flavour="sonar"),
    # nobody told the size, the highest fee is a guess: 1000×1 + 500×1 µ + $0.012
    at(sonar("sonar", 1000, 500), "0.0135", ESTIMATED, flavour="sonar"),
    # 14×3 + 300×15 µ + $0.006
    at(sonar("sonar-pro", 14, 300, "low"), "0.010542", flavour="sonar"),
    # 14×3 + 300×15 µ + $0.01
    at(sonar("sonar-pro", 14, 300, "medium"), "0.014542", flavour="sonar"),
    # 14×3 + 300×15 µ + $0.014
    at(sonar("sonar-pro", 14, 300, "high"), "0.018542", flavour="sonar"),
    # 1000×2 + 100×8 µ + $0.006
    at(sonar("sonar-reasoning-pro", 1000, 100, "low"), "0.0088", flavour="sonar"),
    # 33×2 + 7163×8 + 95305×3 + 20016×2 µ + $28×0.005: reasoning, citations and searches are billed apart
    at(
        sonar("sonar-deep-research", 33, 7163, reasoning_tokens=95_305, citation_tokens=20_016, num_search_queries=28),
        "0.523317",
        flavour="sonar",
    ),
]


@pytest.mark.parametrize("made", STATED_COSTS + AGENT + SONAR)
def test_perplexitys_answer_costs_what_it_costs_by_hand(made: Case) -> None:
    assert_as_by_hand(made)
