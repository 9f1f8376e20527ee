"""The bill's shape: its lines, whose word it is, and what is left without a price."""

from decimal import Decimal

import genai_prices
import pytest

from guardian.models.enums import CostSource, Provider
from guardian.pricing.calculator import price, to_money
from guardian.pricing.supplements import VERSION
from guardian.records import UNKNOWN_MODEL, UsageRecord
from tests.unit.pricing.make import UNPRICED, bucket, call


def lines(record: UsageRecord) -> list[tuple[str, str, str, str, str]]:
    return [
        (line.unit, str(line.quantity), f"{line.unit_price:f}", str(line.multiplier), f"{line.amount.normalize():f}")
        for line in price(record).lines
    ]


def test_a_bill_can_be_read_line_by_line() -> None:
    record = bucket("gpt-6-sol", i=1_200_000, read=800_000, w30=50_000, o=90_000, requests=412)
    assert lines(record) == [
        ("uncached_input_tokens", "350000", "0.000002", "1", "0.7"),
        ("cache_read_tokens", "800000", "0.0000002", "1", "0.16"),
        ("cache_write_30m_tokens", "50000", "0.0000025", "1", "0.125"),
        ("output_tokens", "90000", "0.00001", "1", "0.9"),
    ]


def test_a_surcharge_is_a_multiplier_on_tokens_and_not_on_fees() -> None:
    record = call("claude-opus-5-5", i=1000, w1h=400, o=100, web_search_requests=2, geo="us")
    assert lines(record) == [
        ("uncached_input_tokens", "600", "0.000004", "1.1", "0.00264"),
        ("cache_write_1h_tokens", "400", "0.000008", "1.1", "0.00352"),
        ("output_tokens", "100", "0.00002", "1.1", "0.0022"),
        ("web_search_requests", "2", "0.01", "1", "0.02"),
    ]


def test_a_guessed_batch_discount_is_seen_on_the_bill() -> None:
    record = call("claude-opus-4-1", i=1000, tier="batch")
    assert lines(record) == [("uncached_input_tokens", "1000", "0.000015", "0.5", "0.0075")]
    assert price(record).reason == (
        "The catalog has no batch price of claude-opus-4-1 for this date; half of the standard price is used."
    )


def test_the_bill_names_the_price_it_used() -> None:
    bill = price(call("gpt-6-sol-2026-09-01", i=1))
    assert (bill.price_source, bill.price_ref, bill.price_version) == (
        "genai-prices",
        "gpt-6-sol",
        f"{genai_prices.__version__}+s{VERSION:%Y%m%d}",
    )


def test_the_providers_own_cost_is_final_even_for_an_unknown_model() -> None:
    for model in ("grok-4.3", "model-of-tomorrow"):
        bill = price(call(model, i=100, o=100, provider=Provider.XAI, provider_cost=Decimal("0.0005101")))
        assert (bill.amount, bill.source) == (Decimal("0.0005101"), CostSource.PROVIDER)
        assert sum(line.amount for line in bill.lines) == bill.amount


def test_a_provider_may_say_that_a_call_was_free() -> None:
    bill = price(call("grok-4.3", i=100, provider_cost=Decimal(0)))
    assert (bill.amount, bill.source) == (Decimal(0), CostSource.PROVIDER)


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (call("gpt-6.2-sol", i=1), "'gpt-6.2-sol' of OPENAI"),
        (call("gpt-6.2-astra", o=1), "'gpt-6.2-astra'"),
        (call("gpt-4o-of-tomorrow", i=1), "'gpt-4o-of-tomorrow'"),
        (call("claude-opus-6", i=1), "'claude-opus-6' of ANTHROPIC"),
        (call("", i=1), "''"),
        (bucket(UNKNOWN_MODEL, i=1), "does not name the model"),
        (call("llama-local", i=1, provider=Provider.CUSTOM), "'llama-local' of CUSTOM"),
        # another provider's model is not ours to price
        (call("claude-opus-5-5", i=1, provider=Provider.OPENAI), "'claude-opus-5-5' of OPENAI"),
        (bucket("unknown", web_search_requests=1), "'unknown'"),
        # tokens are priced, the fee is not: the whole is unknown
        (call("gpt-5.3-codex", i=10**6, web_search_requests=1), "web_search_requests of gpt-5.3-codex"),
        (call("claude-3-haiku", web_search_requests=1), "web_search_requests of claude-3-haiku"),
        (call("text-embedding-3-small", i=1, o=1), "output_tokens of text-embedding-3-small"),
        (bucket("gpt-image-1", images=2, requests=2), "images of gpt-image-1"),
        (bucket("gpt-4o-transcribe", seconds=20), "seconds of gpt-4o-transcribe"),
        (bucket("gpt-4o-mini-tts", characters=45), "characters of gpt-4o-mini-tts"),
        (call("whisper-1", i=10), "uncached_input_tokens of whisper-1"),
        (bucket("vector-stores", vector_store_bytes=1024), "'vector-stores'"),
        (call("gpt-5", i=1, something_new=1, another=1), "another, something_new of gpt-5"),
        # $12 per 1000 requests, but nobody counted them
        (bucket("sonar", i=1000), "requests of sonar"),
        # free models of this provider are listed without a price; only what a provider states to be free is zero
        (call("gemma-3-27b-it", i=1, provider=Provider.GOOGLE), "uncached_input_tokens of gemma-3-27b-it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unknown_is_never_zero(record: UsageRecord, named: str) -> None:
    bill = price(record)
    assert (bill.amount, bill.source, bill.lines) == (None, UNPRICED, ())
    assert bill.reason is not None
    assert named in bill.reason


@pytest.mark.parametrize("model", ["gpt-5", "gpt-6.2-sol", "web-search", ""])
def test_a_record_that_used_nothing_costs_nothing(model: str) -> None:
    bill = price(bucket(model, requests=3))
    assert (bill.amount, bill.source, bill.reason) == (Decimal(0), CostSource.COMPUTED, None)


def test_a_call_that_failed_before_it_used_anything_is_no_estimate() -> None:
    for record in (call("gpt-5", tier="ultrafast"), bucket("o3", "2025-06-09T12:00:00", requests=3)):
        bill = price(record)
        assert (bill.amount, bill.source, bill.reason) == (Decimal(0), CostSource.COMPUTED, None)


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (call("gpt-5", i=10, read=11), "the shares of the input exceed input_tokens by 1"),
        (call("gpt-6.2-sol", i=10, read=11), "the shares of the input exceed input_tokens by 1"),
        (call("gpt-realtime", i=10, read=2, read_audio=3), "cached audio and image tokens exceed cache_read_tokens"),
        (call("gpt-5", i=10, o=1, audio_out=2), "the shares of the output exceed output_tokens by 1"),
        (call("gpt-5", i=-1), "input_tokens is negative"),
        (call("gpt-5", web_search_requests=-1), "web_search_requests is negative"),
        (call("sonar-deep-research", o=10, thought=8, image_out=4), "reasoning_tokens exceed the text output"),
    ],
)
def test_counts_that_cannot_be_true_are_not_billed(record: UsageRecord, named: str) -> None:
    bill = price(record)
    assert (bill.amount, bill.source) == (None, UNPRICED)
    assert bill.reason is not None
    assert named in bill.reason


def test_several_doubts_are_one_sentence() -> None:
    bill = price(call("gpt-4o-audio-preview", i=1000, audio=500, o=10, audio_out=5, tier="flex"))
    assert bill.reason == (
        "The catalog has no flex price of gpt-4o-audio-preview; the standard price is used; "
        "no price of its own is known for audio_input_tokens; that of input_tokens is used; "
        "no price of its own is known for audio_output_tokens; that of output_tokens is used."
    )


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        ("0.0000002", "0.0000002000"),
        ("0.00000000005", "0.0000000000"),
        ("0.00000000015", "0.0000000002"),
        ("0.000000000050000001", "0.0000000001"),
        ("9999999999.9999999999", "9999999999.9999999999"),
        ("-1.00000000005", "-1.0000000000"),
    ],
)
def test_money_is_kept_to_ten_places_rounded_half_to_even(amount: str, kept: str) -> None:
    assert f"{to_money(Decimal(amount)):f}" == kept
