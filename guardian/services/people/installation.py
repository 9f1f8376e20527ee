"""The installation as a whole: for those who run it, and for their monitoring."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, and_, col, select

from guardian.cache import CacheService
from guardian.models import ApiKey, Organization, ProviderAccount, UsageRollup, User
from guardian.models.enums import Plan
from guardian.periods import utcnow
from guardian.services.actor import Actor

MAX_LISTED = 500
_UNPRICED_TTL = 60  # seconds; a scrape every 15 s must not sum up all rollups each time


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationSummary:
    id: str
    name: str
    plan: Plan
    users: int
    keys: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """`sync_age_seconds` is None while no active account was ever pulled."""

    unpriced_tokens: int
    sync_age_seconds: float | None


def list_organizations(session: Session, actor: Actor) -> list[OrganizationSummary]:
    """All organizations, newest first, at most 500. Raises AuthorizationError unless the actor runs it all."""
    actor.require("admin:read")
    users = select(func.count()).where(User.organization_id == Organization.id).correlate(Organization)
    keys = select(func.count()).where(ApiKey.organization_id == Organization.id).correlate(Organization)
    rows = session.exec(
        select(Organization, users.scalar_subquery(), keys.scalar_subquery())
        .order_by(col(Organization.id).desc())
        .limit(MAX_LISTED)
    )
    return [
        OrganizationSummary(
            id=row.id, name=row.name, plan=row.plan, users=people, keys=stored, created_at=row.created_at
        )
        for row, people, stored in rows
    ]


def gauges(session: Session) -> Gauges:
    """Figures for monitoring. They name nobody, so they ask for no actor."""
    unpriced = CacheService().get_or_set(
        "installation:unpriced-tokens",
        lambda: int(session.exec(select(func.coalesce(func.sum(UsageRollup.unpriced_tokens), 0))).one()),
        _UNPRICED_TTL,
        owner="installation",
    )
    oldest = session.exec(
        select(func.min(ProviderAccount.covered_to)).join(
            ApiKey,
            and_(
                col(ApiKey.organization_id) == col(ProviderAccount.organization_id),
                col(ApiKey.provider) == col(ProviderAccount.provider),
                col(ApiKey.account_id) == col(ProviderAccount.account_id),
                col(ApiKey.is_active),
            ),
        )
    ).one()
    return Gauges(
        unpriced_tokens=unpriced,
        sync_age_seconds=(utcnow() - oldest).total_seconds() if oldest else None,
    )
