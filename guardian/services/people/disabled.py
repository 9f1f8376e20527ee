"""Organizations that are disabled: nobody works in them."""

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from guardian.models import Organization, TeamMember


def is_enabled() -> ColumnElement[bool]:
    """Whether the organization of a TeamMember is not disabled."""
    off = select(Organization.disabled_at).where(col(Organization.id) == col(TeamMember.organization_id))
    return off.correlate(TeamMember).scalar_subquery().is_(None)


def oldest_place(session: Session, user_id: str, *, but: str = "") -> str | None:
    """The oldest organization of a person's that is not disabled, besides `but`; None without one."""
    return session.exec(
        select(TeamMember.organization_id)
        .where(TeamMember.user_id == user_id, TeamMember.organization_id != but, is_enabled())
        .order_by(col(TeamMember.created_at), col(TeamMember.id))
        .limit(1)
    ).first()
