"""What records cost, worked out by hand from the providers' price lists; the sum is in the comment above each row.

Prices are dollars per million tokens, amounts in the comments are millionths of a dollar (µ) unless they carry a $.
"""

from decimal import Decimal

import pytest

from guardian.models.enums import CostSource
from guardian.records import UNKNOWN_MODEL, UsageRecord
from tests.unit.pricing.make import ESTIMATED, assert_costs, bucket, call, row

# What the example answers of the providers' contracts add up to, page by page.
CONTRACTS = [
    # 350k×2 + 800k×0.2 + 50k×2.5 + 90k×10 per M = $0.7 + 0.16 + 0.125 + 0.9; 412 short requests, no long-context price
    row(bucket("gpt-6-sol", i=1_200_000, read=800_000, w30=50_000, o=90_000, requests=412, tier="default"), "1.885"),
    # batch: 5.4M×0.375 + 610k×2.25 = $2.025 + 1.3725
    row(bucket("gpt-5.4-mini", i=5_400_000, o=610_000, requests=2210, tier="batch"), "3.3975"),
    # priority: 190k×4 + 120k×0.4 + 21k×20 = $0.76 + 0.048 + 0.42
    row(bucket("gpt-6-sol", "2026-11-03", i=310_000, read=120_000, o=21_000, requests=98, tier="priority"), "1.228"),
    # 1M×(4 + 0.2 + 5 + 20) + 3 searches×0.01 = $29.20 + 0.03: the 2923 cents of Anthropic's own cost report
    row(
        bucket(
            "claude-opus-5-5",
            i=3_000_000,
            read=1_000_000,
            w5=1_000_000,
            o=1_000_000,
            web_search_requests=3,
            tier="standard",
            window="0-200k",
        ),
        "29.23",
    ),
    # batch: 52k×0.5 + 8.1k×2.5 = 26000 + 20250 µ
    row(bucket("claude-haiku-4-5-20251001", i=52_000, o=8_100, tier="batch", window="0-200k"), "0.04625"),
    # one message: 504×4 + 100×5 + 23×8 + 1000×0.2 + 97×20 = 2016+500+184+200+1940 = 4840 µ, and a search for $0.01
    row(call("claude-opus-5-5", i=1627, w5=100, w1h=23, read=1000, o=97, web_search_requests=1), "0.01484"),
    # 1500×5 + 200×0.5 + 500×6.25 + 1000×10 + 500×25 = 7500+100+3125+10000+12500 = 33225 µ, ten searches $0.10
    row(
        bucket(
            "claude-opus-4-6",
            "2025-08-01",
            i=3200,
            read=200,
            w5=500,
            w1h=1000,
            o=500,
            web_search_requests=10,
            tier="standard",
            window="0-200k",
            geo="global",
        ),
        "0.133225",
    ),
    # 3.5 searches×0.01: OpenAI's own cost line "web search tool calls", 0.035 for 3.5; the report names no model
    row(bucket("web-search", web_search_requests="3.5", requests=0), "0.035", ESTIMATED),
    # 36×1.25 + 163×0.2 + 173×2.5 = 45 + 32.6 + 432.5 = 510.1 µ: 5,101,000 of xAI's ticks
    row(call("grok-4.3", i=199, read=163, o=173), "0.0005101"),
]

OPENAI = [
    # 10×0.02 = 0.2 µ: rounds to nothing at six decimal places
    row(call("text-embedding-3-small", i=10), "0.0000002"),
    # 1M×0.13
    row(call("text-embedding-3-large", i=1_000_000), "0.13"),
    # 16×0.1 = 1.6 µ
    row(call("text-embedding-ada-002", i=16), "0.0000016"),
    # 1000×2.5 + 500×10 = 2500 + 5000 µ
    row(call("gpt-4o", i=1000, o=500), "0.0075"),
    # 1000×0.15 + 1000×0.075 + 100×0.6 = 150 + 75 + 60 µ
    row(call("gpt-4o-mini", i=2000, read=1000, o=100), "0.000285"),
    # a chat model bills a picture's tokens like text: (1000 + 1000)×2.5
    row(call("gpt-4o", i=2000, image=1000), "0.005"),
    # dated name, 100×2 + 10×10 = 200 + 100 µ
    row(call("gpt-6-sol-2026-09-01", i=100, o=10), "0.0003"),
    # reasoning is part of the output: 1000×2 + 500×8, not 900×8 = 2000 + 4000 µ
    row(call("o3", i=1000, o=500, thought=400), "0.006"),
    # no cache discount at all: 2000×15 + 10×120 = 30000 + 1200 µ
    row(call("gpt-5-pro", i=2000, read=1000, o=10), "0.0312"),
    # writes cost what input costs where the list has no write price: 2000×5 = 10000 µ
    row(call("gpt-5.5", i=2000, w30=1000), "0.01"),
    # 200×5 + 200×1.25 + 100×2 + 1000×8 + 4000×32 = 1000 + 250 + 200 + 8000 + 128000 µ
    row(call("gpt-image-1.5", i=1500, read=300, read_image=100, image=1000, o=4000, image_out=4000), "0.13745"),
    # the only output is a picture: 100×5 + 1000×30 = 500 + 30000 µ
    row(call("gpt-image-2", i=100, o=1000, image_out=1000), "0.0305"),
    # text 1000×4, audio 2000×32, image 100×5, cached 500 text and 500 audio ×0.4, 100 image ×0.5, out 300×16, 700×64
    # = 4000 + 64000 + 500 + 200 + 200 + 50 + 4800 + 44800 = 118550 µ
    row(
        call(
            "gpt-realtime",
            i=4200,
            audio=2000,
            image=100,
            read=1100,
            read_audio=500,
            read_image=100,
            o=1000,
            audio_out=700,
        ),
        "0.11855",
    ),
    # audio 1000×3, cached audio 100×3 (no discount), text out 50×5 = 3000 + 300 + 250 µ
    row(call("gpt-4o-mini-transcribe", i=1100, audio=1000, read=100, read_audio=100, o=50), "0.00355"),
    # the list has no audio price for this model: 1000×2.5 is a guess
    row(call("gpt-4o-audio-preview", i=1000, audio=1000), "0.0025", ESTIMATED),
    # the 12 hour write costs twice the 30 minute one: 1000×2.5×2
    row(call("gpt-6-sol", i=1000, w12=1000), "0.005"),
    # of an older model nobody states it: 1000×5, what input costs, is a guess
    row(call("gpt-5.5", i=1000, w12=1000), "0.005", ESTIMATED),
    # a container, of the smallest size as far as anybody knows
    row(bucket("code-interpreter", code_interpreter_sessions=2, requests=0), "0.06", ESTIMATED),
    # 45 characters×15 = 675 µ
    row(call("tts-1", characters=45), "0.000675"),
    # 45×30
    row(call("tts-1-hd", characters=45), "0.00135"),
    # 20 s×0.36/3600 = 20×0.0001
    row(call("whisper-1", seconds=20), "0.002"),
    # 20 s×0.27/3600 = 20×0.000075
    row(call("gpt-transcribe", seconds=20), "0.0015"),
    # 20 s×1.02/3600 has no finite decimal: 28 digits
    row(call("gpt-realtime-whisper", seconds=20), "0.005666666666666666666666666667"),
    # two searches at $10 and two file searches at $2.50 per 1000
    row(call("gpt-4.1", web_search_requests=2, file_search_requests=2), "0.025"),
    # a batch does not make a search cheaper: 1000×1 µ + $0.01
    row(call("gpt-4.1", i=1000, web_search_requests=1, tier="batch"), "0.011"),
    # 2×0.0025; the report names no model
    row(bucket("file-search", file_search_requests=2, requests=0), "0.005", ESTIMATED),
    # OpenAI: "Moderation models are free models"
    row(bucket("omni-moderation-latest", i=16, requests=2), "0"),
    row(bucket(UNKNOWN_MODEL, i=16, requests=2, operation="moderation"), "0"),
]

OTHERS = [
    # 1000×1 + 500×1 µ and $12 per 1000 requests, the dearest, where nobody tells the size of the search context
    row(call("sonar", i=1000, o=500), "0.0135", ESTIMATED),
    row(bucket("sonar", i=1000, o=500, requests=3), "0.0375", ESTIMATED),
    # reasoning has a price of its own here: 1000×2 + 300×8 + 200×3 = 2000 + 2400 + 600 µ, two searches for $0.01
    row(call("sonar-deep-research", i=1000, o=500, thought=200, web_search_requests=2), "0.015"),
    # text 1000×0.3, audio 500×1, cached text 100×0.03, cached audio 100×0.1, out 100×2.5 = 300 + 500 + 3 + 10 + 250 µ
    row(call("gemini-2.5-flash", i=1700, audio=500, read=200, read_audio=100, o=100), "0.001063"),
]


@pytest.mark.parametrize(("record", "amount", "source"), CONTRACTS + OPENAI + OTHERS)
def test_the_bill_adds_up_to_the_amount_worked_out_by_hand(
    record: UsageRecord, amount: Decimal, source: CostSource
) -> None:
    assert_costs(record, amount, source)
