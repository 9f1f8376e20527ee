"""Up to when the providers' reports are pulled, for Prometheus."""

from decimal import Decimal

from sqlalchemy import func
from sqlmodel import Session, and_, col, select

from guardian.models import ApiKey, ProviderAccount


def measure_syncs(session: Session) -> dict[tuple[str, ...], Decimal]:
    """By provider the moment (Unix seconds) up to which the least recently pulled of its active accounts is pulled."""
    query = (
        select(col(ProviderAccount.provider), func.min(col(ProviderAccount.covered_to)))
        .join(
            ApiKey,
            and_(
                col(ApiKey.organization_id) == col(ProviderAccount.organization_id),
                col(ApiKey.provider) == col(ProviderAccount.provider),
                col(ApiKey.account_id) == col(ProviderAccount.account_id),
                col(ApiKey.is_active),
            ),
        )
        .group_by(col(ProviderAccount.provider))
    )
    rows = session.connection().execute(query)
    return {(provider.value,): Decimal(int(oldest.timestamp())) for provider, oldest in rows if oldest is not None}
