"""Findings in words where a part of what they usually tell is missing."""

from datetime import date
from decimal import Decimal
from typing import Any

from guardian.models.enums import Provider
from guardian.services.ledger.reconciliation.sentences import sentence
from guardian.services.ledger.reconciliation.views import Cause, Comparison, Finding


def finding(**facts: Any) -> Finding:
    nothing: dict[str, Any] = dict.fromkeys(
        ("quantity", "account", "provider_key", "provider_key_name", "model", "tier", "token_kind")
    )
    day = date(2026, 11, 20)
    common = {"provider": Provider.ANTHROPIC, "first_day": day, "last_day": day, "sentence": ""}
    return Finding(**{**nothing, **common, **facts})


def test_a_way_past_the_gateway_without_a_key_names_none() -> None:
    cost = Decimal("0.05184")
    bypass = finding(comparison=Comparison.TRACKED_REPORTED, cause=Cause.BYPASS, amount=cost, size=cost)
    assert sentence(bypass, "", {}) == (
        "Calls for $0.05184 went past the gateway; Anthropic reports them without a key (its own console)."
    )


def test_tokens_that_nobody_priced_are_told_as_tokens_and_not_as_zero_dollars() -> None:
    missing = finding(
        comparison=Comparison.REPORTED_BILLED,
        cause=Cause.UNEXPLAINED,
        amount=Decimal(0),
        size=Decimal(0),
        quantity=Decimal(-370_697),
        model="claude-mystery-9",
        token_kind="uncached_input_tokens",
    )
    assert sentence(missing, "", {}) == (
        "claude-mystery-9 input on 20 Nov 2026: 370,697 tokens less were billed than reported, and ours have no price "
        "or cost nothing. If there is a price, enter it."
    )
