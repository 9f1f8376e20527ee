"""Prices for a model that the list does not know: those of a listed model, copied with their date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from guardian.models.enums import Provider
from guardian.pricing.lists import ListedPrice, list_price, nearest_models

_MOST_NEAR = 20  # a CUSTOM key's suggestion is looked for among so many


@dataclass(frozen=True, slots=True)
class Copied:
    """List prices in dollars per million units, by unit name, and where they are from."""

    prices: Mapping[str, Decimal]
    note: str


def nearest(provider: Provider, model: str, moment: datetime, most: int = 3) -> list[ListedPrice]:
    """The other listed models whose names are most like this one, the best first."""
    found = nearest_models(provider, model, moment, most + 1)
    return [each for each in found if each.model.lower() != model.lower()][:most]


def copied_prices(provider: Provider, model: str, like: str, moment: datetime) -> Copied | None:
    """The list prices of the model `like` at `moment`, for `model` to have; None where no list knows them.

    A price that rises with the length of the input is copied as its base: agreed prices have no lengths.
    """
    listed = list_price(provider, like, moment) or next(
        (each for each in nearest_models(provider, model, moment, _MOST_NEAR) if each.model == like), None
    )
    if listed is None or not listed.prices:
        return None
    note = f"Prices of {listed.model} as listed for {moment:%Y-%m-%d} ({listed.source} {listed.version or ''})".strip()
    return Copied(listed.prices, note + (", without its higher price for long inputs." if listed.tiers else "."))
