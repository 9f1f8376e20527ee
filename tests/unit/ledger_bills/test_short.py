"""Prices and bills as rows keep them: every line comes back, digit for digit, whoever wrote it, whatever it is of."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guardian.models.bills import line_of, rates_packed, rates_unpacked, unpacked
from guardian.models.enums import CostSource, Provider
from guardian.models.shared import shared_id
from guardian.models.usage import Counts
from guardian.pricing.calculator import price
from guardian.records import BillLine, CostBreakdown, UsageCounts, UsageRecord
from guardian.services.ledger.bills.short import lines_of, name_of, price_of, short
from tests.unit.models.test_bills import lines

_SOME = st.integers(0, 400_000)
_MODELS = (
    (Provider.OPENAI, ("gpt-5.4", "gpt-4o-mini", "gpt-4o-audio-preview", "gpt-image-1", "o3")),
    (Provider.ANTHROPIC, ("claude-sonnet-4-5",)),
    (Provider.GOOGLE, ("gemini-2.5-flash",)),
    (Provider.PERPLEXITY, ("sonar-pro", "sonar-deep-research")),
)
_NAMES = st.none() | st.text(min_size=1, max_size=8).filter(lambda text: "\x1f" not in text and storable(text))


def storable(text: str) -> bool:
    return "\0" not in text and text.encode("utf-8", "replace").decode() == text


@st.composite
def counted(draw: st.DrawFn) -> UsageCounts:
    shares = {
        name: draw(st.sampled_from((0, 0, 7, 1_234)))
        for name in (
            *("cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "audio_input_tokens"),
            *("image_input_tokens", "video_input_tokens", "reasoning_tokens", "audio_output_tokens"),
        )
    }
    audio = draw(st.integers(0, shares["cache_read_tokens"]))
    return UsageCounts(
        input_tokens=sum(shares.values()) + draw(_SOME),
        output_tokens=shares["reasoning_tokens"] + shares["audio_output_tokens"] + draw(_SOME),
        cache_read_audio_tokens=draw(st.sampled_from((0, audio))),
        units=draw(
            st.dictionaries(st.sampled_from(("web_search_requests", "images")), st.just(Decimal(3)), max_size=2)
        ),
        **shares,
    )


def row_of(counts: UsageCounts, requests: int | None) -> dict[str, Any]:
    return {**{name: getattr(counts, name) for name in Counts.model_fields}, "requests": requests}


def kept_lines(cost: CostBreakdown, counts: UsageCounts, requests: int | None) -> list[dict[str, str]]:
    kept, text = short(cost, counts, requests)
    found = kept and price_of(kept.text)
    if kept is not None:
        assert kept.id == shared_id(kept.text)
    if found is None:
        assert (cost.price_source, cost.price_version, cost.price_ref) == (None, None, None)
    else:
        assert found[:3] == (cost.price_source, cost.price_version, cost.price_ref)
    return unpacked(text) if text is not None else lines_of(found, row_of(counts, requests))


@given(
    counts=counted(),
    model=st.sampled_from([(p, m) for p, of in _MODELS for m in of]),
    requests=st.sampled_from((None, 1, 3)),
)
def test_what_a_call_was_billed_is_there_line_by_line(
    counts: UsageCounts, model: tuple[Provider, str], requests: int | None
) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    usage = UsageRecord(
        provider=model[0], operation="chat", model=model[1], start=at, end=at, counts=counts, requests=requests
    )
    cost = price(usage)
    assert kept_lines(cost, counts, requests) == [line_of(line) for line in cost.lines]


@given(
    bill=st.lists(lines(), max_size=4),
    counts=counted(),
    requests=st.sampled_from((None, 1, 3)),
    source=_NAMES,
    version=_NAMES,
    ref=_NAMES,
)
def test_any_bill_of_anybody_comes_back(
    bill: list[BillLine], counts: UsageCounts, requests: int | None, source: str, version: str, ref: str
) -> None:
    cost = CostBreakdown(
        amount=Decimal(1),
        source=CostSource.ESTIMATED,
        lines=tuple(bill),
        price_source=source,
        price_version=version,
        price_ref=ref,
    )
    assert kept_lines(cost, counts, requests) == [line_of(line) for line in bill]


def test_a_usual_call_keeps_no_bill_of_its_own() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    counts = UsageCounts(input_tokens=1000, cache_read_tokens=400, output_tokens=100, reasoning_tokens=30)
    usage = UsageRecord(
        provider=Provider.OPENAI, operation="completion", model="gpt-4o-mini", start=at, end=at, counts=counts
    )
    kept, text = short(price(usage), counts, None)
    assert text is None
    assert kept is not None
    assert price_of(kept.text).rates == "i 15e-8;r 75e-9;o 6e-7"
    assert name_of("gpt-4o-mini") in kept.text


def test_a_cost_that_a_provider_stated_is_no_price_of_many() -> None:
    line = BillLine(
        unit="provider_cost",
        quantity=Decimal(1),
        unit_price=Decimal("0.017"),
        multiplier=Decimal(1),
        amount=Decimal("0.017"),
    )
    cost = CostBreakdown(amount=Decimal("0.017"), source=CostSource.PROVIDER, lines=(line,), price_source="provider")
    kept, text = short(cost, UsageCounts(input_tokens=5), None)
    assert (kept and price_of(kept.text).rates, text) == ("", "c 1 0.017")


@given(st.lists(lines(), max_size=4))
def test_rates_come_back(bill: list[BillLine]) -> None:
    rates = [(line.unit, line.unit_price, line.multiplier) for line in bill]
    assert rates_unpacked(rates_packed(rates)) == rates
