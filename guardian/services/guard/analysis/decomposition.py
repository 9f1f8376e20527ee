"""Why spend changed: six parts, by model, that add up to the change to the last digit.

The rule is the additive LMDI-I (logarithmic mean Divisia index): perfect, so nothing is left over, and the same in both
directions of time. B. W. Ang, The LMDI approach to decomposition analysis: a practical guide, Energy Policy 33 (2005)
867-871; where a factor is zero on one side its part is the limit, as B. W. Ang and N. Liu, Handling zero values in the
logarithmic mean Divisia index decomposition approach, Energy Policy 35 (2007) 238-246, give it. A Shapley value over
the same factors needs 120 orders for each model and says nearly the same.

The cost of a model's calls is the product of: all calls, the model's share of them, the tokens of a call (at
the model's reference prices, none cached), what caching leaves of that, and what was paid for it against the reference.
Calls that failed and were paid for nonetheless are taken out first: the change of their cost is the part "retries".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from typing import Literal, get_args

Part = Literal["volume", "mix", "tokens", "cache", "price", "retries"]
PARTS: tuple[Part, ...] = get_args(Part)
Measure = Literal["calls", "tokens", "dollars"]

_ZERO, _ONE = Decimal(0), Decimal(1)
_PLACES = 10  # of the ledger's money
# Ledger money has 20 digits; logarithms of such, multiplied back, are right to far more than the 10 places shown.
_WIDE = Context(prec=60)

Values = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]
"""A model's factors: volume, mix, tokens, cache, price."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Reference prices of a model, dollars for one token: the same on both sides, so that a changed price shows."""

    input: Decimal = _ONE
    cached: Decimal = _ONE
    output: Decimal = _ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What was used of one model. `cost` leaves out what is unpriced; `failed` is the share of it, `failed_calls` the
    number, of calls that ended in an error. `calls` is 0 where the provider does not count them.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: Decimal = _ZERO
    failed_calls: int = 0
    failed: Decimal = _ZERO


Mix = Mapping[str, Use]
"""What was used, by model."""


@dataclass(frozen=True, slots=True)
class Change:
    """`parts` (and those of each model) in dollars; all of them sum to `after - before` exactly."""

    before: Decimal
    after: Decimal
    parts: Mapping[Part, Decimal]
    models: Mapping[str, Mapping[Part, Decimal]] = field(default_factory=dict[str, Mapping[Part, Decimal]])

    @property
    def amount(self) -> Decimal:
        with localcontext(_WIDE):
            return self.after - self.before

    @property
    def percent(self) -> Decimal | None:
        """None where there was nothing before."""
        return self.amount / self.before * 100 if self.before else None


def decompose(before: Mix, after: Mix, weights: Mapping[str, Weights] | None = None) -> Change:
    """The change of cost from one mix to the other.

    A model that is on one side only is a change of the mix; where one side is empty, all of it is volume. Models whose
    calls are not counted are compared by their tokens, and what has neither calls nor tokens (fees) by its dollars: a
    price is then not told from a volume. Without `weights` each token of a model counts alike, and it is not told what
    its cache saves.
    """
    with localcontext(_WIDE):
        pairs = {model: (before.get(model, Use()), after.get(model, Use())) for model in sorted({*before, *after})}
        counts = {model: _counted(*pair) for model, pair in pairs.items()}
        whole: dict[Measure, tuple[Decimal, Decimal]] = {}
        for measure, *count in counts.values():
            sums = whole.get(measure, (_ZERO, _ZERO))
            whole[measure] = (sums[0] + count[0], sums[1] + count[1])
        found: dict[str, Mapping[Part, Decimal]] = {}
        for model, pair in pairs.items():
            measure, *count = counts[model]
            given = (weights or {}).get(model, Weights()) if measure == "calls" else None
            found[model] = _rounded(_effects(pair, (count[0], count[1]), whole[measure], given), *pair)
        parts: dict[Part, Decimal] = {part: sum((of[part] for of in found.values()), _ZERO) for part in PARTS}
        sides = [sum((pair[side].cost for pair in pairs.values()), _ZERO) for side in (0, 1)]
        return Change(sides[0], sides[1], parts, found)


def _counted(first: Use, second: Use) -> tuple[Measure, Decimal, Decimal]:
    """By what the volume of a model is counted: the first measure that both sides have where they were paid for."""
    counts: tuple[tuple[Measure, int, int], ...] = (
        ("calls", first.calls - first.failed_calls, second.calls - second.failed_calls),
        ("tokens", first.input_tokens + first.output_tokens, second.input_tokens + second.output_tokens),
    )
    for measure, one, other in counts:
        if all(count > 0 or not _paid(use) for use, count in ((first, one), (second, other))):
            return measure, Decimal(max(one, 0)), Decimal(max(other, 0))
    return "dollars", max(_paid(first), _ZERO), max(_paid(second), _ZERO)


def _paid(use: Use) -> Decimal:
    return use.cost - use.failed


def _effects(
    pair: tuple[Use, Use], count: tuple[Decimal, Decimal], whole: tuple[Decimal, Decimal], weights: Weights | None
) -> dict[Part, Decimal]:
    """The parts of one model's change, unrounded."""
    first, second = pair
    parts: dict[Part, Decimal] = dict.fromkeys(PARTS, _ZERO)
    parts["retries"] = second.failed - first.failed
    costs = _paid(first), _paid(second)
    change = costs[1] - costs[0]
    if costs[0] <= 0 or costs[1] <= 0:
        parts[_one_sided(count, whole)] = change
        return parts
    ratio = (costs[1] / costs[0]).ln()
    mean = change / ratio if ratio else costs[0]
    shown = _shown(pair, weights)
    before, after = (
        _factors(use, cost, number, of, shown) for use, cost, number, of in zip(pair, costs, count, whole, strict=True)
    )
    for name, old, new in zip(PARTS, before, after, strict=False):
        parts[name] = mean * (new / old).ln() if new != old else _ZERO
    return parts


def _one_sided(count: tuple[Decimal, Decimal], whole: tuple[Decimal, Decimal]) -> Part:
    """To which factor a cost belongs that was, or became, nothing: the one that is zero there."""
    if not whole[0] or not whole[1]:
        return "volume"
    if not count[0] or not count[1]:
        return "mix"
    return "price"  # it was called and cost nothing, or was paid back


def _shown(pair: tuple[Use, Use], weights: Weights | None) -> Weights | None:
    """By which prices tokens are compared; None where a side has none, and each alike where the prices cannot be."""
    if weights is None or any(use.input_tokens + use.output_tokens <= 0 for use in pair):
        return None
    return weights if all(_uncached(use, weights) > 0 and _left(use, weights) > 0 for use in pair) else Weights()


def _uncached(use: Use, weights: Weights) -> Decimal:
    return use.input_tokens * weights.input + use.output_tokens * weights.output


def _left(use: Use, weights: Weights) -> Decimal:
    """What caching leaves of it."""
    return _uncached(use, weights) - use.cached_tokens * (weights.input - weights.cached)


def _factors(use: Use, cost: Decimal, count: Decimal, whole: Decimal, weights: Weights | None) -> Values:
    """Their product is the cost."""
    if weights is None:
        return whole, count / whole, _ONE, _ONE, cost / count
    uncached, left = _uncached(use, weights), _left(use, weights)
    return whole, count / whole, uncached / count, left / uncached, cost / left


def _rounded(parts: Mapping[Part, Decimal], first: Use, second: Use) -> dict[Part, Decimal]:
    """To the ledger's ten places; what rounding leaves goes to the largest part."""
    found: dict[Part, Decimal] = {part: round(parts[part], _PLACES) for part in PARTS}
    found["retries"] = parts["retries"]
    largest = max(PARTS[:5], key=lambda part: abs(parts[part]))
    found[largest] += second.cost - first.cost - sum(found.values(), _ZERO)
    return found
