"""Why a bill differs from our book: another tier, a day shifted, a discount, another price, a line twice. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from guardian.services.ledger.reconciliation.bill_sides import Side, equal, other_kinds
from guardian.services.ledger.reconciliation.books import ZERO, Known, Slice, Spot
from guardian.services.ledger.reconciliation.kinds import NOT_SPLIT
from guardian.services.ledger.reconciliation.shifts import shifted_pairs
from guardian.services.ledger.reconciliation.views import Cause

_SHARE = Decimal("0.0001")  # discounts are told to a hundredth of a percent
_PRICE_DIGITS = 4  # $18.75, $0.3125: no price list has more
_EXACT = Decimal("1e-7")  # Anthropic's bill has eight decimals
_MILLION = 10**6
_MOST_TIMES = 9

Series = tuple[Spot, str]
Factors = Mapping[Series, Mapping[date, Decimal]]


def classify(sides: Iterable[Side], known: Known) -> list[Slice]:
    """The parts of every difference with their causes; per side they add up to it."""
    every = list(sides)
    found: list[Slice] = []
    left: list[Side] = []
    for group in _by_tiers(every):
        moved = _tier_move(group, known)
        found += moved
        left += [] if moved else [side for side in group if side.differs]
    moved_days = _shifts(left)
    discounts = _discounts(every, left, moved_days)
    factors, tiers = _factors(every), _other_tiers(every, known)
    kinds = other_kinds(side for side in left if id(side) not in moved_days)
    for side in left:
        clues = _Clues(moved_days.get(id(side)), discounts.get(id(side)), tiers.get(id(side)), kinds.get(id(side)))
        found += _parts(side, known, factors, clues)
    return [part for part in found if part.amount or part.quantity]


class _Clues(NamedTuple):
    """What is known of a side beside its own numbers: the days or kinds that it moved between, a discount, a tier."""

    days: str | None
    discount: str | None
    tier: str | None
    kinds: str | None


def _by_tiers(sides: Iterable[Side]) -> Iterator[list[Side]]:
    groups: dict[Series, list[Side]] = defaultdict(list)
    for side in sides:
        groups[side.spot._replace(tier=None), side.kind].append(side)
    yield from groups.values()


def _tier_move(group: Sequence[Side], known: Known) -> list[Slice]:
    """What one tier has too much of and the other too little, by the same quantity; nothing when it is not so."""
    if len(group) != 2:
        return []
    one, two = group
    if one.more is not None and two.more is not None:
        moved = one.more != 0 and one.more == -two.more
    else:
        # Without quantities in the bill: all of ours is in one tier, all of the bill in the other, at its price.
        here, there = (one, two) if one.has_own else (two, one)
        only = not here.has_billed and not there.has_own and here.own_quantity is not None
        price = _alternatives(here, known).get("batch" if there.spot.tier else "standard") if only else None
        moved = price is not None and equal(there.billed, (here.own_quantity or ZERO) * price)
    if not moved:
        return []
    billed_as = next(side for side in group if (side.more is None or side.more > 0) and side.has_billed)
    label = billed_as.spot.tier or "standard"
    return [side.slice(Cause.TIER, side.difference, label=label, counted=True) for side in group]


def _series(side: Side) -> Series:
    return side.spot._replace(day=date.min), side.kind


def _shifts(sides: Iterable[Side]) -> dict[int, str]:
    """The pair of days, by side, of those whose difference is a neighbouring day's opposite."""

    def opposite(one: Side, two: Side) -> bool:
        if one.more is not None and two.more is not None:
            return one.more != 0 and one.more == -two.more
        return not equal(one.difference, ZERO) and equal(one.difference, -two.difference)

    found: dict[int, str] = {}
    for one, two in shifted_pairs(sides, _series, lambda side: side.spot.day, opposite):
        found[id(one)] = found[id(two)] = f"{one.spot.day}/{two.spot.day}"
    return found


def _factors(sides: Iterable[Side]) -> Factors:
    """billed ÷ ours of every series and day that has both."""
    found: dict[Series, dict[date, Decimal]] = defaultdict(dict)
    for side in sides:
        if side.own > 0 and side.has_billed:
            found[_series(side)][side.spot.day] = side.billed / side.own
    return found


def _discounts(every: Iterable[Side], left: Iterable[Side], moved: Mapping[int, str]) -> dict[int, str]:
    """The percentage, by side, of account days on which every line is billed at the same share of our price.

    One model alone may as well have become cheaper: a discount shows in at least two.
    """
    days: dict[tuple[object, ...], list[Side]] = defaultdict(list)
    for side in every:
        if side.is_token and side.own > 0 and side.has_billed and not side.unpriced:
            days[side.spot[:3]].append(side)
    differing = {id(side) for side in left} - moved.keys()
    found: dict[int, str] = {}
    for sides in days.values():
        same = [side for side in sides if not side.more]
        if len({side.spot.model for side in same}) < 2:
            continue
        biggest = max(same, key=lambda side: side.own)
        share = (biggest.billed / biggest.own).quantize(_SHARE)
        if share < 1 and all(id(s) in differing and equal(s.billed, s.own * share) for s in same):
            found |= {id(side): format((share * 100).normalize(), "f") for side in same}
    return found


def _parts(side: Side, known: Known, factors: Factors, clues: _Clues) -> Iterator[Slice]:
    """The parts of one side's difference."""
    if side.kind == NOT_SPLIT or side.more is None:
        yield _as_a_whole(side, known, factors, clues)
        return
    quantity_part = side.quantity_part
    price_part = side.difference - quantity_part
    if side.more:
        if clues.kinds is not None:
            yield side.slice(Cause.KINDS, quantity_part, label=clues.kinds, counted=True)
        else:
            yield _quantity_cause(side, quantity_part, known, clues.days)
    if price_part:
        yield _price_cause(side, price_part, clues)


def _as_a_whole(side: Side, known: Known, factors: Factors, clues: _Clues) -> Slice:
    """The cause where the bill tells no quantity: quantity and price can only be told apart by what fits exactly."""
    difference = side.difference
    if clues.days is not None:
        return side.slice(Cause.SHIFT, difference, label=clues.days)
    both = side.has_own and side.has_billed
    if both and (_fits_a_price(side, factors, clues) if side.kind != NOT_SPLIT else side.unpriced and difference > 0):
        return _price_cause(side, difference, clues)
    return _quantity_cause(side, difference, known, None)


def _fits_a_price(side: Side, factors: Factors, clues: _Clues) -> bool:
    if clues.discount or clues.tier or side.unpriced or equal(side.difference, ZERO):
        return True
    here = side.billed / side.own if side.own else ZERO
    others = [factor for day, factor in factors.get(_series(side), {}).items() if day != side.spot.day]
    if any(abs(factor - here) < _SHARE for factor in others):
        return True
    if _times(side) is not None:
        return False
    quantity = side.own_quantity
    if not quantity or not side.is_token:
        return False
    # What a price list could say, exactly: $4.5 a million, and not $4.4837219.
    price = side.billed * _MILLION / quantity
    listed = price.quantize(Decimal(1).scaleb(price.adjusted() + 1 - _PRICE_DIGITS)) if price else ZERO
    return bool(listed) and abs(listed * quantity / _MILLION - side.billed) <= _EXACT


def _quantity_cause(side: Side, amount: Decimal, known: Known, days: str | None) -> Slice:
    if days is not None:
        return side.slice(Cause.SHIFT, amount, label=days, counted=True)
    if not side.has_own and not side.is_token and side.kind != NOT_SPLIT:
        return side.slice(Cause.TOOL_FEE, amount, label=side.line_item, counted=True, outside=True)
    if equal(side.difference, ZERO) and not side.more:
        return side.slice(Cause.ROUNDING, amount)
    times = _times(side)
    if times is not None:
        return side.slice(Cause.DOUBLE, amount, label=f"{times} times", counted=True)
    if side.restated or side.spot.day >= known.young_from:
        return side.slice(Cause.LATE, amount, label="restated" if side.restated else "", counted=True)
    return side.slice(Cause.UNEXPLAINED, amount, counted=True)


def _times(side: Side) -> int | None:
    """How many times ours was billed, where that is a whole number from two up."""
    if side.more is not None:
        if not side.own_quantity or not side.billed_quantity:
            return None
        times = side.billed_quantity / side.own_quantity
        return int(times) if times == int(times) and 2 <= times <= _MOST_TIMES else None
    if side.own <= 0 or equal(side.own, ZERO):
        return None
    whole = int((side.billed / side.own).to_integral_value())
    return whole if 2 <= whole <= _MOST_TIMES and equal(side.billed, side.own * whole) else None


def _price_cause(side: Side, amount: Decimal, clues: _Clues) -> Slice:
    if side.unpriced:
        # Our amount is not known, which is not zero: it takes no part in drift.
        whole = side.kind == NOT_SPLIT
        return side.slice(Cause.STALE_PRICE, amount, label="unpriced", priced=not whole, estimated=whole, outside=True)
    if equal(amount, ZERO):
        return side.slice(Cause.ROUNDING, amount)
    if clues.tier is not None:
        return side.slice(Cause.TIER, amount, label=clues.tier, priced=True)
    if clues.discount is not None:
        return side.slice(Cause.DISCOUNT, amount, label=clues.discount)
    return side.slice(Cause.STALE_PRICE, amount, priced=True)


def _other_tiers(sides: Iterable[Side], known: Known) -> dict[int, str]:
    """The tier, region or length, by side, whose price the bill has exactly; the one that fits all kinds of a model.

    A bill without quantities must have the same tier's price for every kind: one kind alone at twice the price may as
    well be a line that is there twice.
    """
    fitting: dict[int, list[str]] = {}
    together: dict[Spot, list[Side]] = defaultdict(list)
    for side in sides:
        if side.is_token and side.has_own and side.has_billed:
            fitting[id(side)] = _fitting(side, known)
            together[side.spot].append(side)
    found: dict[int, str] = {}
    for group in together.values():
        names = [set(fitting[id(side)]) for side in group]
        common = _common(names)
        shared = _common([each for each in names if each])
        for side in group:
            fits = [name for name in fitting[id(side)] if name in shared] or fitting[id(side)]
            if fits and (common or side.more is not None):
                found[id(side)] = " or ".join(fits)
    return found


def _common(sets: Sequence[set[str]]) -> set[str]:
    return {each for each in sets[0] if all(each in others for others in sets)} if sets else set()


def _fitting(side: Side, known: Known) -> list[str]:
    quantity = side.own_quantity if side.billed_quantity is None else side.billed_quantity
    if not quantity or equal(side.difference, side.quantity_part):
        return []
    return [name for name, price in _alternatives(side, known).items() if equal(price * quantity, side.billed)]


def _alternatives(side: Side, known: Known) -> Mapping[str, Decimal]:
    spot = side.spot
    return {} if spot.model is None else known.alternatives(spot.provider, spot.model, side.kind, spot.day)
