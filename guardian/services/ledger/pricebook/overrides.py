"""The prices that an organization agreed, and those of its CUSTOM keys, as the calculator takes them."""

from decimal import Decimal
from typing import Any

import structlog
from pydantic import TypeAdapter
from sqlmodel import Session, col, select

from guardian.errors import ValidationError
from guardian.models import ApiKey, PriceOverride
from guardian.models.enums import Provider
from guardian.pricing.overrides import Override
from guardian.pricing.own import key_prices
from guardian.services.people import kept

_OVERRIDES = TypeAdapter(tuple[Override, ...])

log = structlog.get_logger(__name__)


def overrides_of(session: Session, organization_id: str, provider: Provider) -> tuple[Override, ...]:
    """Every price ever agreed, past ones too: a row is priced by its own time.

    For CUSTOM also the own prices of its keys, which hold where `price` is told the key.
    """
    rows = session.exec(
        select(PriceOverride)
        .where(PriceOverride.organization_id == organization_id, PriceOverride.provider == provider)
        .order_by(col(PriceOverride.id))
    )
    agreed = tuple(override_of(row) for row in rows)
    return agreed if provider is not Provider.CUSTOM else (*agreed, *_of_keys(session, organization_id))


def kept_overrides_of(session: Session, organization_id: str, provider: Provider) -> tuple[Override, ...]:
    """The same, read from the cache where it can be: for a look-up, where calls are priced by what is stored.

    CUSTOM is read each time, as its prices are settings of keys.
    """
    if provider is Provider.CUSTOM:
        return overrides_of(session, organization_id, provider)
    key = f"{kept.keys.pricing(provider)}:{organization_id}"

    def read() -> list[Any]:
        return _OVERRIDES.dump_python(overrides_of(session, organization_id, provider), mode="json")

    stored = kept.read(session, key, read, owner=kept.prices_owner(organization_id))
    return _OVERRIDES.validate_python(stored)


def _of_keys(session: Session, organization_id: str) -> list[Override]:
    """The own prices of all CUSTOM keys, also of those that are switched off: their calls stay."""
    keys = session.exec(
        select(ApiKey)
        .where(ApiKey.organization_id == organization_id, ApiKey.provider == Provider.CUSTOM)
        .order_by(col(ApiKey.id))
    )
    found: list[Override] = []
    for key in keys:
        try:
            found += key_prices(key.id, key.meta or {})
        except ValidationError as error:
            # They were checked when they were given; the calls of one broken key are unpriced, and no others.
            log.warning("prices.key_left_out", key=key.id, error=error.message)
    return found


def override_of(row: PriceOverride) -> Override:
    """One agreed price as the calculator takes it."""
    return Override(
        id=row.id,
        provider=row.provider,
        model_pattern=row.model_pattern,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        percent_of_list=row.percent_of_list,
        prices={unit: Decimal(str(price)) for unit, price in (row.prices or {}).items()},
    )
