"""The price of a row as a shared text, and its bill as nothing at all where that and the row's own counts tell it."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from guardian.models.bills import exact, line_of, packed, rates_packed, rates_unpacked
from guardian.models.shared import shared_id, storable
from guardian.models.usage import Counts
from guardian.records import BillLine, CostBreakdown, UsageCounts

_OUTPUT, _REASONING, _REQUESTS = "output_tokens", "reasoning_tokens", "requests"
# What the calculator bills for these counts, where it bills the unit at all.
_QUANTITIES: Mapping[str, Callable[[UsageCounts], int]] = {
    "uncached_input_tokens": attrgetter("uncached_text_tokens"),
    _OUTPUT: attrgetter("text_output_tokens"),
    **{
        share: attrgetter(share)
        for share in Counts.model_fields
        if share not in ("input_tokens", _OUTPUT, "total_tokens")
    },
}
_COLUMNS = tuple(name for name in Counts.model_fields if name != "total_tokens")
_NAMES = "\x1f"  # between the names of a price and its rates


class Price(NamedTuple):
    """What priced a row, and `rates`: its lines without their quantities, "" where the row has its whole bill."""

    source: str | None
    version: str | None
    ref: str | None
    rates: str


class Kept(NamedTuple):
    """A price as a shared text."""

    id: int
    text: str


def short(cost: CostBreakdown, counts: UsageCounts, requests: int | None) -> tuple[Kept | None, str | None]:
    """The price, and the text of the bill; None where `lines_of` makes the lines of the price and of the counts.

    `requests` is None for a single call, which is one.
    """
    lines = cost.lines
    if not lines:
        return _kept(cost.price_source, cost.price_version, cost.price_ref, ()), None
    if not _is_told(lines, counts, requests):
        return _kept(cost.price_source, cost.price_version, cost.price_ref, ()), packed(lines)
    rates = tuple([(line.unit, line.unit_price, line.multiplier) for line in lines])
    return _kept(cost.price_source, cost.price_version, cost.price_ref, rates), None


def kept_names(row: Mapping[str, Any]) -> Kept | None:
    """The names of a row's price; the row has its whole bill."""
    return _kept(row["price_source"], row["price_version"], row["price_ref"], ())


def name_of(ref: str) -> str:
    """What the texts of all prices have in them whose `ref` it is."""
    return f"{_NAMES}{ref}{_NAMES}"


def price_of(text: str) -> Price:
    """The price that the shared text is of."""
    source, version, ref, rates = text.split(_NAMES)
    return Price(source or None, version or None, ref or None, rates)


def lines_of(price: Price | None, row: Mapping[str, Any]) -> list[dict[str, str]]:
    """The lines, as models.bills.line_of writes them, of a row that has no text of them."""
    if price is None or not price.rates:
        return []
    shares: dict[str, Any] = {name: row[name] or 0 for name in _COLUMNS}
    counts = UsageCounts(**shares)
    rates = rates_unpacked(price.rates)
    apart = any(unit == _REASONING for unit, _, _ in rates)
    lines: list[dict[str, str]] = []
    for unit, unit_price, multiplier in rates:
        quantity = Decimal(_quantity(unit, counts, row["requests"], apart=apart) or 0)
        amount = exact(quantity, unit_price, multiplier)
        line = BillLine(unit=unit, quantity=quantity, unit_price=unit_price, multiplier=multiplier, amount=amount)
        lines.append(line_of(line))
    return lines


def _is_told(lines: Sequence[BillLine], counts: UsageCounts, requests: int | None) -> bool:
    apart = counts.reasoning_tokens > 0 and any([line.unit == _REASONING for line in lines])
    for line in lines:
        quantity = line.quantity
        if quantity != _quantity(line.unit, counts, requests, apart=apart):
            return False
        if exact(quantity, line.unit_price, line.multiplier) != line.amount:
            return False
    return True


def _quantity(unit: str, counts: UsageCounts, requests: int | None, *, apart: bool) -> int | None:
    """How much of it, in a bill in which reasoning is a line of its own (`apart`) or is none; None if nothing tells."""
    if unit == _REQUESTS:
        return 1 if requests is None else requests
    quantity = _QUANTITIES.get(unit)
    if quantity is None:
        return None
    return quantity(counts) - counts.reasoning_tokens if apart and unit == _OUTPUT else quantity(counts)


@lru_cache(maxsize=4_096)
def _kept(
    source: str | None, version: str | None, ref: str | None, rates: tuple[tuple[str, Decimal, Decimal], ...]
) -> Kept | None:
    if not (source or version or ref or rates):
        return None
    names = [(name or "").replace(_NAMES, "") for name in (source, version, ref)]
    text = _NAMES.join((*names, rates_packed(rates)))
    return kept_text(text)


@lru_cache(maxsize=4_096)
def kept_text(text: str) -> Kept:
    """Any other text that rows share."""
    return Kept(shared_id(text), storable(text))
