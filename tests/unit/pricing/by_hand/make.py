"""Raw answers of the vendors in one line each, and the case that prices one: from the body to the last digit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from guardian.models.enums import CostSource, Provider
from guardian.pricing.calculator import price
from guardian.pricing.overrides import Override
from guardian.providers.usage import record_of
from guardian.records import CostBreakdown
from tests.unit.pricing.make import NOVEMBER, utc

COMPUTED, ESTIMATED = CostSource.COMPUTED, CostSource.ESTIMATED
STATED, UNPRICED = CostSource.PROVIDER, CostSource.UNPRICED

Body = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One answer and what it costs. `tier` and `dimensions` are what the gateway adds: batch, a region."""

    provider: Provider
    flavour: str
    body: Body
    amount: Decimal | None
    source: CostSource
    at: str = NOVEMBER
    tier: str | None = None
    dimensions: Mapping[str, str] | None = None
    overrides: Sequence[Override] = ()
    key_id: str | None = None
    settings: Mapping[str, Any] | None = None

    def bill(self) -> CostBreakdown:
        record, missing = record_of(
            self.provider,
            "call",
            self.flavour,
            self.body,
            asked_model="",
            at=utc(self.at),
            settings=self.settings,
        )
        assert missing is None
        tier = self.tier or record.service_tier
        dimensions = {**record.dimensions, **(self.dimensions or {})}
        return price(replace(record, service_tier=tier, dimensions=dimensions), self.overrides, key_id=self.key_id)


def case(
    provider: Provider, flavour: str, body: Body, amount: str | None, source: CostSource = COMPUTED, **facts: Any
) -> Any:
    """One row of a table; `amount` in dollars, None where the answer has no price."""
    expected = None if amount is None else Decimal(amount)
    made = Case(
        provider=provider,
        flavour=flavour,
        body=body,
        amount=expected,
        source=UNPRICED if amount is None else source,
        **facts,
    )
    return pytest.param(made, id=f"{flavour} {body.get('model') or body.get('modelVersion')} {amount}")


def assert_as_by_hand(made: Case) -> None:
    """To the last digit, with whose word it is; the lines add up, and what is not certain says why."""
    bill = made.bill()
    assert (bill.amount, bill.source) == (made.amount, made.source), bill.reason
    if bill.amount is None:
        assert bill.lines == ()
    else:
        assert sum((line.amount for line in bill.lines), Decimal(0)) == bill.amount
        assert all(line.quantity * line.unit_price * line.multiplier == line.amount for line in bill.lines)
    assert (bill.reason is None) == (made.source in (COMPUTED, STATED))


def chat(
    model: str, prompt: int, completion: int, *, tier: str | None = None, out: Body | None = None, **details: Any
) -> dict[str, Any]:
    """A chat completion; `details` are those of the prompt, `out` those of the completion."""
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": details,
        "completion_tokens_details": out or {},
    }
    return {"id": "c", "model": model, "service_tier": tier, "usage": usage}


def response(
    model: str,
    found: int,
    output: int,
    *items: str,
    tier: str | None = None,
    **details: Any,
) -> dict[str, Any]:
    """A response whose output has items of these types; all code runs in one container."""
    usage = {
        "input_tokens": found,
        "input_tokens_details": details,
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": output // 2},
        "total_tokens": found + output,
    }
    made = [{"type": item, "container_id": "cntr_1"} for item in items]
    return {"id": "r", "model": model, "service_tier": tier, "output": made, "usage": usage}


def message(model: str, fresh: int, output: int, *, read: int = 0, w5: int = 0, w1h: int = 0, **usage: Any) -> Body:
    """One of Anthropic's messages."""
    counts = {
        "input_tokens": fresh,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": w5 + w1h,
        "cache_creation": {"ephemeral_5m_input_tokens": w5, "ephemeral_1h_input_tokens": w1h},
        "output_tokens": output,
        "service_tier": "standard",
    }
    return {"id": "m", "model": model, "usage": {**counts, **usage}}


def gemini(model: str, prompt: int, candidates: int, *, queries: int = 0, maps: bool = False, **usage: Any) -> Body:
    """One of Google's answers; the total is what its parts add up to."""
    parts = ("thoughtsTokenCount", "toolUsePromptTokenCount")
    grounds: dict[str, Any] = {"webSearchQueries": [f"query {n}" for n in range(queries)]}
    grounds["groundingChunks"] = [{"maps": {"uri": "u"}}] if maps else []
    counts = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": candidates,
        "totalTokenCount": prompt + candidates + sum(usage.get(part, 0) for part in parts),
    }
    return {
        "modelVersion": model,
        "responseId": "g",
        "candidates": [{"groundingMetadata": grounds}],
        "usageMetadata": {**counts, **usage},
    }


def split(**kinds: int) -> list[dict[str, Any]]:
    """Google's split of a count by modality."""
    return [{"modality": kind.upper(), "tokenCount": count} for kind, count in kinds.items()]
