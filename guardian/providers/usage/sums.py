"""The arithmetic that every vendor's usage needs: two totals, and disjoint shares that fit into them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from guardian.providers.usage.fields import Fields
from guardian.records import UsageCounts

Shares = dict[str, int]


def counts_of(
    input_tokens: int, output_tokens: int = 0, *shares: Mapping[str, int], units: Mapping[str, Decimal] | None = None
) -> UsageCounts:
    """UsageCounts from two totals and shares by their names there."""
    named: dict[str, Any] = {"units": units} if units else {}
    for part in shares:
        named.update(part)
    return UsageCounts(input_tokens=input_tokens, output_tokens=output_tokens, **named)


def two_totals(
    usage: Fields, input_name: str, output_name: str, *, sum_name: str = "total_tokens", output_needed: bool = True
) -> tuple[int, int]:
    """All of the input and all of the output.

    One of them that is absent is what the sum of both leaves over, else an absent output is 0; both are doubts.
    `output_needed` is False for what has no output by nature (embeddings). Raises ProviderContractBroken where the
    input cannot be told.
    """
    first, second, both = usage.total(input_name), usage.total(output_name), usage.total(sum_name)
    if first is None:
        if both is None or both < (second or 0):
            raise usage.missing(input_name)
        first = both - (second or 0)
        usage.doubt(f"{input_name} is missing; it is what {sum_name} leaves over")
    if second is None:
        second = max((both or 0) - first, 0) if output_needed else 0
        if output_needed:
            usage.doubt(f"{output_name} is missing; it is {f'what {sum_name} leaves over' if both else 'taken as 0'}")
    return first, second


def check_sum(usage: Fields, found: int, sum_name: str = "total_tokens") -> None:
    """A stated sum that is not the sum of its parts is a doubt: the parts are what is billed, so they are used."""
    stated = usage.total(sum_name)
    if stated is not None and stated != found:
        usage.doubt(f"{sum_name} is {stated}, but its parts add up to {found}; the parts are used")


def fit(usage: Fields, total: int, total_name: str, shares: Mapping[str, int]) -> Shares:
    """The shares, cut where together they exceed their total; name the cheapest last, for it is cut first.

    So a count that cannot be makes a cost rather too high than too low, and always an estimate.
    """
    kept = dict(shares)
    excess = sum(kept.values()) - total
    if excess <= 0:
        return kept
    for name in reversed(list(kept)):
        if excess <= 0:
            break
        cut = min(excess, kept[name])
        if cut:
            usage.doubt(
                f"{name} is {kept[name]}, more than {total_name} leaves room for; it is cut to {kept[name] - cut}"
            )
        kept[name] -= cut
        excess -= cut
    return kept
