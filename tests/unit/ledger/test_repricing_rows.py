"""From a stored row back to what it was priced from: the same bill, digit for digit, for every kind of row."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import Session

from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.periods import HOUR
from guardian.pricing.calculator import price
from guardian.records import UsageBucket, UsageCounts, UsageRecord
from guardian.services.ledger.bills.rows import whole_rows
from guardian.services.ledger.repricing.rows import (
    can_be_repriced,
    facts_digest,
    kept,
    priced_again,
    stored_record,
    unkept,
)
from guardian.services.ledger.sql.bulk import Row
from guardian.services.ledger.sql.tables import ROLLUPS, USAGE
from guardian.services.ledger.writing.buckets import replace_buckets
from guardian.services.ledger.writing.calls import Call, add_calls
from guardian.services.ledger.writing.rows import PRICE_COLUMNS, cost_columns, count_columns
from tests.conftest import People
from tests.unit.ledger.making import T0, account, usage

_MODELS = {
    Provider.OPENAI: ("gpt-6-sol", "gpt-5.4", "gpt-4o-audio-preview", "gpt-image-1", "nobody-knows-it"),
    Provider.ANTHROPIC: ("claude-opus-5-5", "claude-sonnet-4-5", "claude-haiku-4-5"),
    Provider.GOOGLE: ("gemini-3.1-pro-preview", "gemini-2.5-flash"),
    Provider.XAI: ("grok-4.7",),
    Provider.PERPLEXITY: ("sonar-pro",),
}
_DIMENSIONS = {
    "speed": ("fast", "standard"),
    "inference_geo": ("us", "global"),
    "context_window": ("0-200k", "200k-1M"),
    "service_tier": ("flex", "default"),
    "size": ("1024x1024",),
}
_UNITS = ("web_search_requests", "file_search_requests", "images", "seconds", "characters")


@st.composite
def _counts(draw: st.DrawFn) -> UsageCounts:
    """Shares that are disjoint and within their totals."""
    some = st.integers(0, 400_000)
    audio, image = draw(st.integers(0, 50)), draw(st.integers(0, 50))
    shares = {
        "cache_read_tokens": audio + image + draw(some),
        "cache_write_5m_tokens": draw(some),
        "cache_write_1h_tokens": draw(some),
        "audio_input_tokens": draw(st.integers(0, 900)),
        "image_input_tokens": draw(st.integers(0, 900)),
    }
    thought, spoken = draw(some), draw(st.integers(0, 900))
    units = draw(st.dictionaries(st.sampled_from(_UNITS), st.decimals("0.001", "1000", places=3), max_size=2))
    return UsageCounts(
        **shares,
        input_tokens=sum(shares.values()) + draw(some),
        cache_read_audio_tokens=audio,
        cache_read_image_tokens=image,
        output_tokens=thought + spoken + draw(some),
        reasoning_tokens=thought,
        audio_output_tokens=spoken,
        units=units,
    )


@st.composite
def _records(draw: st.DrawFn) -> UsageRecord:
    provider = draw(st.sampled_from(sorted(_MODELS)))
    start = T0 + draw(st.integers(-20_000, 400)) * HOUR
    names = draw(st.sets(st.sampled_from(sorted(_DIMENSIONS)), max_size=2))
    return UsageRecord(
        provider=provider,
        operation="chat",
        model=draw(st.sampled_from(_MODELS[provider])),
        start=start,
        end=start + HOUR,
        counts=draw(_counts()),
        requests=draw(st.none() | st.integers(0, 50)),
        service_tier=draw(st.sampled_from((None, "batch", "flex", "priority", "default"))),
        dimensions={name: draw(st.sampled_from(_DIMENSIONS[name])) for name in names},
        provider_cost=draw(st.none() | st.decimals(0, 100, places=12)),
    )


_MANY = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
_TEXTS = st.dictionaries(st.sampled_from((*_DIMENSIONS, "customer", "_dimensions", "_doubts")), st.text(max_size=5))


def stored(session: Session) -> list[Row]:
    found = session.connection().execute(select(USAGE).order_by(USAGE.c.id)).mappings()
    return whole_rows(session, [dict(row) for row in found])


def priced(record: UsageRecord) -> dict[str, Any]:
    return cost_columns(price(record))


def columns_of(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in PRICE_COLUMNS}


def clear(session: Session) -> None:
    session.rollback()
    session.connection().execute(ROLLUPS.delete())
    session.connection().execute(USAGE.delete())


@_MANY
@given(records=st.lists(_records(), min_size=4, max_size=12))
def test_a_reported_row_gives_its_own_bill_again(session: Session, people: People, records: list[UsageRecord]) -> None:
    clear(session)
    for provider in _MODELS:
        of = [r for r in records if r.provider is provider]
        buckets = {
            start: UsageBucket(
                series="s", start=start, end=start + HOUR, records=tuple(r for r in of if r.start == start)
            )
            for start in {r.start for r in of}
        }
        replace_buckets(session, account(people.alice, provider=provider), buckets.values())
    rows = stored(session)
    assert rows
    for row in rows:
        assert priced(stored_record(row)) == columns_of(row)
        assert priced_again(row, ()) is None


@_MANY
@given(record=_records(), metadata=_TEXTS, doubts=st.sampled_from(((), ("the stream ended early",))))
def test_a_call_gives_its_own_bill_again(
    session: Session, people: People, record: UsageRecord, metadata: dict[str, str], doubts: tuple[str, ...]
) -> None:
    clear(session)
    call = Call(
        identity=("event", "1"),
        origin=UsageOrigin.INGEST,
        usage=replace(record, end=record.start, requests=None, doubts=doubts),
        user_id=people.alice.user_id,
        metadata=metadata,
    )
    add_calls(session, people.alice.organization_id, [call])
    (row,) = stored(session)
    again = stored_record(row)
    assert again == replace(call.usage, requests=1, provider_cost=again.provider_cost)
    assert priced_again(row, ()) is None
    assert (row["cost_source"] == CostSource.COMPUTED) <= (not doubts)
    assert priced(again) == columns_of(row)


@given(counts=_counts(), cost=st.none() | st.decimals(0, 10**9, places=10))
def test_what_is_kept_of_a_price_comes_back_whole(counts: UsageCounts, cost: Decimal | None) -> None:
    row: Row = {
        **counts_row(counts),
        "cost": cost,
        "cost_source": CostSource.UNPRICED if cost is None else CostSource.COMPUTED,
        "cost_reason": "why",
        "price_source": "genai-prices",
        "price_version": "1",
        "price_ref": "m",
        "bill": [{"unit": "output_tokens", "amount": "0.1"}],
    }
    assert unkept(kept(row)) == columns_of(row)


def counts_row(counts: UsageCounts) -> Row:
    return {**count_columns(counts), "requests": 1}


def test_another_count_is_another_digest() -> None:
    one = counts_row(UsageCounts(input_tokens=5, output_tokens=1))
    assert facts_digest(one) == facts_digest(dict(one))
    assert facts_digest(one) != facts_digest({**one, "input_tokens": 6})
    assert facts_digest(one) != facts_digest({**one, "units": {"images": "1"}})


@pytest.mark.parametrize(
    ("source", "price_source", "ours"),
    [
        (CostSource.COMPUTED, "genai-prices", True),
        (CostSource.ESTIMATED, "override", True),
        (CostSource.UNPRICED, None, True),
        (CostSource.PROVIDER, "provider", False),
        (CostSource.PROVIDER, None, False),
        (CostSource.ESTIMATED, "sender", False),
    ],
)
def test_what_somebody_else_stated_is_not_ours_to_price(source: CostSource, price_source: str, ours: bool) -> None:
    assert can_be_repriced({"cost_source": source, "price_source": price_source}) is ours


def test_a_row_of_the_past_is_priced_at_its_own_time(session: Session, people: People) -> None:
    """o3 cost $10 and $40 a million until 2025-06-10, and $2 and $8 since."""
    before = usage(model="o3", start=T0 - timedelta(days=540), end=T0 - timedelta(days=540) + HOUR)
    bucket = UsageBucket(series="s", start=before.start, end=before.end, records=(before,))
    replace_buckets(session, account(people.alice), [bucket])
    (row,) = stored(session)
    assert (row["cost"], priced(stored_record(row))["cost"]) == (Decimal("0.014"), Decimal("0.014"))
