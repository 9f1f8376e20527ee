"""People and invitations, made for a test in a line each."""

import re

from sqlmodel import Session, col, select

from guardian.models import EmailLog, Organization, User
from guardian.models.enums import TeamRole
from guardian.services.actor import Actor
from guardian.services.people.access.sessions import actor_for_user
from tests.conftest import People, make_actor


def colleague(session: Session, people: People, name: str, role: TeamRole) -> Actor:
    """Another person of Acme."""
    return make_actor(session, session.get_one(Organization, people.alice.organization_id), name, role)


def now(session: Session, actor: Actor) -> Actor:
    """Who that person is by what the database says now."""
    session.flush()
    return actor_for_user(session, actor.user_id)


def token_in_mail(session: Session, to: str) -> str:
    """The token of the newest invitation's link in a mail to that address."""
    query = select(EmailLog).where(EmailLog.to == to, EmailLog.kind == "invitation").order_by(col(EmailLog.id).desc())
    row = session.exec(query).first()
    assert row is not None
    found = re.search(r"/invitation\?token=([\w-]+)", (row.payload or {})["text"])
    assert found is not None
    return found[1]


def stranger(session: Session, email: str, *, organization_id: str | None = None) -> User:
    """A person of no organization, or working in that one without a place in it."""
    user = User(email=email, name=email.split("@")[0].title(), organization_id=organization_id)
    session.add(user)
    session.flush()
    return user
