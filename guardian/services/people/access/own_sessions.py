"""One's own signed-in browsers: seeing them, and signing them out."""

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select, update

from guardian.crypto import hash_token
from guardian.errors import NotFoundError
from guardian.models import Session as BrowserSession
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people.access.sessions import LIFETIME
from guardian.services.people.views import SessionView


def list_sessions(session: Session, actor: Actor) -> list[SessionView]:
    """The actor's own sessions that still work, the latest used first."""
    actor.require("session:read")
    now = utcnow()
    rows = session.exec(
        select(BrowserSession)
        .where(
            BrowserSession.user_id == actor.user_id,
            col(BrowserSession.revoked_at).is_(None),
            col(BrowserSession.expires_at) > now,
            col(BrowserSession.created_at) > now - LIFETIME,
        )
        .order_by(col(BrowserSession.last_used_at).desc(), col(BrowserSession.id).desc())
    )
    return [_view(row, actor) for row in rows]


def current_session(session: Session, actor: Actor) -> SessionView | None:
    """The session that asks; None for an access token or a job."""
    row = session.get(BrowserSession, actor.session_id) if actor.session_id else None
    return _view(row, actor) if row else None


def revoke_session(session: Session, actor: Actor, session_id: str) -> None:
    """Sign one of the actor's own browsers out. Raises NotFoundError for anybody else's, and for one that is over."""
    actor.require("session:delete")
    if not _revoke(session, actor, col(BrowserSession.id) == session_id):
        raise NotFoundError("Session")


def revoke_other_sessions(session: Session, actor: Actor) -> int:
    """Sign the actor out everywhere but here; how many browsers that were."""
    actor.require("session:delete")
    return _revoke(session, actor, col(BrowserSession.id).is_distinct_from(actor.session_id))


def revoke_all_sessions(session: Session, actor: Actor) -> int:
    """Sign the actor out everywhere, here too; how many browsers that were."""
    actor.require("session:delete")
    return _revoke(session, actor, col(BrowserSession.user_id) == actor.user_id)


def end_token(session: Session, token: str) -> None:
    """End the session of a cookie's token, whoever it belongs to: its browser has just signed in anew."""
    session.exec(
        update(BrowserSession)
        .where(col(BrowserSession.token_hash) == hash_token(token), col(BrowserSession.revoked_at).is_(None))
        .values(revoked_at=utcnow())
    )


def sign_out(session: Session, actor: Actor) -> None:
    """End the session that asks; nothing to do for an access token."""
    if actor.session_id is not None:
        _revoke(session, actor, col(BrowserSession.id) == actor.session_id)


def _view(row: BrowserSession, actor: Actor) -> SessionView:
    return SessionView(
        id=row.id,
        user_agent=row.user_agent,
        ip_address=row.ip_address,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=min(row.expires_at, row.created_at + LIFETIME),
        method=row.method,
        current=row.id == actor.session_id,
    )


def _revoke(session: Session, actor: Actor, which: ColumnElement[bool]) -> int:
    revoked = session.exec(
        update(BrowserSession)
        .where(
            which,
            col(BrowserSession.user_id) == actor.user_id,
            col(BrowserSession.revoked_at).is_(None),
            col(BrowserSession.expires_at) > utcnow(),
        )
        .values(revoked_at=utcnow())
        .returning(col(BrowserSession.id))
    )
    return len(revoked.all())
