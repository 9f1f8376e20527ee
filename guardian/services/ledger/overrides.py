"""The prices that an organization agreed, as the calculator takes them."""

from decimal import Decimal

from sqlmodel import Session, col, select

from guardian.models import PriceOverride
from guardian.models.enums import Provider
from guardian.pricing.overrides import Override


def overrides_of(session: Session, organization_id: str, provider: Provider) -> tuple[Override, ...]:
    """Every price ever agreed, past ones too: a row is priced by its own time."""
    rows = session.exec(
        select(PriceOverride)
        .where(PriceOverride.organization_id == organization_id, PriceOverride.provider == provider)
        .order_by(col(PriceOverride.id))
    )
    return tuple(override_of(row) for row in rows)


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
