"""Our arithmetic against the catalog's own calculator, to the last digit: every model, every tier, random usage."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from genai_prices import Usage, calc_price
from genai_prices.types import ModelInfo
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.models.enums import CostSource, Provider
from guardian.pricing.calculator import price
from guardian.pricing.catalog import CATALOG_IDS
from guardian.pricing.processing import Processing
from guardian.pricing.supplements import DERIVED
from guardian.records import UsageCounts, UsageRecord
from tests.unit.pricing.make import MODELS

TIERS = (None, "default", "flex", "priority", "fast", "batch")
DATES = ("2025-06-09", "2026-03-12", "2026-08-01", "2026-10-11", "2026-10-13", "2026-11-22", "2027-01-01")
INPUTS = ("uncached", "read", "read_audio", "read_image", "w5", "w30", "w1h", "w12", "audio", "image")
OUTPUTS = ("text_out", "thought", "audio_out", "image_out")
PARTS = (*INPUTS, *OUTPUTS, "web", "files", "characters", "seconds")
NEEDS = {
    "input_mtok": INPUTS,
    "output_mtok": OUTPUTS,
    "web_searches_kcount": ("web",),
    "storage_searches_kcount": ("files",),
    "input_mchars": ("characters",),
    "audio_hours": ("seconds",),
}


def used(provider: Provider, model: ModelInfo, at: datetime, tier: str | None, n: Mapping[str, int]) -> UsageRecord:
    """A call that uses what this model has prices for; `n` says how much of each part."""
    priced = {key for key, value in vars(model.get_prices(at)).items() if value is not None}
    n = {part: n[part] for part in PARTS}
    for key, parts in NEEDS.items():
        if key not in priced:
            n.update(dict.fromkeys(parts, 0))
    if any(share.holds(provider, model.id, at.date()) for share in DERIVED):
        n["w12"] = 0  # the catalog takes it for a write of 30 minutes
    read = n["read"] + n["read_audio"] + n["read_image"]
    units = {"web_search_requests": "web", "file_search_requests": "files"} | {u: u for u in ("characters", "seconds")}
    counts = UsageCounts(
        input_tokens=n["uncached"] + read + n["w5"] + n["w30"] + n["w1h"] + n["w12"] + n["audio"] + n["image"],
        output_tokens=n["text_out"] + n["thought"] + n["audio_out"] + n["image_out"],
        cache_read_tokens=read,
        cache_write_5m_tokens=n["w5"],
        cache_write_30m_tokens=n["w30"],
        cache_write_1h_tokens=n["w1h"],
        cache_write_12h_tokens=n["w12"],
        audio_input_tokens=n["audio"],
        image_input_tokens=n["image"],
        cache_read_audio_tokens=n["read_audio"],
        cache_read_image_tokens=n["read_image"],
        reasoning_tokens=n["thought"],
        audio_output_tokens=n["audio_out"],
        image_output_tokens=n["image_out"],
        units={unit: Decimal(n[part]) for unit, part in units.items() if n[part]},
    )
    return UsageRecord(
        provider=provider, operation="test", model=model.id, start=at, end=at, counts=counts, service_tier=tier
    )


def catalogs_word(record: UsageRecord) -> Decimal:
    c, unit = record.counts, record.counts.units.get
    usage = Usage(
        input_tokens=c.input_tokens,
        output_tokens=c.output_tokens,
        cache_read_tokens=c.cache_read_tokens,
        cache_write_tokens=c.cache_write_tokens,
        cache_write_5m_tokens=c.cache_write_5m_tokens,
        cache_write_1h_tokens=c.cache_write_1h_tokens,
        input_audio_tokens=c.audio_input_tokens + c.cache_read_audio_tokens,
        input_image_tokens=c.image_input_tokens + c.cache_read_image_tokens,
        cache_audio_read_tokens=c.cache_read_audio_tokens,
        cache_image_read_tokens=c.cache_read_image_tokens,
        output_reasoning_tokens=c.reasoning_tokens,
        output_audio_tokens=c.audio_output_tokens,
        output_image_tokens=c.image_output_tokens,
        web_searches=unit("web_search_requests", 0),
        storage_searches=unit("file_search_requests", 0),
        input_characters=unit("characters", 0),
        audio_seconds=unit("seconds", 0),
        input_audio_seconds=unit("seconds", 0),
    )
    return calc_price(
        usage,
        record.model,
        provider_id=CATALOG_IDS[record.provider],
        genai_request_timestamp=record.start,
        price_context=Processing(record.service_tier).context(),
    ).total_price


def covered(model: ModelInfo, at: datetime, tier: str | None) -> bool:
    """Whether the catalog itself knows this tier's price at that time."""
    context = Processing(tier).context()
    return not context or any(
        v.when == context and (v.constraint is None or v.constraint.active(at)) for v in model.price_variants or ()
    )


def assert_agrees(record: UsageRecord, *, known: bool) -> None:
    bill = price(record)
    assert bill.amount is not None, bill.reason
    assert sum((line.amount for line in bill.lines), Decimal(0)) == bill.amount
    if known:
        assert bill.amount == catalogs_word(record), record
    elif bill.lines and any("tokens" in line.unit for line in bill.lines):
        assert bill.source is CostSource.ESTIMATED


def test_every_model_agrees_in_every_tier_and_at_every_date() -> None:
    numbers = {part: 1_000 + 37 * i for i, part in enumerate(PARTS)}
    compared = 0
    for provider, model in MODELS:
        for date in DATES:
            at = datetime.fromisoformat(date).replace(tzinfo=UTC)
            for tier in TIERS:
                known = covered(model, at, tier)
                assert_agrees(used(provider, model, at, tier, numbers), known=known)
                compared += known
    assert compared > 2 * len(MODELS) * len(DATES)


@settings(max_examples=400)
@given(
    which=st.sampled_from(MODELS),
    minutes=st.integers(0, 2 * 365 * 24 * 60),
    tier=st.sampled_from(TIERS),
    numbers=st.fixed_dictionaries({part: st.integers(0, 400_000) | st.integers(0, 300) for part in PARTS}),
)
def test_random_calls_agree(
    which: tuple[Provider, ModelInfo], minutes: int, tier: str | None, numbers: dict[str, int]
) -> None:
    provider, model = which
    at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    assert_agrees(used(provider, model, at, tier, numbers), known=covered(model, at, tier))


@settings(max_examples=200)
@given(
    which=st.sampled_from(MODELS),
    tier=st.sampled_from(TIERS),
    parts=st.lists(st.fixed_dictionaries({part: st.integers(0, 10**7) for part in PARTS}), min_size=2, max_size=2),
)
def test_a_line_is_its_product_and_two_rows_cost_what_their_sum_costs(
    which: tuple[Provider, ModelInfo], tier: str | None, parts: list[dict[str, int]]
) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    parts = [{**numbers, "seconds": 0} for numbers in parts]
    whole = {part: sum(numbers[part] for numbers in parts) for part in PARTS}

    def row(numbers: dict[str, int]) -> UsageRecord:
        call = used(*which, at, tier, numbers)
        return UsageRecord(
            **{f: getattr(call, f) for f in call.__slots__} | {"end": at + timedelta(days=1), "requests": 0}
        )

    bills = [price(row(numbers)) for numbers in [*parts, whole]]
    for bill in bills:
        assert all(line.quantity * line.unit_price * line.multiplier == line.amount for line in bill.lines)
    first, second, both = (bill.amount for bill in bills)
    assert first is not None
    assert second is not None
    assert first + second == both
