"""Whatever a body says: its disjoint parts add up, or it is refused by name. Whatever is sound is kept as it is."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.errors import ProviderContractBroken
from guardian.models.enums import Provider
from guardian.providers.usage import FLAVOURS, StatedUsage, read_usage
from guardian.records import UsageCounts
from tests.unit.providers.usage.make import assert_disjoint

NUMBERS = st.integers(0, 10**6)
# What a broken or hostile server may put where a number should be.
ANYTHING = (
    NUMBERS
    | st.none()
    | st.integers(-(10**20), 10**20)
    | st.decimals(allow_nan=True, allow_infinity=True)
    | st.sampled_from(["12", "-1", "1e3", "NaN", "", "x", True, [], {}, [1], Decimal("1e999999"), float("nan")])
)
SPLIT = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "modality": st.sampled_from(["TEXT", "AUDIO", "IMAGE", "VIDEO", "text", "audio"]),
            "tokenCount": NUMBERS,
            "tokens": NUMBERS,
        },
    ),
    max_size=4,
)
NAMES = (
    *("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "total_tokens", "seconds"),
    *("cache_creation_input_tokens", "cache_read_input_tokens", "prompt_cache_hit_tokens"),
    *("promptTokenCount", "cachedContentTokenCount", "candidatesTokenCount", "thoughtsTokenCount"),
    *("toolUsePromptTokenCount", "totalTokenCount", "total_input_tokens", "total_cached_tokens"),
    *("total_output_tokens", "total_thought_tokens", "total_tool_use_tokens", "reasoning_tokens"),
    *("citation_tokens", "num_search_queries", "cost_in_usd_ticks", "cost", "num_sources_used"),
)
SHARES = (
    *("cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens", "text_tokens", "reasoning_tokens"),
    *("thinking_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
    *("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "web_search_requests", "total_cost"),
)
DETAILS = (
    *("prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "output_tokens_details"),
    *("input_token_details", "output_token_details", "cache_creation", "server_tool_use", "cost"),
)
LISTS = (
    *("promptTokensDetails", "cacheTokensDetails", "toolUsePromptTokensDetails", "candidatesTokensDetails"),
    *("input_tokens_by_modality", "cached_tokens_by_modality", "output_tokens_by_modality"),
)


def usages(value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Usage objects with any of the fields that any vendor has."""
    share = st.fixed_dictionaries({}, optional=dict.fromkeys(SHARES, value))
    fields = dict.fromkeys(NAMES, value) | dict.fromkeys(DETAILS, share) | dict.fromkeys(LISTS, SPLIT)
    return st.fixed_dictionaries({}, optional=fields)


def read_or_refusal(provider: Provider, flavour: str, body: dict[str, Any]) -> StatedUsage | str | None:
    try:
        return read_usage(provider, flavour, body)
    except ProviderContractBroken as refusal:
        return refusal.message


@settings(max_examples=600)
@given(which=st.sampled_from(list(FLAVOURS)), usage=usages(ANYTHING) | usages(NUMBERS), top=st.booleans())
def test_any_body_gives_disjoint_parts_or_a_refusal_that_names_a_field(
    which: tuple[Provider, str], usage: dict[str, Any], top: bool
) -> None:
    found = read_or_refusal(*which, usage if top else {"usage": usage, "usageMetadata": usage})
    if isinstance(found, str):
        assert any(name in found for name in (*NAMES, *SHARES, *DETAILS, *LISTS, "usage", "eval_count"))
    elif found is not None:
        assert_disjoint(found)
        assert all(number.is_finite() and number >= 0 for number in found.counts.units.values())
        assert found.provider_cost is None or (found.provider_cost.is_finite() and found.provider_cost >= 0)


PARTS = (
    "text",
    "read",
    "written",
    "hour",
    "audio",
    "image",
    "video",
    "read_audio",
    "out",
    "thought",
    "spoken",
    "drawn",
)
Numbers = dict[str, int]


def as_chat(n: Numbers) -> tuple[Provider, str, dict[str, Any], UsageCounts]:
    prompt, output = n["text"] + n["read"] + n["written"] + n["hour"], n["out"] + n["thought"] + n["spoken"]
    details = {
        "cached_tokens": n["read"],
        "cache_write_tokens": n["written"] + n["hour"],
        "cache_write_tokens_details": {"ttl_30m_tokens": n["written"], "ttl_12h_tokens": n["hour"]},
    }
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": details,
        "completion_tokens_details": {"reasoning_tokens": n["thought"], "audio_tokens": n["spoken"]},
    }
    counts = UsageCounts(
        input_tokens=prompt,
        output_tokens=output,
        cache_read_tokens=n["read"],
        cache_write_30m_tokens=n["written"],
        cache_write_12h_tokens=n["hour"],
        reasoning_tokens=n["thought"],
        audio_output_tokens=n["spoken"],
    )
    return Provider.OPENAI, "chat", {"usage": usage}, counts


def as_grok(n: Numbers) -> tuple[Provider, str, dict[str, Any], UsageCounts]:
    usage = {
        "prompt_tokens": n["text"] + n["read"],
        "completion_tokens": n["out"],
        "total_tokens": n["text"] + n["read"] + n["out"] + n["thought"],
        "prompt_tokens_details": {"cached_tokens": n["read"], "text_tokens": n["text"] + n["read"]},
        "completion_tokens_details": {"reasoning_tokens": n["thought"]},
    }
    counts = UsageCounts(
        input_tokens=n["text"] + n["read"],
        output_tokens=n["out"] + n["thought"],
        cache_read_tokens=n["read"],
        reasoning_tokens=n["thought"],
    )
    return Provider.XAI, "chat", {"usage": usage}, counts


def as_message(n: Numbers) -> tuple[Provider, str, dict[str, Any], UsageCounts]:
    usage = {
        "input_tokens": n["text"],
        "cache_read_input_tokens": n["read"],
        "cache_creation_input_tokens": n["written"] + n["hour"],
        "cache_creation": {"ephemeral_5m_input_tokens": n["written"], "ephemeral_1h_input_tokens": n["hour"]},
        "output_tokens": n["out"] + n["thought"],
        "output_tokens_details": {"thinking_tokens": n["thought"]},
    }
    counts = UsageCounts(
        input_tokens=n["text"] + n["read"] + n["written"] + n["hour"],
        output_tokens=n["out"] + n["thought"],
        cache_read_tokens=n["read"],
        cache_write_5m_tokens=n["written"],
        cache_write_1h_tokens=n["hour"],
        reasoning_tokens=n["thought"],
    )
    return Provider.ANTHROPIC, "messages", {"usage": usage}, counts


def as_gemini(n: Numbers) -> tuple[Provider, str, dict[str, Any], UsageCounts]:
    def split(**kinds: int) -> list[dict[str, Any]]:
        return [{"modality": kind.upper(), "tokenCount": count} for kind, count in kinds.items()]

    media, cached = n["audio"] + n["image"] + n["video"], n["read"] + n["read_audio"]
    usage = {
        "promptTokenCount": n["text"] + media + cached,
        "cachedContentTokenCount": cached,
        "candidatesTokenCount": n["out"] + n["spoken"] + n["drawn"],
        "thoughtsTokenCount": n["thought"],
        "totalTokenCount": n["text"] + media + cached + n["out"] + n["spoken"] + n["drawn"] + n["thought"],
        "promptTokensDetails": split(
            text=n["text"] + n["read"], audio=n["audio"] + n["read_audio"], image=n["image"], video=n["video"]
        ),
        "cacheTokensDetails": split(text=n["read"], audio=n["read_audio"]),
        "candidatesTokensDetails": split(text=n["out"], audio=n["spoken"], image=n["drawn"]),
    }
    counts = UsageCounts(
        input_tokens=n["text"] + media + cached,
        output_tokens=n["out"] + n["spoken"] + n["drawn"] + n["thought"],
        cache_read_tokens=cached,
        cache_read_audio_tokens=n["read_audio"],
        audio_input_tokens=n["audio"],
        image_input_tokens=n["image"],
        video_input_tokens=n["video"],
        reasoning_tokens=n["thought"],
        audio_output_tokens=n["spoken"],
        image_output_tokens=n["drawn"],
    )
    return Provider.GOOGLE, "generate_content", {"usageMetadata": usage}, counts


@settings(max_examples=300)
@pytest.mark.parametrize("say", [as_chat, as_grok, as_message, as_gemini])
@given(numbers=st.fixed_dictionaries({part: NUMBERS for part in PARTS}))
def test_sound_parts_come_back_as_they_were_told(
    say: Callable[[Numbers], tuple[Provider, str, dict[str, Any], UsageCounts]], numbers: Numbers
) -> None:
    provider, flavour, body, counts = say(numbers)
    found = read_usage(provider, flavour, body)
    assert found is not None
    assert (found.counts, found.doubts) == (counts, ())
    assert_disjoint(found)
