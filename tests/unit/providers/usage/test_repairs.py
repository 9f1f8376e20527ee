"""Numbers that cannot be: repaired by a stated rule and doubted, or refused by name. Never guessed in silence."""

import json
from decimal import Decimal
from typing import Any

import pytest

from guardian.errors import ProviderContractBroken, ValidationError
from guardian.models.enums import Provider
from guardian.providers.usage import FLAVOURS, read_usage
from guardian.records import UsageCounts
from tests.unit.providers.usage.make import stated

OPENAI, ANTHROPIC, GOOGLE = Provider.OPENAI, Provider.ANTHROPIC, Provider.GOOGLE
XAI, PERPLEXITY, CUSTOM = Provider.XAI, Provider.PERPLEXITY, Provider.CUSTOM


def chat(**usage: Any) -> dict[str, Any]:
    return {"model": "gpt-5", "usage": {"prompt_tokens": 10, "completion_tokens": 5, **usage}}


@pytest.mark.parametrize(
    ("body", "counts", "doubt"),
    [
        (chat(prompt_tokens="10"), UsageCounts(input_tokens=10, output_tokens=5), "usage.prompt_tokens came as text"),
        (
            chat(prompt_tokens_details={"cached_tokens": 99}),
            UsageCounts(input_tokens=10, output_tokens=5, cache_read_tokens=10),
            "cached_tokens is 99, more than the input leaves room for; it is cut to 10",
        ),
        (
            chat(prompt_tokens_details={"cached_tokens": -3}),
            UsageCounts(input_tokens=10, output_tokens=5),
            "usage.prompt_tokens_details.cached_tokens is negative and counts as 0",
        ),
        (
            chat(completion_tokens_details={"reasoning_tokens": 7}),
            UsageCounts(input_tokens=10, output_tokens=5, reasoning_tokens=5),
            "reasoning_tokens is 7",
        ),
        (
            chat(total_tokens=16),
            UsageCounts(input_tokens=10, output_tokens=5),
            "total_tokens is 16, but its parts add up to 15; the parts are used",
        ),
        (
            chat(prompt_tokens=None, total_tokens=15),
            UsageCounts(input_tokens=10, output_tokens=5),
            "prompt_tokens is missing; it is what total_tokens leaves over",
        ),
        (
            chat(completion_tokens=None, total_tokens=15),
            UsageCounts(input_tokens=10, output_tokens=5),
            "completion_tokens is missing; it is what total_tokens leaves over",
        ),
        (chat(completion_tokens=None), UsageCounts(input_tokens=10), "completion_tokens is missing; it is taken as 0"),
        # Writes are dearer than reads, so reads are what is cut.
        (
            chat(prompt_tokens_details={"cached_tokens": 8, "cache_write_tokens": 6}),
            UsageCounts(input_tokens=10, output_tokens=5, cache_read_tokens=4, cache_write_30m_tokens=6),
            "cached_tokens is 8",
        ),
        # 6 of 10 were cached and 7 are audio: at least 3 are both, and nobody tells how many more.
        (
            chat(prompt_tokens_details={"cached_tokens": 6, "audio_tokens": 7}),
            UsageCounts(
                input_tokens=10, output_tokens=5, cache_read_tokens=6, audio_input_tokens=4, cache_read_audio_tokens=3
            ),
            "does not tell which of the cached tokens",
        ),
    ],
)
def test_what_a_rule_repairs_is_doubted(body: dict[str, Any], counts: UsageCounts, doubt: str) -> None:
    found = stated(OPENAI, "chat", body)
    assert found.counts == counts
    assert len(found.doubts) == 1
    assert doubt in found.doubts[0]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ('{"prompt_tokens": -1, "completion_tokens": 5}', "usage.prompt_tokens"),
        ('{"prompt_tokens": 10, "completion_tokens": -5}', "usage.completion_tokens"),
        ('{"prompt_tokens": 1.5, "completion_tokens": 5}', "usage.prompt_tokens"),
        ('{"prompt_tokens": NaN, "completion_tokens": 5}', "usage.prompt_tokens"),
        ('{"prompt_tokens": "NaN", "completion_tokens": 5}', "usage.prompt_tokens"),
        ('{"prompt_tokens": Infinity, "completion_tokens": 5}', "usage.prompt_tokens"),
        ('{"prompt_tokens": 1e19, "completion_tokens": 5}', "usage.prompt_tokens"),
        ('{"prompt_tokens": 1e999999999, "completion_tokens": 5}', "usage.prompt_tokens"),
        ('{"prompt_tokens": true, "completion_tokens": 5}', "usage.prompt_tokens"),
        ('{"prompt_tokens": "ten", "completion_tokens": 5}', "usage.prompt_tokens"),
        ('{"prompt_tokens": [10], "completion_tokens": 5}', "usage.prompt_tokens"),
        ('{"completion_tokens": 5}', "usage.prompt_tokens"),
        ('{"completion_tokens": 5, "total_tokens": 3}', "usage.prompt_tokens"),
        ('{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": 3}', "usage.prompt_tokens_details"),
        ('"many"', "usage"),
        ("[1]", "usage"),
    ],
)
def test_what_no_rule_repairs_is_refused_by_name(wrong: str, field: str) -> None:
    body = json.loads(f'{{"usage": {wrong}}}', parse_float=Decimal)
    for provider in (OPENAI, XAI, CUSTOM):
        with pytest.raises(ProviderContractBroken, match=rf"\b{field}\b"):
            read_usage(provider, "chat", body)


def test_another_writing_of_a_whole_number_is_that_number() -> None:
    usage = json.loads('{"prompt_tokens": 1.2e3, "completion_tokens": 12.0}', parse_float=Decimal)
    found = stated(OPENAI, "chat", {"usage": usage})
    assert found.counts == UsageCounts(input_tokens=1200, output_tokens=12)
    assert found.doubts == ()


@pytest.mark.parametrize(("provider", "flavour"), FLAVOURS, ids=str)
def test_an_answer_without_usage_states_none_of_it(provider: Provider, flavour: str) -> None:
    for body in ({}, {"model": "m", "usage": None}, {"usage": {}}, {"usage": {"prompt_tokens": None}}):
        found = read_usage(provider, flavour, body)
        # Moderations and searches have no usage by nature: they are requests.
        assert found is None or (flavour in ("moderation", "search") and found.counts == UsageCounts())


@pytest.mark.parametrize(
    ("cost", "dollars"),
    [
        (Decimal("0.5"), "0.5"),
        ("0.5", "0.5"),
        (Decimal("5e-1"), "0.5"),
        (0, "0"),
        ({"total_cost": Decimal("0.5")}, "0.5"),
        ({"total_cost": Decimal("0.5"), "currency": "usd"}, "0.5"),
    ],
)
def test_a_stated_cost_is_read_digit_for_digit(cost: object, dollars: str) -> None:
    found = stated(CUSTOM, "chat", chat(cost=cost))
    assert found.provider_cost == Decimal(dollars)
    assert found.doubts == ()


@pytest.mark.parametrize(
    "cost",
    [
        Decimal("-0.5"),
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1e9"),
        Decimal("1e999999"),
        "five",
        "",
        True,
        0.5,
        [1],
        {"total_cost": Decimal("0.5"), "currency": "EUR"},
        {"total_cost": Decimal(-1)},
    ],
    ids=repr,
)
def test_a_cost_that_cannot_be_is_left_out_and_doubted(cost: object) -> None:
    found = stated(CUSTOM, "chat", chat(cost=cost))
    assert found.provider_cost is None
    assert len(found.doubts) == 1
    assert "left out" in found.doubts[0]


def test_ticks_that_cannot_be_are_left_out() -> None:
    found = stated(XAI, "chat", chat(cost_in_usd_ticks=-5101000))
    assert (found.provider_cost, len(found.doubts)) == (None, 1)
    # a billion dollars in one call
    assert stated(XAI, "chat", chat(cost_in_usd_ticks=10**19)).provider_cost is None


def test_a_cut_stream_of_sonar_was_not_free() -> None:
    usage = {"prompt_tokens": 14, "completion_tokens": 3, "total_tokens": 17, "cost": {"total_cost": 0}}
    found = stated(PERPLEXITY, "sonar", {"model": "sonar", "usage": usage})
    assert found.provider_cost is None
    assert "stated as 0" in found.doubts[0]


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(ProviderContractBroken, match="model"):
        read_usage(OPENAI, "chat", chat() | {"model": ["gpt-5"]})
    assert stated(CUSTOM, "chat", chat() | {"id": 7, "model": "a\x00b"}).response_id == "7"


def test_an_unknown_flavour_names_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="messages"):
        read_usage(ANTHROPIC, "images", {})
