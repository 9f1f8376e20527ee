"""What the price catalog (genai-prices) says of a model at a moment and in a tier, and what its silence means.

The catalog prices a tier that it does not know like the standard one, and says nothing. Here such a price has a doubt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType

import genai_prices
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    TieredPrices,
    TimeOfDateConstraint,
)
from genai_prices.types import Provider as CatalogProvider

from guardian.models.enums import Provider
from guardian.pricing import supplements
from guardian.pricing.tiers import terms_of

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
        "output_citation_mtok": ("citation_tokens", _MILLION),
        "input_text_messages_kcount": ("text_messages", _THOUSAND),
        "input_document_kpages": ("pages", _THOUSAND),
        "input_annotated_document_kpages": ("annotated_pages", _THOUSAND),
    }
)

# A report that is not grouped by model names the service instead; its fee can still be known (see Catalog.service).
SERVICE_FEES: Mapping[str, str] = MappingProxyType(
    {"web-search": "web_searches_kcount", "file-search": "storage_searches_kcount"}
)

# The catalog lists this model without any price. https://developers.openai.com/api/docs/models/omni-moderation-latest:
# "Moderation models are free models".
_FREE = ("openai", "moderation")

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


@dataclass(frozen=True)
class Catalog:
    """One snapshot of the catalog's data. Look-ups are not cached here (see sheets.py).

    Its version names that of our supplements, too: with either, prices change.
    """

    snapshot: DataSnapshot
    _providers: dict[str, CatalogProvider | None] = field(default_factory=dict[str, CatalogProvider | None])

    @cached_property
    def version(self) -> str:
        updated = f"+{self.snapshot.timestamp:%Y%m%d%H%M%S}" if self.snapshot.from_auto_update else ""
        return f"{genai_prices.__version__}{updated}+s{supplements.VERSION:%Y%m%d}"

    def list_price(
        self,
        provider: Provider,
        model: str,
        moment: datetime,
        context: dict[str, str],
        catalog_id: str | None = None,
    ) -> ListPrice | None:
        """What `model` costs at `moment` (UTC) when processed as `context` says; None when the catalog lacks it.

        `catalog_id` names another of the catalog's providers than `provider`: a CUSTOM key may be one of them.
        """
        source = self.source(catalog_id or CATALOG_IDS.get(provider))
        if source is None or not model:
            return None
        # Asked without the model's name, the snapshot's own look-up cache cannot grow with names that callers invent.
        found = source.find_model(model, all_providers=self.snapshot.providers)
        if found is None:
            return self._service(source, model, moment)
        if (source.id, found.id) == _FREE:
            free: UnitPrice = (Decimal(0), _MILLION)
            return ListPrice(ref=found.id, version=self.version, prices={"input_tokens": free, "output_tokens": free})
        # Variants of a model that another provider lends are not this provider's (so decides genai-prices, too).
        own = any(found is model for model in source.models)
        terms = terms_of(provider, found, moment, context, own=own)
        return ListPrice(
            ref=found.id,
            version=self.version,
            prices=_unit_prices(terms.price),
            token_multiplier=terms.multiplier,
            token_doubt=terms.doubt,
            doubt=supplements.dispute(source.id, model),
            by_time=_by_time(found),
        )

    def source(self, catalog_id: str | None) -> CatalogProvider | None:
        """The provider of that id, or None."""
        if catalog_id is None:
            return None
        if catalog_id not in self._providers:
            named = (found for found in self.snapshot.providers if found.id == catalog_id)
            self._providers[catalog_id] = next(named, None)
        return self._providers[catalog_id]

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
