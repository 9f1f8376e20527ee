"""The prices that usage is held against: of the list, as the organization has agreed them, at one moment."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from guardian.models.enums import Provider
from guardian.pricing.overrides import Override, choose
from guardian.pricing.processing import STANDARD, Processing
from guardian.pricing.rates import Rate
from guardian.pricing.sheets import sheets
from guardian.services.guard.analysis.decomposition import Use, Weights
from guardian.services.ledger.pricebook.overrides import overrides_of

BATCH = Processing(tier="batch")


def weights_of(
    session: Session,
    organization_id: str,
    keys: Iterable[str],
    moment: datetime,
    processing: Processing = STANDARD,
) -> dict[str, Weights]:
    """Dollars for one token of each of these models ("PROVIDER/model"), as far as a price is known."""
    found: dict[str, Weights] = {}
    agreed: dict[Provider, tuple[Override, ...]] = {}
    for key in set(keys):
        name, _, model = key.partition("/")
        provider = Provider(name)
        if provider not in agreed:
            agreed[provider] = overrides_of(session, organization_id, provider)
        override = choose(agreed[provider], provider, model, moment)
        sheet = sheets().find(provider, model, moment, processing, None, override)
        rates = sheet.levels[0] if sheet else None
        if rates and "uncached_input_tokens" in rates and "output_tokens" in rates:
            uncached = rates["uncached_input_tokens"]
            cached = rates.get("cache_read_tokens", uncached)
            found[key] = Weights(_one(uncached), _one(cached), _one(rates["output_tokens"]))
    return found


def without_cache(use: Use, weights: Weights) -> Decimal:
    """What it would cost more, had its cached input been read anew."""
    return use.cached_tokens * (weights.input - weights.cached)


def without_batch(use: Use, standard: Weights, batch: Weights) -> Decimal:
    """What it would cost more, had what was sent in batches been sent as single calls."""
    fresh = use.input_tokens - use.cached_tokens
    return (
        fresh * (standard.input - batch.input)
        + use.cached_tokens * (standard.cached - batch.cached)
        + use.output_tokens * (standard.output - batch.output)
    )


def _one(rate: Rate) -> Decimal:
    return rate.price * rate.multiplier / rate.per
