"""Counts and percentiles of one process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.telemetry import Figures, Timings
from guardian.telemetry.figures import SHOWN


@given(st.lists(st.floats(0.001, 60), min_size=1, max_size=200), st.sampled_from((0.5, 0.95, 0.99)))
def test_a_percentile_is_at_most_a_seventh_too_high(lengths: list[float], share: float) -> None:
    timings = Timings()
    for length in lengths:
        timings.observe(length)
    right = sorted(lengths)[max(0, -(-len(lengths) * share // 1).__int__() - 1)]
    found = timings.percentiles((share,))[0]
    assert found is not None
    assert right * 0.999 <= found <= right * 8 / 7 * 1.001


def test_nothing_was_asked() -> None:
    assert Timings().percentiles((0.5, 0.99)) == [None, None]


def test_percentiles_are_of_the_latest_six_spans() -> None:
    timings = Timings()
    timings.observe(20)
    for _ in range(6):
        timings.mark()
    timings.observe(0.01)
    assert timings.percentiles((0.99,))[0] == pytest.approx(20, rel=0.2)
    timings.mark()
    assert timings.percentiles((0.99,))[0] == pytest.approx(0.01, rel=0.2)
    assert (timings.count, timings.recent) == (2, 1)


@given(st.lists(st.floats(0, 1_000), max_size=50))
def test_buckets_only_grow_and_the_last_one_has_all(lengths: list[float]) -> None:
    timings = Timings()
    for length in lengths:
        timings.observe(length)
    counts = [count for _, count in timings.buckets()]
    assert counts == sorted(counts)
    assert counts[-1] == len(lengths) == timings.count
    assert len(counts) == len(SHOWN) + 1
    for bound, count in zip(SHOWN, counts, strict=False):
        assert count <= sum(length <= bound for length in lengths)


def test_failures_are_counted_among_what_was_done() -> None:
    figures = Figures()
    figures.note(0.1)
    figures.note(0.2, failed=True)
    assert (figures.done, figures.errors) == (2, 1)
