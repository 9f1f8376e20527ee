"""The installation as a whole, for those who run it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from guardian.models import ApiKey, Organization, User
from guardian.models.enums import Plan
from guardian.services.actor import Actor

MAX_LISTED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationSummary:
    id: str
    name: str
    plan: Plan
    users: int
    keys: int
    created_at: datetime


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
