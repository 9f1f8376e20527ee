"""The parts of a change: each cause alone is found, and they sum to the change to the last digit."""

from dataclasses import replace
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.services.guard.analysis.decomposition import PARTS, Mix, Use, Weights, decompose

_WEIGHTS = {"a": Weights(Decimal("3e-6"), Decimal("3e-7"), Decimal("15e-6"))}


def use(calls: int, input_tokens: int, output_tokens: int, cached: int = 0, price: str = "1", failed: str = "0") -> Use:
    """Paid for by the reference prices, times `price`."""
    of = _WEIGHTS["a"]
    cost = (input_tokens - cached) * of.input + cached * of.cached + output_tokens * of.output
    return Use(
        calls=calls,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=cached,
        cost=cost * Decimal(price) + Decimal(failed),
        failed=Decimal(failed),
    )


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        ("volume", use(100, 100_000, 50_000), use(300, 300_000, 150_000)),
        ("tokens", use(100, 100_000, 50_000), use(100, 180_000, 50_000)),
        ("cache", use(100, 100_000, 50_000), use(100, 100_000, 50_000, cached=80_000)),
        ("price", use(100, 100_000, 50_000), use(100, 100_000, 50_000, price="1.25")),
        ("retries", use(100, 100_000, 50_000), use(100, 100_000, 50_000, failed="0.5")),
    ],
)
def test_one_cause_is_told_alone(part: str, before: Use, after: Use) -> None:
    change = decompose({"a": before}, {"a": after}, _WEIGHTS)
    assert change.parts[part] == change.amount != 0
    assert [name for name in PARTS if change.parts[name]] == [part]
    back = decompose({"a": after}, {"a": before}, _WEIGHTS)
    assert back.parts[part] == -change.parts[part]


def test_a_dearer_model_for_the_same_calls_is_mix() -> None:
    cheap, dear = Use(calls=100, cost=Decimal(1)), Use(calls=100, cost=Decimal(5))
    change = decompose({"a": cheap}, {"b": dear})
    assert (change.parts["mix"], change.parts["volume"]) == (4, 0)
    assert change.models["a"]["mix"] == -1


def test_what_was_nothing_before_is_volume() -> None:
    change = decompose({}, {"a": Use(calls=3, cost=Decimal("1.5"))})
    assert change.parts["volume"] == Decimal("1.5")
    assert change.percent is None
    assert decompose({}, {}).amount == 0


def test_a_free_model_that_is_paid_for_now_is_price() -> None:
    change = decompose({"a": Use(calls=5)}, {"a": Use(calls=5, cost=Decimal(2))})
    assert change.parts["price"] == 2


def test_calls_that_are_not_counted_are_compared_by_their_tokens() -> None:
    """Beside a model that counts them: its calls do not change the other's part."""
    counted = Use(calls=10, input_tokens=100, cost=Decimal(1))
    change = decompose(
        {"a": counted, "b": Use(input_tokens=1_000, cost=Decimal(2))},
        {"a": counted, "b": Use(input_tokens=3_000, cost=Decimal(6))},
    )
    assert change.parts["volume"] == change.models["b"]["volume"] == 4
    assert not any(change.models["a"].values())


def test_tokens_that_cost_nothing_until_they_are_cached_are_compared_alike() -> None:
    side = Use(calls=1, input_tokens=10, cached_tokens=10, cost=Decimal(1))
    change = decompose({"a": side}, {"a": replace(side, cost=Decimal(3))}, {"a": Weights(input=Decimal(0))})
    assert change.parts["price"] == change.amount == 2


_money = st.decimals(-10, 10**9, places=10, allow_nan=False, allow_infinity=False)
_count = st.one_of(st.just(0), st.integers(0, 10**15))


@st.composite
def _uses(draw: st.DrawFn) -> Use:
    calls = draw(_count)
    read = draw(_count)
    return Use(
        calls=calls,
        input_tokens=read,
        output_tokens=draw(_count),
        cached_tokens=draw(st.integers(0, read)),
        cost=draw(_money),
        failed_calls=draw(st.integers(0, calls)),
        failed=draw(st.one_of(st.just(Decimal(0)), _money)),
    )


_mixes = st.dictionaries(st.sampled_from("abcd"), _uses())
_prices = st.builds(Weights, *(st.decimals(0, "0.001", places=8) for _ in range(3)))


@settings(max_examples=300)
@given(before=_mixes, after=_mixes, weights=st.dictionaries(st.sampled_from("abc"), _prices))
def test_parts_add_up_exactly(before: Mix, after: Mix, weights: dict[str, Weights]) -> None:
    change = decompose(before, after, weights)
    with localcontext(prec=60):
        spent = [sum((use.cost for use in side.values()), Decimal(0)) for side in (before, after)]
        assert change.before == spent[0]
        assert change.after == spent[1]
        assert sum(change.parts.values()) == spent[1] - spent[0]
        for part in PARTS:
            assert change.parts[part] == sum(parts[part] for parts in change.models.values())
        for model, parts in change.models.items():
            own = after.get(model, Use()).cost - before.get(model, Use()).cost
            assert sum(parts.values()) == own
