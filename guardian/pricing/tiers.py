"""The catalog's price of a model in a tier: the tier's own, or the best guess with the reason why it is one."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal

from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint

from guardian.models.enums import Provider
from guardian.pricing.processing import BATCH
from guardian.pricing.supplements import TIER_GUESSES

# OpenAI and Anthropic document 50 % for every model of their batch APIs; prompt caching discounts stack with it.
BATCH_GUESS = Decimal("0.5")


@dataclass(slots=True)
class Terms:
    """A price, the factor on its tokens, and why it may not be the real one."""

    price: ModelPrice
    multiplier: Decimal = Decimal(1)
    doubt: str | None = None


def terms_of(provider: Provider, model: ModelInfo, moment: datetime, context: dict[str, str], *, own: bool) -> Terms:
    """The price of `model` in `context`, with the reason when it had to be guessed.

    The catalog holds most tier prices only since the day on which somebody verified them (2026-10-12 and later), though
    the tiers are older. While the standard price was the same, the verified tier price is the best guess for before.
    """
    standard = model.get_prices(moment)
    if not context:
        return Terms(standard)
    label = " and ".join(context.values())
    variants = [v for v in (model.price_variants or ()) if own and v.when == context]
    if any(v.constraint is None or v.constraint.active(moment) for v in variants):
        return Terms(model.get_prices(moment, context))
    if len(context) > 1:
        first = dict([next(iter(context.items()))])
        terms = terms_of(provider, model, moment, first, own=own)
        doubt = f"the catalog has no price of {model.id} for {label} at once; that for {first.popitem()[1]} is used"
        return Terms(terms.price, terms.multiplier, f"{doubt}; {terms.doubt}" if terms.doubt else doubt)
    starts = [v.constraint.start_date for v in variants if isinstance(v.constraint, StartDateConstraint)]
    if starts:
        first = datetime.combine(min(starts), time.min, UTC)
        if model.get_prices(first) == standard:
            doubt = f"the catalog knows the {label} price of {model.id} only from {min(starts)} on; that one is used"
            return Terms(model.get_prices(first, context), doubt=doubt)
    if context == BATCH:
        doubt = f"the catalog has no batch price of {model.id} for this date; half of the standard price is used"
        return Terms(standard, BATCH_GUESS, doubt)
    if (guess := TIER_GUESSES.get((provider, label))) is not None:
        doubt = f"the catalog has no {label} price of {model.id} for this date; {guess} times the standard is used"
        return Terms(standard, guess, doubt)
    return Terms(standard, doubt=f"the catalog has no {label} price of {model.id}; the standard price is used")
