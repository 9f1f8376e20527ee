"""Leaving an organization: what the person could do there ends at once, and what they have made there stays."""

from sqlmodel import Session, col, select, update

from guardian.models import AccessToken, Alert, Invitation, TeamMember, User
from guardian.models import Session as BrowserSession
from guardian.periods import utcnow
from guardian.services.people.disabled import oldest_place
from guardian.services.people.moving import moved
from guardian.services.people.telling import tell_team_changed


def take_out(session: Session, member: TeamMember, heir_id: str) -> None:
    """End a place: its access tokens and the invitations that were sent from it, and the sessions that work there.

    Keys, budgets, usage and history stay with the organization. So do alerts, which from now on tell `heir_id`: one
    that tells nobody would be silent without anybody's having switched it off.
    """
    now, organization_id, user_id = utcnow(), member.organization_id, member.user_id
    # Row by row, so that the audit log has each of them.
    tokens = select(AccessToken).where(
        AccessToken.organization_id == organization_id,
        AccessToken.user_id == user_id,
        col(AccessToken.revoked_at).is_(None),
    )
    for token in session.exec(tokens.with_for_update()):
        token.revoked_at = now
    invitations = select(Invitation).where(
        Invitation.organization_id == organization_id,
        Invitation.invited_by_id == user_id,
        col(Invitation.accepted_at).is_(None),
        col(Invitation.revoked_at).is_(None),
    )
    for invitation in session.exec(invitations.with_for_update()):
        invitation.revoked_at = now
    alerts = select(Alert).where(Alert.organization_id == organization_id, Alert.user_id == user_id)
    for alert in session.exec(alerts.with_for_update()):
        alert.user_id = heir_id
    session.delete(member)
    session.flush()
    tell_team_changed(session, organization_id, gateways=True)


def move_on(session: Session, user: User, organization_id: str, *, keep_sessions: bool) -> None:
    """Of a person who has left: they work in the oldest of their other organizations; where they have none, or unless
    `keep_sessions`, they are signed out everywhere.
    """
    if user.organization_id != organization_id:
        return
    user.organization_id = oldest_place(session, user.id, but=organization_id)
    if user.organization_id is None or not keep_sessions:
        session.exec(
            update(BrowserSession)
            .where(col(BrowserSession.user_id) == user.id, col(BrowserSession.revoked_at).is_(None))
            .values(revoked_at=utcnow())
        )
    session.flush()
    moved(session, user.id)
