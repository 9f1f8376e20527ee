"""A person works in another organization from now on: who looked through their eyes was let into the one before."""

from sqlmodel import Session, col, update

from guardian.models import Session as BrowserSession
from guardian.periods import utcnow
from guardian.services.people.telling import tell_person_moved


def moved(session: Session, user_id: str) -> None:
    """End what an administrator of the installation does through this person's eyes, and tell their open pages.

    The owners of the organization before were told of it, and those of the next one were not.
    """
    session.exec(
        update(BrowserSession)
        .where(
            col(BrowserSession.user_id) == user_id,
            col(BrowserSession.impersonator_id).is_not(None),
            col(BrowserSession.revoked_at).is_(None),
        )
        .values(revoked_at=utcnow())
    )
    tell_person_moved(session, user_id)
