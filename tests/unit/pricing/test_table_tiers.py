"""Prices that depend on tier, date, region and length: the amounts worked out by hand, both sides of every border.

Prices are dollars per million tokens, amounts in the comments are millionths of a dollar (µ) unless they carry a $.
"""

from decimal import Decimal

import pytest

from guardian.models.enums import CostSource, Provider
from guardian.records import UsageRecord
from tests.unit.pricing.make import ESTIMATED, assert_costs, bucket, call, row

TIERS = [
    # 100k×1.25 + 10k×10 = $0.125 + 0.1
    *[row(call("gpt-5", i=100_000, o=10_000, tier=tier), "0.225") for tier in (None, "", "default")],
    # flex is half
    row(call("gpt-5", i=100_000, o=10_000, tier="flex"), "0.1125"),
    # priority is double, and fast is another name of it
    row(call("gpt-5", i=100_000, o=10_000, tier="priority"), "0.45"),
    row(call("gpt-5", i=100_000, o=10_000, tier="fast"), "0.45"),
    # tiers with a price of their own that no list tells: the standard price, as an estimate
    *[
        row(call("gpt-5", i=100_000, o=10_000, tier=tier), "0.225", ESTIMATED)
        for tier in ("ultrafast", "scale", "auto", "something-new")
    ],
    # a list with flex but without priority: 100k×0.05 + 10k×0.4
    row(call("gpt-5-nano", i=100_000, o=10_000, tier="priority"), "0.009", ESTIMATED),
    # the list has the tier's price since 12 October 2026; before that it is a guess, since then it is known
    row(call("gpt-5", "2026-10-11T23:59:59", i=100_000, o=10_000, tier="flex"), "0.1125", ESTIMATED),
    row(call("gpt-5", "2026-10-12T00:00:00", i=100_000, o=10_000, tier="flex"), "0.1125"),
    # the same for batch and 14 October
    row(call("gpt-5", "2026-10-13T23:59:59", i=100_000, o=10_000, tier="batch"), "0.1125", ESTIMATED),
    row(call("gpt-5", "2026-10-14T00:00:00", i=100_000, o=10_000, tier="batch"), "0.1125"),
    # no list has batch and priority at once: that of batch
    row(bucket("gpt-5", i=100_000, requests=10, tier="batch", second_tier="priority"), "0.0625", ESTIMATED),
    row(call("GPT-5", i=100_000, tier="Flex"), "0.0625"),
    # the batch list keeps the standard price of cached input: 1000×1 + 1000×0.5 + 100×4 = 1900 µ
    row(call("gpt-4.1", i=2000, read=1000, o=100, tier="batch"), "0.0019"),
    # batch tiers of long requests: 272001×2.5 + 1000×11.25 = 680002.5 + 11250 µ
    row(call("gpt-5.4", i=272_001, o=1000, tier="batch"), "0.6912525"),
    # before the standard price fell on 21 August, flex cannot be told: standard 100k×5 + 10k×30 = $0.5 + 0.3
    row(call("gpt-5.6-sol", "2026-08-20", i=100_000, o=10_000, tier="flex"), "0.8", ESTIMATED),
    # but batch is half of it, as documented
    row(call("gpt-5.6-sol", "2026-08-20", i=100_000, o=10_000, tier="batch"), "0.4", ESTIMATED),
    # no batch price in the list: half of 1000×3.75 + 100×15 = 2625 µ
    row(call("ft:gpt-4o-2024-08-06:acme::1", i=1000, o=100, tier="batch"), "0.002625", ESTIMATED),
]

ANTHROPIC = [
    # a batch that claims to be fast, too, is priced as a batch: 1000×2 µ
    row(call("claude-opus-5-5", i=1000, tier="batch", speed="fast"), "0.002", ESTIMATED),
    # half of everything, the cache included: 1M×(2 + 0.1 + 2.5 + 4 + 10)
    row(bucket("claude-opus-5-5", i=4_000_000, read=10**6, w5=10**6, w1h=10**6, o=10**6, tier="batch"), "18.6"),
    # retired model, not in the batch list: half of 1000×15 + 100×75 = 11250 µ
    row(call("claude-opus-4-1", i=1000, o=100, tier="batch"), "0.01125", ESTIMATED),
    # fast: 1000×10 + 1000×50 µ
    row(call("claude-opus-5", i=1000, o=1000, speed="fast"), "0.06"),
    row(call("claude-opus-5", i=1000, o=1000, speed="standard"), "0.03"),
    # no fast price known: 1000×1 + 1000×5 µ
    row(call("claude-haiku-4-5", i=1000, o=1000, speed="fast"), "0.006", ESTIMATED),
    # priority is sold by contract: standard price, as an estimate
    *[
        row(bucket("claude-sonnet-5", i=1000, o=1000, tier=tier), "0.012", ESTIMATED)
        for tier in ("priority", "flex", "flex_discount", "priority_on_demand")
    ],
    # (1000×4 + 100×20)×1.1 = 6600 µ; the search stays at $0.01
    row(call("claude-opus-5-5", i=1000, o=100, web_search_requests=1, geo="us"), "0.0166"),
    row(call("claude-opus-5-5", i=1000, o=100, web_search_requests=1, geo="global"), "0.016"),
    # the discount and the surcharge multiply: 1000×2×1.1
    row(call("claude-opus-5-5", i=1000, geo="us", tier="batch"), "0.0022"),
    # 4.6 pays the surcharge (1000×3×1.1), 4.5 and older do not
    row(call("claude-sonnet-4-6", i=1000, geo="us"), "0.0033"),
    row(call("claude-sonnet-4-5-20250929", i=1000, geo="us"), "0.003"),
    row(call("claude-sonnet-4-20250514", i=1000, geo="us"), "0.003"),
    row(call("claude-3-5-haiku-latest", i=1000, geo="us"), "0.0008"),
    row(call("claude-fable-5", i=1000, geo="us"), "0.011"),
    # sold by Google, whose batch price nobody states: half of 1000×4
    row(call("claude-opus-5-5", i=1000, tier="batch", provider=Provider.GOOGLE), "0.002", ESTIMATED),
    # dated name: 100×4 + 10×20
    row(call("claude-opus-5-5-20261001", i=100, o=10), "0.0006"),
]

DATES = [
    # o3 fell from 10/40 to 2/8 on 10 June 2025 (UTC)
    row(call("o3", "2025-06-01T12:00:00", i=10**6, o=10**6), "50"),
    row(call("o3", "2025-06-09T23:59:59", i=10**6, o=10**6), "50"),
    row(call("o3", "2025-06-10T00:00:00", i=10**6, o=10**6), "10"),
    row(call("o3", "2025-07-01T12:00:00", i=10**6, o=10**6), "10"),
    # Luna fell by 80 % on 30 July 2026: 100k×1 + 10k×6, 100k×0.2 + 10k×1.2
    row(call("gpt-5.6-luna", "2026-07-29T23:59:59", i=100_000, o=10_000), "0.16"),
    row(call("gpt-5.6-luna", "2026-07-30T00:00:00", i=100_000, o=10_000), "0.032"),
    # Sol fell on 21 August: 100k×5 + 10k×30, 100k×4 + 10k×20
    row(call("gpt-5.6-sol", "2026-08-20", i=100_000, o=10_000), "0.8"),
    row(call("gpt-5.6-sol", "2026-08-21", i=100_000, o=10_000), "0.6"),
    # a cached price came on 19 October: 2000×12.5, 1000×12.5 + 1000×1.25
    row(call("gpt-5.5-cyber", "2026-10-18", i=2000, read=1000), "0.025"),
    row(call("gpt-5.5-cyber", "2026-10-19", i=2000, read=1000), "0.01375"),
    # a bucket of the day before the change is that day's alone
    row(bucket("o3", "2025-06-09", i=10**6), "10"),
    # one that reaches over it cannot be told
    row(bucket("o3", "2025-06-09T12:00:00", i=10**6), "10", ESTIMATED),
    row(bucket("o3", "2025-06-10", i=10**6), "2"),
]

LENGTHS = [
    # one token more and the whole request pays the long price: 272000×2.5 + 1000×15, 272001×5 + 1000×22.5
    row(call("gpt-5.4", i=272_000, o=1000), "0.695"),
    row(call("gpt-5.4", i=272_001, o=1000), "1.382505"),
    # cached tokens count towards the length: 1×5 + 272000×0.5
    row(call("gpt-5.4", i=272_001, read=272_000), "0.136005"),
    # output does not
    row(call("gpt-5.4", i=1, o=300_000), "4.5000025"),
    # the priority list has no long price: 272001×5
    row(call("gpt-5.4", i=272_001, tier="priority"), "1.360005"),
    # 200000×3, 200001×6
    row(call("claude-sonnet-4-5", i=200_000), "0.6"),
    row(call("claude-sonnet-4-5", i=200_001), "1.200006"),
    # 100000×0.1, 100001×0.5
    row(call("claude-haiku-5-5", i=100_000), "0.01"),
    row(call("claude-haiku-5-5", i=100_001), "0.0500005"),
    # Opus 4.6 was made flat on 13 March 2026: 200001×10, then ×5
    row(call("claude-opus-4-6", "2026-03-12", i=200_001), "2.00001"),
    row(call("claude-opus-4-6", "2026-03-13", i=200_001), "1.000005"),
    # xAI's border is "200k or more": 199999×1.25, 200000×2.5
    row(call("grok-4.3", i=199_999), "0.24999875"),
    row(call("grok-4.3", i=200_000), "0.5"),
    # 200000×1.25, 200001×2.5
    row(call("gemini-2.5-pro", i=200_000), "0.25"),
    row(call("gemini-2.5-pro", i=200_001), "0.5000025"),
    # a bucket is many requests: base price while their average is short; a longer average makes it an estimate
    row(bucket("gpt-5.4", i=2_720_000, requests=10), "6.8"),
    row(bucket("gpt-5.4", i=2_720_010, requests=10), "6.800025", ESTIMATED),
    # a bucket of one request is that request
    row(bucket("gpt-5.4", i=272_001, requests=1), "1.360005"),
    # uncounted requests: sure only while the total itself is short
    row(bucket("gpt-5.4", i=272_000), "0.68"),
    row(bucket("gpt-5.4", i=272_001), "0.6800025", ESTIMATED),
    row(bucket("gpt-5.4", i=272_001, requests=0), "0.6800025", ESTIMATED),
    # Anthropic tells the length of a row's requests: 1M×3 and 1M×6
    row(bucket("claude-sonnet-4-5", i=10**6, window="0-200k"), "3"),
    row(bucket("claude-sonnet-4-5", i=10**6, window="200k-1M"), "6"),
    row(bucket("claude-sonnet-4-5", i=10**6), "3", ESTIMATED),
    # but not on which side of 100k they are: 1M×0.1, 1M×0.5
    row(bucket("claude-haiku-5-5", i=10**6, window="0-200k"), "0.1", ESTIMATED),
    row(bucket("claude-haiku-5-5", i=100_000, window="0-200k"), "0.01"),
    row(bucket("claude-haiku-5-5", i=10**6, window="200k-1M"), "0.5"),
    # a flat price leaves nothing to tell
    row(bucket("claude-opus-5-5", i=10**7), "40"),
]


@pytest.mark.parametrize(("record", "amount", "source"), TIERS + ANTHROPIC + DATES + LENGTHS)
def test_tier_date_region_and_length_choose_the_price(record: UsageRecord, amount: Decimal, source: CostSource) -> None:
    assert_costs(record, amount, source)
