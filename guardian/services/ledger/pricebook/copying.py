"""Prices for a model that the list does not know: those of the model that its name is nearest to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import SequenceMatcher
from functools import lru_cache

from genai_prices.types import TieredPrices

from guardian.models.enums import Provider
from guardian.pricing.catalog import CATALOG_IDS, Catalog
from guardian.pricing.sheets import sheets
from guardian.services.ledger.pricebook.comparing import listed_models

_MILLION = 1_000_000
_PLACES = Decimal("1e-12")
_PARTS = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
_NEAR = 0.45  # of names that share nothing but a prefix like "gpt-" the similarity is below


@dataclass(frozen=True, slots=True)
class Nearest:
    """A model of the list."""

    provider: Provider
    model: str


@dataclass(frozen=True, slots=True)
class Copied:
    """List prices in dollars per million units, by unit name, and where they are from."""

    prices: Mapping[str, Decimal]
    note: str


def nearest(provider: Provider, model: str, moment: datetime, most: int = 3) -> list[Nearest]:
    """The other models with a price for input whose names are most like this one, the best first.

    They are the same provider's; a provider without a list of its own borrows from all.
    """
    found = _ranked(provider, model.lower(), Catalog(sheets().snapshot).version)
    priced = (each for each in found if (copied := copied_prices(*each, moment)) and "input_tokens" in copied.prices)
    return [Nearest(*each) for each, _ in zip(priced, range(most), strict=False)]


def copied_prices(provider: Provider, model: str, moment: datetime) -> Copied | None:
    """What the list says of a model at `moment`, as prices of one's own; None where it has no price.

    A price that rises with the length of the input is copied as its base: agreed prices have no lengths.
    """
    catalog = Catalog(sheets().snapshot)
    owner = provider if provider in CATALOG_IDS else _owner_of(model)
    listed = catalog.list_price(owner, model, moment, {}) if owner else None
    if listed is None or not listed.prices:
        return None
    prices: dict[str, Decimal] = {}
    tiered = False
    for unit, (value, per) in listed.prices.items():
        tiered |= isinstance(value, TieredPrices)
        amount = value.base if isinstance(value, TieredPrices) else value
        exact = amount * _MILLION / per
        prices[unit] = exact if exact == exact.quantize(_PLACES) else exact.quantize(_PLACES)
    note = f"Prices of {listed.ref} as listed for {moment:%Y-%m-%d} (genai-prices {listed.version})"
    return Copied(prices, note + (", without its higher price for long inputs." if tiered else "."))


@lru_cache(maxsize=512)
def _ranked(provider: Provider, model: str, version: str) -> tuple[tuple[Provider, str], ...]:
    """Names by likeness. `version` makes another list's answer another entry of the cache."""
    providers = (provider,) if provider in CATALOG_IDS else tuple(CATALOG_IDS)
    scored = [
        (score, each, name)
        for each in providers
        for name in listed_models(each)
        if name.lower() != model and (score := _likeness(model, name.lower())) >= _NEAR
    ]
    # Of equal ones the shorter name: it is the model itself and not a variant of it.
    scored.sort(key=lambda entry: (-entry[0], len(entry[2]), entry[2]))
    return tuple((each, name) for _, each, name in scored[:20])


def _likeness(one: str, other: str) -> float:
    """From 0 to 1: half for the parts that both names have (family, size), half for how alike they are spelt."""
    parts, others = set(_PARTS.findall(one)), set(_PARTS.findall(other))
    shared = len(parts & others) / max(len(parts | others), 1)
    family = one[:3] == other[:3]
    return (shared + SequenceMatcher(None, one, other).ratio()) / 2 if family else 0.0


def _owner_of(model: str) -> Provider | None:
    return next((each for each in CATALOG_IDS if model in listed_models(each)), None)
