"""Organizations that are disabled: nobody works in them."""

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from guardian.models import Organization, TeamMember


def is_enabled() -> ColumnElement[bool]:
    """Whether the organization of a TeamMember is not disabled."""
    off = select(Organization.disabled_at).where(col(Organization.id) == col(TeamMember.organization_id))
    return off.correlate(TeamMember).scalar_subquery().is_(None)
