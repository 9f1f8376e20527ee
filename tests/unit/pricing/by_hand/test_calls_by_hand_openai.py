"""OpenAI's answers priced, each amount worked out in the comment above it.

µ are millionths of a dollar: so many tokens times the price per million of developers.openai.com/api/docs/pricing.
"""

from typing import Any

import pytest

from guardian.models.enums import Provider
from tests.unit.pricing.by_hand.make import ESTIMATED, Body, Case, assert_as_by_hand, case, chat, response


def at(body: Body, amount: str | None, *facts: Any, flavour: str = "chat", **more: Any) -> Any:
    return case(Provider.OPENAI, flavour, body, amount, *facts, **more)


def answered(body: Body, amount: str | None, *facts: Any, **more: Any) -> Any:
    return at(body, amount, *facts, flavour="responses", **more)


def lifetimes(half_hour: int, half_day: int) -> dict[str, Any]:
    split = {"ttl_30m_tokens": half_hour, "ttl_12h_tokens": half_day}
    return {"cache_write_tokens": half_hour + half_day, "cache_write_tokens_details": split}


STANDARD = [
    # 1000×2 + 50×10 µ
    at(chat("gpt-6-sol", 1000, 50), "0.0025"),
    # 100×2 + 10×10 µ, by its dated name
    at(chat("gpt-6-sol-2026-09-01", 100, 10), "0.0003"),
    # 1000×0.25 + 100×2 µ
    at(chat("gpt-5-mini", 1000, 100), "0.00045"),
    # 7×0.05 + 3×0.4 µ
    at(chat("gpt-5-nano", 7, 3), "0.00000155"),
    # 1000×2.5 + 500×10 µ
    at(chat("gpt-4o", 1000, 500), "0.0075"),
    # a picture's tokens cost what text costs: 2000×2.5 µ
    at(chat("gpt-4o", 2000, 0, image_tokens=1000), "0.005"),
    # reasoning is within the output: 100×10 + 500×50 µ
    at(chat("gpt-6-astra", 100, 500, out={"reasoning_tokens": 300}), "0.026"),
    # 1000×2 + 500×8 µ, of which 250 were reasoning
    answered(response("o3", 1000, 500), "0.006"),
    # a decision is a response: 1000×0.1 + 2×0.5 µ
    answered(response("gpt-6-luna", 1000, 2), "0.000101"),
]

CACHED = [
    # 600×2 + 400×0.2 + 50×10 µ
    at(chat("gpt-6-sol", 1000, 50, cached_tokens=400), "0.00178"),
    # a twentieth, not a tenth: 600×2 + 400×0.1 + 50×10 µ
    at(chat("gpt-6.1-sol", 1000, 50, cached_tokens=400), "0.00174"),
    # 1000×0.15 + 1000×0.075 + 100×0.6 µ
    at(chat("gpt-4o-mini", 2000, 100, cached_tokens=1000), "0.000285"),
    # no discount is listed: 1000×15 + 1000×15 + 10×120 µ
    at(chat("gpt-5-pro", 2000, 10, cached_tokens=1000), "0.0312"),
    # 500×2 + 200×0.2 + 300×2.5 + 10×10 µ
    answered(response("gpt-6-sol", 1000, 10, cached_tokens=200, cache_write_tokens=300), "0.00189"),
    # written for 12 hours, twice the price of 30 minutes: 700×2 + 300×2.5×2 + 10×10 µ
    answered(response("gpt-6-sol", 1000, 10, **lifetimes(0, 300)), "0.003"),
    # 700×2 + 100×2.5 + 200×2.5×2 µ
    answered(response("gpt-6-sol", 1000, 0, **lifetimes(100, 200)), "0.00265"),
    # in flex, too: 700×1 + 300×1.25×2 + 10×5 µ
    answered(response("gpt-6-sol", 1000, 10, tier="flex", **lifetimes(0, 300)), "0.0015"),
    # and in a long request: 272001×4 + 100×5×2 µ, 272,101 tokens in all
    answered(response("gpt-6-sol", 272_101, 0, **lifetimes(0, 100)), "1.089004"),
    # of a model without write prices a write costs what input costs: 1000×5 µ
    answered(response("gpt-5.5", 1000, 0, **lifetimes(400, 0)), "0.005"),
]

TIERS = [
    # 1000×1 + 100×5 µ
    at(chat("gpt-6-sol", 1000, 100, tier="flex"), "0.0015"),
    # 1000×4 + 100×20 µ
    at(chat("gpt-6-sol", 1000, 100, tier="priority"), "0.006"),
    # fast is priority under another name: 1000×2.5 + 100×20 µ
    at(chat("gpt-5", 1000, 100, tier="fast"), "0.0045"),
    # asked for flex and not given it: 1000×1.25 + 100×10 µ
    at(chat("gpt-5", 1000, 100, tier="default"), "0.00225"),
    # a tier that is sold by contract: the standard price is a guess, 1000×1.25 + 100×10 µ
    at(chat("gpt-5", 1000, 100, tier="scale"), "0.00225", ESTIMATED),
    # half of everything: 1000×1 + 100×5 µ
    at(chat("gpt-6-sol", 1000, 100), "0.0015", tier="batch"),
    # the cache as well: 1000×0.375 + 1000×0.0375 + 100×2.25 µ
    at(chat("gpt-5.4-mini", 2000, 100, cached_tokens=1000), "0.0006375", tier="batch"),
    # known only from 14 October on, and the standard price was the same: 1000×0.625 + 100×5 µ
    at(chat("gpt-5", 1000, 100), "0.001125", ESTIMATED, tier="batch", at="2026-10-13T23:59:59"),
    at(chat("gpt-5", 1000, 100), "0.001125", tier="batch", at="2026-10-14T00:00:00"),
]

LENGTHS = [
    # 271999×2.5 + 1000×15 µ
    at(chat("gpt-5.4", 271_999, 1000), "0.6949975"),
    # 272000×2.5 + 1000×15 µ
    at(chat("gpt-5.4", 272_000, 1000), "0.695"),
    # one more, and all of it is long: 272001×5 + 1000×22.5 µ
    at(chat("gpt-5.4", 272_001, 1000), "1.382505"),
    # 272000×2 + 100×10 µ
    at(chat("gpt-6-sol", 272_000, 100), "0.545"),
    # 272001×4 + 100×15 µ
    at(chat("gpt-6-sol", 272_001, 100), "1.089504"),
    # what was cached is part of the length: 100000×4 + 200000×0.4 + 1000×15 µ
    at(chat("gpt-6-sol", 300_000, 1000, cached_tokens=200_000), "0.495"),
    # output is not: 1×2 + 300000×10 µ
    at(chat("gpt-6-sol", 1, 300_000), "3.000002"),
    # half of the long price in a batch: 272001×2.5 + 1000×11.25 µ
    at(chat("gpt-5.4", 272_001, 1000), "0.6912525", tier="batch"),
]

DATES = [
    # 1000×10 + 100×40 µ until 9 June 2025
    at(chat("o3", 1000, 100), "0.014", at="2025-06-09T23:59:59"),
    # 1000×2 + 100×8 µ
    at(chat("o3", 1000, 100), "0.0028", at="2025-06-10T00:00:00"),
    # 1000×1 + 100×6 µ until 29 July 2026
    at(chat("gpt-5.6-luna", 1000, 100), "0.0016", at="2026-07-29T23:59:59"),
    # 1000×0.2 + 100×1.2 µ
    at(chat("gpt-5.6-luna", 1000, 100), "0.00032", at="2026-07-30T00:00:00"),
]

REGIONS = [
    # 10 % more of every token: 1000×2×1.1 + 100×10×1.1 µ
    at(chat("gpt-6-sol", 1000, 100), "0.0033", dimensions={"region": "eu"}),
    # the cache as well: 500×2×1.1 + 500×0.2×1.1 µ
    at(chat("gpt-6-sol", 1000, 0, cached_tokens=500), "0.00121", dimensions={"region": "us"}),
    # a search costs what it costs: 1000×2.5×1.1 + 100×15×1.1 µ + $0.01
    answered(response("gpt-5.4", 1000, 100, "web_search_call"), "0.0144", dimensions={"region": "us"}),
    # models from before 5 March 2026 have no uplift: 1000×2.5 + 100×10 µ
    at(chat("gpt-4o", 1000, 100), "0.0035", dimensions={"region": "eu"}),
    # 1000×2 µ
    at(chat("gpt-6-sol", 1000, 0), "0.002", dimensions={"region": "global"}),
    # of its generation, and in no list of those with an uplift: 1000×12.5 µ is a guess
    at(chat("gpt-5.6-cyber", 1000, 0), "0.0125", ESTIMATED, dimensions={"region": "eu"}),
]

TOOLS = [
    # 1000×1.25 + 100×10 µ + $2×0.01
    answered(response("gpt-5", 1000, 100, "web_search_call", "message", "web_search_call"), "0.02225"),
    # 1000×1.25 + 100×10 µ + $0.0025
    answered(response("gpt-5", 1000, 100, "file_search_call"), "0.00475"),
    # 1000×1.25 + 100×10 µ + $0.03, one container however often it is called, and nobody tells its size
    answered(response("gpt-5", 1000, 100, *["code_interpreter_call"] * 3), "0.03225", ESTIMATED),
    # a batch does not make a search cheaper: 1000×1 µ + $0.01
    answered(response("gpt-4.1", 1000, 0, "web_search_call"), "0.011", tier="batch"),
    # nobody lists the fee of this model
    answered(response("gpt-5.3-codex", 1000, 100, "web_search_call"), None),
    # pictures made on the way are billed for another model
    answered(response("gpt-5", 1000, 100, "image_generation_call"), None),
]

UNCERTAIN = [
    # in no list yet
    at(chat("gpt-6.2-sol", 1000, 100), None),
    # a total that is not the sum of its parts: 1000×2 + 50×10 µ from the parts
    at(
        chat("gpt-6-sol", 1000, 50) | {"usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 9}},
        "0.0025",
        ESTIMATED,
    ),
    # more cached than there was: 1000×0.2 + 50×10 µ
    at(chat("gpt-6-sol", 1000, 50, cached_tokens=4000), "0.0007", ESTIMATED),
]


@pytest.mark.parametrize("made", STANDARD + CACHED + TIERS + LENGTHS + DATES + REGIONS + TOOLS + UNCERTAIN)
def test_openais_answer_costs_what_it_costs_by_hand(made: Case) -> None:
    assert_as_by_hand(made)
