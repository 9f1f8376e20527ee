"""Prices that a customer agreed with a provider: which one holds, and what it changes."""

from decimal import Decimal
from typing import Any

import pytest

from guardian.errors import ValidationError
from guardian.models.enums import CostSource, Provider
from guardian.pricing.calculator import price
from guardian.pricing.overrides import Override
from guardian.records import UsageRecord
from tests.unit.pricing.make import bucket, call, utc


def agreed(
    pattern: str = "gpt-5",
    *,
    id: str = "override",
    provider: Provider = Provider.OPENAI,
    since: str = "2026-01-01",
    until: str | None = None,
    percent: str | None = None,
    **prices: str,
) -> Override:
    return Override(
        id=id,
        provider=provider,
        model_pattern=pattern,
        valid_from=utc(since),
        valid_to=utc(until) if until else None,
        percent_of_list=Decimal(percent) if percent else None,
        prices={unit: Decimal(amount) for unit, amount in prices.items()},
    )


@pytest.mark.parametrize(
    ("record", "override", "amount"),
    [
        # list: 1000×1.25 + 100×10 = 2250 µ; at 80 % 1800 µ
        (call("gpt-5", i=1000, o=100), agreed(percent="80"), "0.0018"),
        # fees are part of the list: 80 % of $0.01
        (call("gpt-5", web_search_requests=1), agreed(percent="80"), "0.008"),
        # discounts multiply: batch 1000×0.625 µ at 80 %
        (call("gpt-5", i=1000, tier="batch"), agreed(percent="80"), "0.0005"),
        # so does the surcharge: 1000×4×1.1 µ at 50 %
        (
            call("claude-opus-5-5", i=1000, geo="us"),
            agreed("claude-*", provider=Provider.ANTHROPIC, percent="50"),
            "0.0022",
        ),
        # long requests stay long: 272001×5 at 10 %
        (call("gpt-5.4", i=272_001), agreed("gpt-5.4", percent="10"), "0.1360005"),
        # absolute: 1000×1 + 100×2 µ
        (call("gpt-5", i=1000, o=100), agreed(input_tokens="1", output_tokens="2"), "0.0012"),
        # what it does not name keeps the list price: 500×1 + 500×0.125 µ
        (call("gpt-5", i=1000, read=500), agreed(input_tokens="1"), "0.0005625"),
        # absolute prices are final: no batch, no region, no length
        (call("gpt-5", i=1000, tier="batch"), agreed(input_tokens="1"), "0.001"),
        (
            call("claude-opus-5-5", i=1000, geo="us"),
            agreed("claude-opus-5-5", provider=Provider.ANTHROPIC, input_tokens="3"),
            "0.003",
        ),
        (call("gpt-5.4", i=272_001), agreed("gpt-5.4", input_tokens="1"), "0.272001"),
        # a model that the catalog lacks: cached input at the input price
        (
            call("gpt-6.2-sol", i=1000, read=400, o=10),
            agreed("gpt-6.*", input_tokens="1", output_tokens="5"),
            "0.00105",
        ),
        (
            call("llama", i=1000, provider=Provider.CUSTOM),
            agreed("*", provider=Provider.CUSTOM, input_tokens="2"),
            "0.002",
        ),
        # units that no catalog prices, in dollars per million units: two pictures at $0.04
        (bucket("gpt-image-1", images=2), agreed("gpt-image-1", images="40000"), "0.08"),
        # one price for every kind of cache write, and one for a kind of its own: 100×3 + 100×4 µ
        (
            call("gpt-6-sol", i=200, w30=100, w12=100),
            agreed("gpt-6-sol", cache_write_tokens="3", cache_write_12h_tokens="4"),
            "0.0007",
        ),
        # free by agreement
        (call("gpt-5", i=1000), agreed(input_tokens="0"), "0"),
    ],
    ids=str,
)
def test_an_override_changes_what_it_names(record: UsageRecord, override: Override, amount: str) -> None:
    bill = price(record, [override])
    assert (bill.amount, bill.source, bill.reason) == (Decimal(amount), CostSource.COMPUTED, None)
    assert (bill.price_source, bill.price_ref) == ("override", "override")
    assert sum(line.amount for line in bill.lines) == bill.amount


def test_a_share_of_an_unknown_price_is_unknown() -> None:
    assert price(call("gpt-6.2-sol", i=1), [agreed("*", percent="80")]).amount is None


def test_a_share_of_an_estimate_is_an_estimate() -> None:
    bill = price(call("gpt-5", i=1000, tier="scale"), [agreed(percent="80")])
    assert (bill.amount, bill.source) == (Decimal("0.001"), CostSource.ESTIMATED)


def test_an_absolute_price_leaves_no_doubt_about_the_tier() -> None:
    bill = price(call("gpt-5", i=1000, tier="scale"), [agreed(input_tokens="1")])
    assert (bill.amount, bill.source) == (Decimal("0.001"), CostSource.COMPUTED)


def test_the_providers_own_cost_wins_over_an_override() -> None:
    bill = price(call("gpt-5", i=1000, provider_cost=Decimal("0.5")), [agreed(percent="80")])
    assert (bill.amount, bill.source) == (Decimal("0.5"), CostSource.PROVIDER)


@pytest.mark.parametrize(
    ("overrides", "chosen"),
    [
        # a whole name beats a pattern, however long
        ([agreed("gpt-5-min*", id="a", percent="90"), agreed("gpt-5-mini", id="b", percent="80")], "b"),
        ([agreed("gpt-5-[m]ini", id="a", percent="90"), agreed("gpt-5-mini", id="b", percent="80")], "b"),
        # more literal characters beat fewer
        ([agreed("gpt-5-*", id="a", percent="90"), agreed("*", id="b", percent="80")], "a"),
        ([agreed("gpt-?-*", id="a", percent="90"), agreed("gpt-5*", id="b", percent="80")], "b"),
        # the later start
        (
            [
                agreed("gpt-5-*", id="a", since="2026-06-01", percent="90"),
                agreed("gpt-5-*", id="b", since="2026-03-01", percent="80"),
            ],
            "a",
        ),
        # written in the same moment: the greater id, so that the order of the list does not matter
        ([agreed("gpt-5-*", id="a", percent="90"), agreed("gpt-5-*", id="b", percent="80")], "b"),
        # whatever the case
        ([agreed("GPT-5-Mini", id="a", percent="90")], "a"),
        # not yet, not any more, not this provider, not this model
        ([agreed("gpt-5-mini", id="a", since="2026-11-01T00:00:01", percent="90")], "gpt-5-mini"),
        ([agreed("gpt-5-mini", id="a", until="2026-11-01", percent="90")], "gpt-5-mini"),
        ([agreed("*", id="a", provider=Provider.ANTHROPIC, percent="90")], "gpt-5-mini"),
        ([agreed("gpt-5", id="a", percent="90")], "gpt-5-mini"),
        # to the second: the start counts, the end does not
        ([agreed("gpt-5-mini", id="a", since="2026-11-01", until="2026-11-01T00:00:01", percent="90")], "a"),
    ],
)
def test_the_most_specific_then_the_latest_override_holds(overrides: list[Override], chosen: str) -> None:
    for order in (overrides, overrides[::-1]):
        assert price(call("gpt-5-mini", i=1000), order).price_ref == chosen


def test_a_bucket_in_which_an_override_starts_cannot_be_told() -> None:
    override = agreed(since="2026-11-01T12:00:00", percent="80")
    bill = price(bucket("gpt-5", i=1000), [override])
    assert (bill.amount, bill.source) == (Decimal("0.00125"), CostSource.ESTIMATED)
    assert price(bucket("gpt-5", "2026-11-02", i=1000), [override]).amount == Decimal("0.001")


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"percent": "80", "input_tokens": "1"},
        {"percent": "-1"},
        {"percent": "NaN"},
        {"input_tokens": "-0.1"},
        {"input_tokens": "Infinity"},
        {"percent": "80", "until": "2026-01-01"},
    ],
)
def test_an_override_that_makes_no_sense_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="price override"):
        agreed(**facts)
