"""Google's answers priced, each amount worked out in the comment above it.

µ are millionths of a dollar: so many tokens times the price per million of ai.google.dev/gemini-api/docs/pricing.
"""

from typing import Any

import pytest

from guardian.models.enums import Provider
from tests.unit.pricing.by_hand.make import ESTIMATED, Body, Case, assert_as_by_hand, case, gemini, split
from tests.unit.providers.usage.make import example

NEXT_YEAR = "2027-01-01T00:00:00"


def at(body: Body, amount: str | None, *facts: Any, flavour: str = "generate_content", **more: Any) -> Any:
    return case(Provider.GOOGLE, flavour, body, amount, *facts, **more)


def embedded(model: str, **kinds: int) -> Body:
    usage = {"promptTokenCount": sum(kinds.values()), "promptTokensDetails": split(**kinds)}
    return {"modelVersion": model, "usageMetadata": usage}


STANDARD = [
    # 1000×0.3 + 100×2.5 µ
    at(gemini("gemini-2.5-flash", 1000, 100), "0.00055"),
    # thoughts are output: 1000×1.25 + 1000×10 µ
    at(gemini("gemini-2.5-pro", 1000, 100, thoughtsTokenCount=900), "0.01125"),
    # what tools put into the prompt is input: 1500×1.25 + 10×10 µ
    at(gemini("gemini-2.5-pro", 1000, 10, toolUsePromptTokenCount=500), "0.001975"),
    # 607×0.75 + 400×0.075 + 50×3.75 µ: of 1,000 and 7 tokens 400 were cached; 20 and 30 came out
    at(example("google/generate_content.json"), "0.00067275"),
    # the introductory price ends with the year: 607×1.5 + 400×0.15 + 50×7.5 µ
    at(example("google/generate_content.json"), "0.0013455", at=NEXT_YEAR),
    # 607×0.75 + 400×0.075 + 50×3.75 µ
    at(example("google/generate_content_vertex.json"), "0.00067275"),
    # a prompt that was blocked is billed: 1000×0.3 µ
    at(gemini("gemini-2.5-flash", 1000, 0, candidatesTokenCount=None), "0.0003"),
    # a model that is given away has no list price, and nothing says that it was free
    at(gemini("gemma-3-27b-it", 1000, 100), None),
    # in no list yet
    at(gemini("gemini-5-pro", 1000, 100), None),
]

KINDS = [
    # 400×0.3 + 600×1 + 100×2.5 µ
    at(gemini("gemini-2.5-flash", 1000, 100, promptTokensDetails=split(text=400, audio=600)), "0.00097"),
    # 300×0.3 + 100×0.03 + 400×1 + 200×0.1 + 10×2.5 µ
    at(
        gemini(
            "gemini-2.5-flash",
            1000,
            10,
            cachedContentTokenCount=300,
            promptTokensDetails=split(text=400, audio=600),
            cacheTokensDetails=split(text=100, audio=200),
        ),
        "0.000538",
    ),
    # 600×1.25 + 400×0.125 + 100×10 µ
    at(gemini("gemini-2.5-pro", 1000, 100, cachedContentTokenCount=400), "0.0018"),
    # a video's tokens cost what text costs: 1100×0.75 + 10×3.75 µ
    at(gemini("gemini-3.8-flash", 1100, 10, promptTokensDetails=split(text=100, video=1000)), "0.0008625"),
    # 30×0.3 + 1290×30 µ
    at(gemini("gemini-2.5-flash-image", 30, 1290, candidatesTokensDetails=split(image=1290)), "0.038709"),
    # 1000×2 + 50×12 + 1120×120 µ
    at(gemini("gemini-3-pro-image-preview", 1000, 1170, candidatesTokensDetails=split(text=50, image=1120)), "0.137"),
    # 100×1.5 + 5000×17.5 µ
    at(gemini("gemini-omni-1.1-flash", 100, 5000, candidatesTokensDetails=split(video=5000)), "0.08765"),
    # 1000×3 + 500×12 µ
    at(
        gemini(
            "gemini-live-2.5-flash",
            1000,
            500,
            promptTokensDetails=split(audio=1000),
            candidatesTokensDetails=split(audio=500),
        ),
        "0.009",
    ),
    # it only speaks, so its output price is that of audio: 100×0.5 + 1000×10 µ
    at(gemini("gemini-2.5-flash-preview-tts", 100, 1000, candidatesTokensDetails=split(audio=1000)), "0.01005"),
    # 100×0.15 µ
    at(embedded("gemini-embedding-001", text=100), "0.000015", flavour="embed_content"),
    # 100×0.2 + 258×0.45 µ
    at(embedded("gemini-embedding-2", text=100, image=258), "0.0001361", flavour="embed_content"),
    # 100×6.5 + 1000×12 µ
    at(embedded("gemini-embedding-2", audio=100, video=1000), "0.01265", flavour="embed_content"),
    # a price per picture is in no list
    at({"model": "imagen-4", "predictions": [{"bytesBase64Encoded": "…"}]}, None, flavour="predict"),
]

LENGTHS = [
    # 199999×1.25 + 100×10 µ
    at(gemini("gemini-2.5-pro", 199_999, 100), "0.25099875"),
    # 200000×1.25 + 100×10 µ
    at(gemini("gemini-2.5-pro", 200_000, 100), "0.251"),
    # one more, and all of it is long: 200001×2.5 + 100×15 µ
    at(gemini("gemini-2.5-pro", 200_001, 100), "0.5015025"),
    # 200000×2 + 10×12 µ
    at(gemini("gemini-3.1-pro-preview", 200_000, 10), "0.40012"),
    # 200001×4 + 10×18 µ
    at(gemini("gemini-3.1-pro-preview", 200_001, 10), "0.800184"),
    # the cache, too: 100001×4 + 100000×0.4 µ
    at(gemini("gemini-3.1-pro-preview", 200_001, 0, cachedContentTokenCount=100_000), "0.440004"),
]

TIERS = [
    # 1000×0.15 + 100×1.25 µ
    at(gemini("gemini-2.5-flash", 1000, 100), "0.000275", tier="batch"),
    # listed: 100×0.25 + 1000×4.5 µ
    at(
        gemini(
            "gemini-3.8-flash-tts", 100, 1000, trafficType="ON_DEMAND_FLEX", candidatesTokensDetails=split(audio=1000)
        ),
        "0.004525",
    ),
    # listed: 100×0.9 + 1000×10.8 µ
    at(gemini("gemini-3.8-flash-lite-tts", 100, 1000, trafficType="ON_DEMAND_PRIORITY"), "0.01089"),
    # not listed, and half as documented: 1000×0.75×0.5 + 100×3.75×0.5 µ
    at(gemini("gemini-3.8-flash", 1000, 100, trafficType="ON_DEMAND_FLEX"), "0.0005625", ESTIMATED),
    # not listed, and 1.8 times as documented: 1000×0.75×1.8 + 100×3.75×1.8 µ
    at(gemini("gemini-3.8-flash", 1000, 100, trafficType="ON_DEMAND_PRIORITY"), "0.002025", ESTIMATED),
    # paid for by its reservation
    at(gemini("gemini-3.8-flash", 1000, 100, trafficType="PROVISIONED_THROUGHPUT"), None),
]

GROUNDING = [
    # once for the prompt, however many queries: 1000×1.25 + 100×10 µ + $0.035
    at(gemini("gemini-2.5-pro", 1000, 100, queries=3), "0.03725"),
    # for each query: 1000×2 + 100×12 µ + $3×0.014
    at(gemini("gemini-3.1-pro-preview", 1000, 100, queries=3), "0.0452"),
    # 1000×0.3 + 100×2.5 µ + $0.025
    at(gemini("gemini-2.5-flash", 1000, 100, maps=True), "0.02555"),
    # its queries are not counted, one is taken: 1000×0.75 + 100×3.75 µ + $0.014
    at(gemini("gemini-3.8-flash", 1000, 100, maps=True), "0.015125", ESTIMATED),
    # an interaction counts them: 607×0.75 + 400×0.075 + 50×3.75 µ + $2×0.014
    at(example("google/interaction.json"), "0.02867275", flavour="interactions"),
]


@pytest.mark.parametrize("made", STANDARD + KINDS + LENGTHS + TIERS + GROUNDING)
def test_googles_answer_costs_what_it_costs_by_hand(made: Case) -> None:
    assert_as_by_hand(made)
