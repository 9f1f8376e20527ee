"""From a look-up's answer to the text that the price page shows: pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from guardian.services.ledger.pricebook import PriceView, UnitPrice
from guardian.ui import format
from guardian.ui.colors import provider_color, provider_name
from guardian.ui.pages.prices.rows import dollars, example_words, price_words, unit_name

_INPUT, _OUTPUT = "uncached_input_tokens", "output_tokens"
# Units of which one alone costs next to nothing: their prices are told per million.
_SMALL = ("token", "character", "byte")
_Key = tuple[str, int]


@dataclass(frozen=True)
class UnitRow:
    """One unit's price by the list and as agreed, per million or each; `note` tells a guess, or when it holds."""

    key: str
    unit: str
    listed: str
    agreed: str
    note: str


@dataclass(frozen=True)
class FoundPrice:
    """What a looked-up model costs at one provider; `derived` are the shares that cost what another one does."""

    key: str
    name: str
    color: str
    title: str
    source: str
    example: str
    override: str
    units: list[UnitRow]
    derived: list[UnitRow]
    has_derived: bool


def found_price(found: PriceView, tz: ZoneInfo) -> FoundPrice:
    """A look-up's answer: every unit's list price beside what the organization pays."""
    agreed = {(unit.unit, unit.above): unit for unit in found.agreed}
    listed = {(unit.unit, unit.above): unit for unit in found.listed}
    keys = [*listed, *(key for key in agreed if key not in listed)]
    units = [_unit_row(key, listed.get(key), agreed.get(key)) for key in keys]
    own = _of_their_own(keys, agreed or listed)
    source = f"{found.source} {found.version}, as {found.ref}" if found.source else "not in the price list"
    override = found.override
    return FoundPrice(
        key=found.provider.value,
        name=provider_name(found.provider),
        color=provider_color(found.provider),
        title=found.model,
        source=f"On {format.absolute(found.at, tz)}: {source}",
        example=example_words(found.example),
        override=f"You pay {price_words(override)[0]}, agreed for {override.model_pattern}." if override else "",
        units=[row for key, row in zip(keys, units, strict=True) if key in own],
        derived=[row for key, row in zip(keys, units, strict=True) if key not in own],
        has_derived=len(own) < len(keys),
    )


def _unit_row(key: _Key, listed: UnitPrice | None, agreed: UnitPrice | None) -> UnitRow:
    unit, above = key
    either = agreed or listed
    notes = [f"above {format.number(above)} input tokens"] if above else []
    if either is not None and either.guess:
        notes.append("a guess: no price of its own is known")
    changed = agreed is not None and (listed is None or agreed.per_million != listed.per_million)
    return UnitRow(
        key=f"{unit} {above}",
        unit=unit_name(unit),
        listed=_unit_price(listed) if listed else "–",
        agreed=_unit_price(agreed) if agreed is not None and changed else "",
        note="; ".join(notes),
    )


def _unit_price(price: UnitPrice) -> str:
    """$1.25 for a million tokens, $0.01 each for what people count one by one, such as searches and sessions."""
    if any(small in price.unit for small in _SMALL):
        return dollars(price.per_million)
    return f"{dollars(price.per_million.scaleb(-6))} each"


def _of_their_own(keys: Sequence[_Key], prices: Mapping[_Key, UnitPrice]) -> set[_Key]:
    """The units whose price says something: neither a guess nor that of plain input or output once more."""
    found: set[_Key] = set()
    for unit, above in keys:
        base = prices.get((_INPUT if "output" not in unit else _OUTPUT, above))
        price = prices.get((unit, above))
        repeats = base is not None and price is not None and price.per_million == base.per_million
        if unit in (_INPUT, _OUTPUT) or not ("token" in unit and (repeats or (price and price.guess))):
            found.add((unit, above))
    return found
