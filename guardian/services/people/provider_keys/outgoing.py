"""The keys of an organization that may go out with its calls: those for inference that are switched on, opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlmodel import Session, col, select

from guardian.errors import DecryptionError
from guardian.models import ApiKey
from guardian.models.enums import KeyStatus, Provider
from guardian.services.people.provider_keys.changing import KIND
from guardian.services.people.provider_keys.vault import unseal

# With these no call can succeed until somebody has changed the key.
_UNUSABLE = frozenset({KeyStatus.REJECTED, KeyStatus.WRONG_KIND})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingKey:
    """`secret` is what is sealed; for CUSTOM keys the text that custom.settings.Secret reads."""

    id: str
    provider: Provider
    label: str | None
    account_id: str | None
    user_id: str
    secret: str = field(repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


def outgoing_keys(session: Session, organization_id: str) -> list[OutgoingKey]:
    """In the order of their making; a key that no encryption key opens is left out and logged."""
    query = (
        select(ApiKey)
        .where(ApiKey.organization_id == organization_id, col(ApiKey.is_active))
        .order_by(col(ApiKey.created_at), col(ApiKey.id))
    )
    found: list[OutgoingKey] = []
    for row in session.exec(query):
        metadata = row.meta or {}
        if row.status in _UNUSABLE or metadata.get(KIND) == "admin":
            continue
        try:
            secret = unseal(row)
        except DecryptionError as error:
            log.error("gateway.key_sealed", key=row.id, error=error.message)
            continue
        found.append(
            OutgoingKey(
                id=row.id,
                provider=row.provider,
                label=row.label,
                account_id=row.account_id,
                user_id=row.user_id,
                secret=secret,
                metadata=metadata,
            )
        )
    return found
