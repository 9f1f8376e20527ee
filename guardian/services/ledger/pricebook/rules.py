"""What an agreed price must be before it is kept: every refusal names its field and says what to write instead."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from guardian.errors import ApiError, ValidationError
from guardian.pricing.overrides import Override
from guardian.pricing.units import TOKEN_PRICES, mistaken
from guardian.services.ledger.pricebook.views import FarOff, NewPrice

NEEDS_CONFIRMATION = "PRICE_NEEDS_CONFIRMATION"
MAX_PATTERN, MAX_NOTE = 200, 500
_UNIT = re.compile(r"[a-z][a-z0-9_]{0,59}")
_MOST_PERCENT, _MOST_DOLLARS = Decimal(100_000), Decimal(10) ** 9  # NUMERIC(9,4), and more than anything costs
_PERCENT_PLACES, _DOLLAR_PLACES = 4, 12


def refuse(field: str, message: str) -> ValidationError:
    """The error for one wrong field; `message` is a whole sentence."""
    return ValidationError(message, details=[{"field": field, "message": message}])


def checked(wanted: NewPrice, valid_from: datetime, id: str) -> Override:
    """The price as the calculator takes it. Raises ValidationError."""
    pattern = wanted.model_pattern.strip()
    if not 1 <= len(pattern) <= MAX_PATTERN or not pattern.isprintable():
        raise refuse("modelPattern", "Name a model, or a pattern like gpt-5*, of at most 200 characters.")
    if (wanted.percent_of_list is None) == (not wanted.prices):
        raise refuse("prices", "Give either a percentage of the list price or prices per million tokens, not both.")
    if wanted.percent_of_list is not None:
        _check_number("percentOfList", wanted.percent_of_list, _MOST_PERCENT, _PERCENT_PLACES)
    if wanted.valid_to is not None and wanted.valid_to <= valid_from:
        raise refuse("validTo", "The price must end after it starts.")
    if wanted.note is not None and len(wanted.note) > MAX_NOTE:
        raise refuse("note", f"A note has at most {MAX_NOTE} characters.")
    return Override(
        id=id,
        provider=wanted.provider,
        model_pattern=pattern,
        valid_from=valid_from,
        valid_to=wanted.valid_to,
        percent_of_list=wanted.percent_of_list,
        prices=_checked_prices(wanted.prices),
    )


def confirmation_needed(found: FarOff) -> ApiError:
    """409 with the code, the factor and both prices: the same request with `confirm` goes through."""
    factor = found.factor
    return ApiError(
        found.sentence,
        409,
        NEEDS_CONFIRMATION,
        details={
            "model": found.model,
            "unit": found.unit,
            "agreedPerMillion": _plain(found.agreed),
            "listPerMillion": _plain(found.listed),
            "ratio": None if factor is None else _plain(factor.quantize(Decimal("1e-8"))),
        },
    )


def _checked_prices(prices: Mapping[str, Decimal]) -> dict[str, Decimal]:
    for unit, amount in prices.items():
        field = f"prices.{unit}"
        if not _UNIT.fullmatch(unit) or mistaken(unit):
            known = ", ".join(sorted(TOKEN_PRICES))
            raise refuse(field, f"There is no unit {unit[:60]!r}. Tokens are priced as: {known}.")
        _check_number(field, amount, _MOST_DOLLARS, _DOLLAR_PLACES)
    return dict(prices)


def _check_number(field: str, number: Decimal, below: Decimal, places: int) -> None:
    if not number.is_finite() or not 0 <= number < below:
        raise refuse(field, f"Write a number from 0 to below {below:,f}.")
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -places:
        raise refuse(field, f"Write at most {places} places after the point.")


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
