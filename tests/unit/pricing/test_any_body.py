"""Whatever an answer says of its use: it has a bill whose lines are their products and add up, or a reason for none."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.errors import ProviderContractBroken
from guardian.models.enums import CostSource, Provider
from guardian.pricing.calculator import price
from guardian.providers.usage import FLAVOURS, record_of
from guardian.records import UsageRecord
from tests.unit.pricing.make import MODELS
from tests.unit.providers.usage.test_identities import ANYTHING, NUMBERS, usages

NAMES = st.sampled_from([model.id for _, model in MODELS] + ["model-of-tomorrow", "search", "unknown", ""])
PLACES = st.fixed_dictionaries(
    {},
    optional={
        "region": st.sampled_from(["us", "eu", "global", ""]),
        "inference_geo": st.sampled_from(["us", "global"]),
        "speed": st.sampled_from(["fast", "standard"]),
        "search_context_size": st.sampled_from(["low", "high", "huge"]),
        "incomplete": st.just("tokens"),
    },
)


@settings(max_examples=500)
@given(
    which=st.sampled_from(list(FLAVOURS)),
    usage=usages(ANYTHING) | usages(NUMBERS),
    model=NAMES,
    minutes=st.integers(0, 3 * 365 * 24 * 60),
    tier=st.sampled_from([None, "default", "batch", "flex", "priority", "Fast", "new"]),
    places=PLACES,
)
def test_any_answer_has_a_bill_or_a_reason(
    which: tuple[Provider, str],
    usage: dict[str, Any],
    model: str,
    minutes: int,
    tier: str | None,
    places: dict[str, str],
) -> None:
    at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    body = {"usage": usage, "usageMetadata": usage, "model": model, "modelVersion": model}
    try:
        record, missing = record_of(which[0], "call", which[1], body, asked_model=model, at=at)
    except ProviderContractBroken:
        return
    if missing is not None:
        return
    facts = {name: getattr(record, name) for name in record.__slots__}
    bill = price(UsageRecord(**facts | {"service_tier": tier, "dimensions": {**record.dimensions, **places}}))
    if bill.amount is None:
        assert (bill.source, bill.lines) == (CostSource.UNPRICED, ())
        assert bill.reason
        return
    assert bill.amount >= 0
    assert sum((line.amount for line in bill.lines), Decimal(0)) == bill.amount
    assert (bill.source is CostSource.ESTIMATED) == (bill.reason is not None)
    assert bill.source is CostSource.PROVIDER or not record.doubts or bill.source is CostSource.ESTIMATED
