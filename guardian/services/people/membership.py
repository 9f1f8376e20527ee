"""Who belongs to an organization: everybody with a place in it, whichever of theirs they work in at the moment."""

from sqlalchemy import ColumnElement, or_
from sqlmodel import col, exists, select

from guardian.models import ActivityLog, TeamMember, User


def is_member(organization_id: str) -> ColumnElement[bool]:
    """Of a query of User: those who belong to the organization."""
    return col(User.id).in_(select(TeamMember.user_id).where(TeamMember.organization_id == organization_id))


def is_known(organization_id: str) -> ColumnElement[bool]:
    """Of a query of User: its members, and who has left after doing something in it: usage keeps their name."""
    acted = select(ActivityLog.id).where(
        col(ActivityLog.user_id) == col(User.id), col(ActivityLog.organization_id) == organization_id
    )
    return or_(is_member(organization_id), exists(acted))
