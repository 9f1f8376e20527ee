"""What the price catalog (genai-prices) says of a model at a moment and in a tier, and what its silence means.

The catalog prices a tier that it does not know like the standard one, and says nothing. Here such a price has a doubt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

import genai_prices
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)
from genai_prices.types import Provider as CatalogProvider

from guardian.models.enums import Provider

PRICE_SOURCE = "genai-prices"

CATALOG_IDS: Mapping[Provider, str] = MappingProxyType(
    {
        Provider.OPENAI: "openai",
        Provider.ANTHROPIC: "anthropic",
        Provider.GOOGLE: "google",
        Provider.XAI: "x-ai",
        Provider.PERPLEXITY: "perplexity",
    }
)

_MILLION, _THOUSAND, _HOUR = 1_000_000, 1_000, 3_600

# The catalog's price keys in the words of our records: (unit, how many units one price is for).
UNITS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "input_mtok": ("input_tokens", _MILLION),
        "cache_read_mtok": ("cache_read_tokens", _MILLION),
        "cache_write_mtok": ("cache_write_tokens", _MILLION),
        "cache_write_5m_mtok": ("cache_write_5m_tokens", _MILLION),
        "cache_write_1h_mtok": ("cache_write_1h_tokens", _MILLION),
        "input_audio_mtok": ("audio_input_tokens", _MILLION),
        "input_image_mtok": ("image_input_tokens", _MILLION),
        "cache_audio_read_mtok": ("cache_read_audio_tokens", _MILLION),
        "cache_image_read_mtok": ("cache_read_image_tokens", _MILLION),
        "output_mtok": ("output_tokens", _MILLION),
        "output_reasoning_mtok": ("reasoning_tokens", _MILLION),
        "output_audio_mtok": ("audio_output_tokens", _MILLION),
        "output_image_mtok": ("image_output_tokens", _MILLION),
        "input_video_mtok": ("video_input_tokens", _MILLION),
        "output_video_mtok": ("video_output_tokens", _MILLION),
        "input_mchars": ("characters", _MILLION),
        "input_audio_hours": ("seconds", _HOUR),
        "audio_hours": ("audio_seconds", _HOUR),
        "web_searches_kcount": ("web_search_requests", _THOUSAND),
        "storage_searches_kcount": ("file_search_requests", _THOUSAND),
        "requests_kcount": ("requests", _THOUSAND),
    }
)

# A report that is not grouped by model names the service instead; its fee can still be known (see Catalog.service).
SERVICE_FEES: Mapping[str, str] = MappingProxyType(
    {"web-search": "web_searches_kcount", "file-search": "storage_searches_kcount"}
)

# The catalog lists this model without any price. https://developers.openai.com/api/docs/models/omni-moderation-latest:
# "Moderation models are free models".
_FREE = (Provider.OPENAI, "moderation")

_STANDARD = ("", "default", "standard")
_BATCH = {"processing": "batch"}
# OpenAI and Anthropic document 50 % for every model of their batch APIs; prompt caching discounts stack with it.
_BATCH_MULTIPLIER = Decimal("0.5")

UnitPrice = tuple[Decimal | TieredPrices, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrice:
    """The catalog's prices of one model: by unit name, dollars for so many units, perhaps tiered by input length.

    `token_multiplier` applies to tokens, not to fees. The doubts say why a token price, or any price, is an estimate.
    `by_time` tells that the price changes within the day.
    """

    ref: str
    version: str
    prices: Mapping[str, UnitPrice]
    token_multiplier: Decimal = Decimal(1)
    token_doubt: str | None = None
    doubt: str | None = None
    by_time: bool = False


class Processing(NamedTuple):
    """How a request was processed, in the words of the provider's *response*; None or its default is standard.

    `further_tier` is what a batch row names besides "batch".
    """

    tier: str | None = None
    further_tier: str | None = None
    speed: str | None = None

    def context(self) -> dict[str, str]:
        """The same in the catalog's words; empty for standard processing."""
        found: dict[str, str] = {}
        tiers = [(tier or "").lower() for tier in (self.tier, self.further_tier)]
        if "batch" in tiers:
            found.update(_BATCH)
        for tier in tiers:
            if tier not in (*_STANDARD, "batch"):
                found["service_tier"] = tier
        if (speed := (self.speed or "").lower()) not in _STANDARD:
            found["speed"] = speed
        return found


@dataclass(slots=True)
class _Terms:
    price: ModelPrice
    multiplier: Decimal = Decimal(1)
    doubt: str | None = None


@dataclass(frozen=True)
class Catalog:
    """One snapshot of the catalog's data. Look-ups are not cached here (see sheets.py)."""

    snapshot: DataSnapshot
    _providers: dict[Provider, CatalogProvider] = field(default_factory=dict[Provider, CatalogProvider])

    @cached_property
    def version(self) -> str:
        updated = f"+{self.snapshot.timestamp:%Y%m%d%H%M%S}" if self.snapshot.from_auto_update else ""
        return genai_prices.__version__ + updated

    def list_price(self, provider: Provider, model: str, moment: datetime, context: dict[str, str]) -> ListPrice | None:
        """What `model` costs at `moment` (UTC) when processed as `context` says; None when the catalog lacks it."""
        source = self._provider(provider)
        if source is None or not model:
            return None
        # Asked without the model's name, the snapshot's own look-up cache cannot grow with names that callers invent.
        found = source.find_model(model, all_providers=self.snapshot.providers)
        if found is None:
            return self._service(source, model, moment)
        if (provider, found.id) == _FREE:
            free: UnitPrice = (Decimal(0), _MILLION)
            return ListPrice(ref=found.id, version=self.version, prices={"input_tokens": free, "output_tokens": free})
        # Variants of a model that another provider lends are not this provider's (so decides genai-prices, too).
        own = any(found is model for model in source.models)
        terms = _terms(found, moment, context, own=own)
        return ListPrice(
            ref=found.id,
            version=self.version,
            prices=_unit_prices(terms.price),
            token_multiplier=terms.multiplier,
            token_doubt=terms.doubt,
            by_time=_by_time(found),
        )

    def _provider(self, provider: Provider) -> CatalogProvider | None:
        if provider not in self._providers and provider in CATALOG_IDS:
            self._providers[provider] = self.snapshot.find_provider(None, CATALOG_IDS[provider], None)
        return self._providers.get(provider)

    def _service(self, source: CatalogProvider, service: str, moment: datetime) -> ListPrice | None:
        """The fee of a service whose model the report does not name: known if all models that have it have the same."""
        key = SERVICE_FEES.get(service)
        if key is None:
            return None
        fees = {fee for model in source.models if (fee := vars(model.get_prices(moment)).get(key)) is not None}
        if len(fees) != 1:
            return None
        unit, per = UNITS[key]
        doubt = f"the report does not name the model; every model of {source.name} that has this fee has the same"
        return ListPrice(ref=service, version=self.version, prices={unit: (fees.pop(), per)}, doubt=doubt)


def _unit_prices(price: ModelPrice) -> dict[str, UnitPrice]:
    return {
        UNITS[key][0]: (value, UNITS[key][1])
        for key, value in vars(price).items()
        if value is not None and key in UNITS
    }


def _by_time(model: ModelInfo) -> bool:
    conditions: list[ConditionalPrice] = model.prices if isinstance(model.prices, list) else []
    constraints = [*(c.constraint for c in conditions), *(v.constraint for v in model.price_variants or ())]
    return any(isinstance(c, TimeOfDateConstraint) for c in constraints)


def _terms(model: ModelInfo, moment: datetime, context: dict[str, str], *, own: bool) -> _Terms:
    """The price of `model` in `context`, with the reason when it had to be guessed.

    The catalog holds most tier prices only since the day on which somebody verified them (2026-10-12 and later), though
    the tiers are older. While the standard price was the same, the verified tier price is the best guess for before.
    """
    standard = model.get_prices(moment)
    if not context:
        return _Terms(standard)
    label = " and ".join(context.values())
    variants = [v for v in (model.price_variants or ()) if own and v.when == context]
    if any(v.constraint is None or v.constraint.active(moment) for v in variants):
        return _Terms(model.get_prices(moment, context))
    if len(context) > 1:
        first = dict([next(iter(context.items()))])
        terms = _terms(model, moment, first, own=own)
        doubt = f"the catalog has no price of {model.id} for {label} at once; that for {first.popitem()[1]} is used"
        return _Terms(terms.price, terms.multiplier, f"{doubt}; {terms.doubt}" if terms.doubt else doubt)
    starts = [v.constraint.start_date for v in variants if isinstance(v.constraint, StartDateConstraint)]
    if starts:
        first = datetime.combine(min(starts), time.min, UTC)
        if model.get_prices(first) == standard:
            doubt = f"the catalog knows the {label} price of {model.id} only from {min(starts)} on; that one is used"
            return _Terms(model.get_prices(first, context), doubt=doubt)
    if context == _BATCH:
        doubt = f"the catalog has no batch price of {model.id} for this date; half of the standard price is used"
        return _Terms(standard, _BATCH_MULTIPLIER, doubt)
    return _Terms(standard, doubt=f"the catalog has no {label} price of {model.id}; the standard price is used")
