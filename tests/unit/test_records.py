"""Counts that cannot be true are told, and the quick look finds exactly those that the long one finds."""

from dataclasses import fields, replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from guardian.records import MOST_TOKENS, UsageCounts

_NAMES = [f.name for f in fields(UsageCounts) if f.name != "units"]
_NUMBERS = st.one_of(st.integers(-2, 40), st.sampled_from([MOST_TOKENS, MOST_TOKENS + 1]))


@given(st.dictionaries(st.sampled_from(_NAMES), _NUMBERS))
def test_the_quick_look_and_the_long_one_agree(given: dict[str, int]) -> None:
    counts = UsageCounts(**given)  # type: ignore[arg-type]
    # A unit has the long one look at everything, and is no problem itself.
    looked_at = replace(counts, units={"images": Decimal(1)}).problems()
    assert counts.problems() == looked_at


def test_a_sound_record_has_no_problem() -> None:
    counts = UsageCounts(input_tokens=10, cache_read_tokens=4, cache_read_audio_tokens=4, output_tokens=3)
    assert counts.problems() == []
    assert replace(counts, reasoning_tokens=4).problems() == ["the shares of the output exceed output_tokens by 1"]
