"""Looking through another's eyes: for a reason, for an hour, with few rights, and told to their organization."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from guardian.errors import AuthenticationError, AuthorizationError, ConflictError, NotFoundError, ValidationError
from guardian.models import ActivityLog, EmailLog, TeamMember, User
from guardian.models import Session as BrowserSession
from guardian.models.enums import TeamRole, UserRole
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people import audit, impersonation
from guardian.services.people.access import sessions
from guardian.services.permissions import GRANTS, INSTALLATION, NOT_FOR_ANOTHER, OWN_ACCOUNT
from tests.conftest import People

WHY = "The customer asked us to look at a budget."


@pytest.fixture
def admin(session: Session, people: People) -> Actor:
    """Alice, who runs the installation, in a browser."""
    row = session.get_one(User, people.alice.user_id)
    row.role = UserRole.SUPER_ADMIN
    _token, browser = sessions.open_session(session, row, user_agent=None, ip_address=None)
    session.commit()
    return replace(people.alice, role=UserRole.SUPER_ADMIN, session_id=browser.id, ip_address="10.0.0.1")


def look(session: Session, admin: Actor, people: People) -> tuple[Actor, BrowserSession]:
    token, row = impersonation.start(session, admin, people.charlie.user_id, WHY)
    session.commit()
    return sessions.actor_for_session(session, token), row


def test_it_is_that_person_with_another_name_beside(session: Session, admin: Actor, people: People) -> None:
    actor, row = look(session, admin, people)
    assert (actor.user_id, actor.organization_id) == (people.charlie.user_id, people.charlie.organization_id)
    assert (actor.impersonator_id, row.impersonation_reason, row.method) == (admin.user_id, WHY, "impersonation")
    assert row.expires_at - row.created_at <= timedelta(minutes=61)
    [view] = impersonation.running(session, admin)
    assert (view.email, view.impersonator, view.reason) == ("charlie@example.com", admin.email, WHY)


def test_the_organization_reads_of_it(session: Session, admin: Actor, people: People) -> None:
    look(session, admin, people)
    [started] = audit.list_activity(session, people.charlie).items
    assert (started.action, started.user_id, started.metadata["reason"]) == ("IMPERSONATION_START", admin.user_id, WHY)
    mail = session.exec(select(EmailLog).where(EmailLog.kind == "impersonation")).one()
    assert mail.to == "charlie@example.com"
    assert WHY in (mail.payload or {})["text"]


def test_what_is_done_has_both_names(session: Session, admin: Actor, people: People) -> None:
    actor, _row = look(session, admin, people)
    audit.record(session, actor, "BUDGET_UPDATE")
    newest = audit.list_activity(session, people.charlie).items[0]
    assert (newest.user_id, newest.impersonator) == (people.charlie.user_id, admin.email)
    found = audit.list_activity(session, people.charlie, wanted=audit.Filter(person=admin.user_id)).items
    assert [each.action for each in found] == ["BUDGET_UPDATE", "IMPERSONATION_START"]


@pytest.mark.parametrize("role", list(TeamRole))
def test_no_secret_and_no_way_to_stay(role: TeamRole) -> None:
    actor = Actor("u", "o", UserRole.ADMIN, role, session_id="s", impersonator_id="a")
    assert not actor.permissions & (NOT_FOR_ANOTHER | INSTALLATION)
    for permission in ("keys:create", "keys:update", "tokens:create", "account:update", "billing:update"):
        with pytest.raises(AuthorizationError, match="another person's eyes"):
            actor.require(permission)
    assert actor.can("usage:read")


def test_the_list_of_what_is_denied_names_permissions_that_there_are() -> None:
    assert set().union(*GRANTS.values()) | OWN_ACCOUNT >= NOT_FOR_ANOTHER


def test_it_ends_when_it_is_ended(session: Session, admin: Actor, people: People) -> None:
    token, _row = impersonation.start(session, admin, people.charlie.user_id, WHY)
    impersonation.end(session, sessions.actor_for_session(session, token))
    with pytest.raises(AuthenticationError):
        sessions.actor_for_session(session, token)
    with pytest.raises(ConflictError):
        impersonation.end(session, admin)


def test_it_ends_after_an_hour_however_much_it_is_used(session: Session, admin: Actor, people: People) -> None:
    token, row = impersonation.start(session, admin, people.charlie.user_id, WHY)
    before = row.expires_at
    row.last_used_at = utcnow() - timedelta(minutes=5)
    session.flush()
    sessions.actor_for_session(session, token)
    session.refresh(row)
    assert row.expires_at == before
    assert row.last_used_at > utcnow() - timedelta(minutes=1)
    row.expires_at = utcnow()
    session.flush()
    with pytest.raises(AuthenticationError):
        sessions.actor_for_session(session, token)


def test_it_ends_with_the_rights_of_who_looks(session: Session, admin: Actor, people: People) -> None:
    token, _row = impersonation.start(session, admin, people.charlie.user_id, WHY)
    session.get_one(User, admin.user_id).role = UserRole.ADMIN
    session.flush()
    with pytest.raises(AuthenticationError):
        sessions.actor_for_session(session, token)


def test_another_administrator_ends_it(session: Session, admin: Actor, people: People) -> None:
    token, row = impersonation.start(session, admin, people.charlie.user_id, WHY)
    assert impersonation.end_one(session, admin, row.id).email == "charlie@example.com"
    with pytest.raises(AuthenticationError):
        sessions.actor_for_session(session, token)
    for other in (row.id, "nothing", admin.session_id or ""):
        with pytest.raises(NotFoundError):
            impersonation.end_one(session, admin, other)


def test_who_may_not(session: Session, admin: Actor, people: People) -> None:
    for actor in (people.alice, people.bob, people.charlie, replace(admin, session_id=None)):
        with pytest.raises(AuthorizationError):
            impersonation.start(session, actor, people.charlie.user_id, WHY)
    actor, _row = look(session, admin, people)
    with pytest.raises(AuthorizationError):
        impersonation.start(session, actor, people.bob.user_id, WHY)


def test_through_whose_eyes_nobody_looks(session: Session, admin: Actor, people: People) -> None:
    with pytest.raises(AuthorizationError):
        impersonation.start(session, admin, admin.user_id, WHY)
    with pytest.raises(NotFoundError):
        impersonation.start(session, admin, "nobody", WHY)
    member = session.exec(select(TeamMember).where(TeamMember.user_id == people.charlie.user_id)).one()
    session.delete(member)
    session.flush()
    with pytest.raises(NotFoundError):
        impersonation.start(session, admin, people.charlie.user_id, WHY)


@pytest.mark.parametrize("reason", ["", "short", " " * 40, "x" * 501, "\x00" * 20])
def test_a_reason_is_needed(session: Session, admin: Actor, people: People, reason: str) -> None:
    with pytest.raises(ValidationError):
        impersonation.start(session, admin, people.charlie.user_id, reason)
    assert session.exec(select(ActivityLog)).all() == []


def test_the_way_back_is_ones_own_session_only(session: Session, admin: Actor, people: People) -> None:
    own, row = sessions.open_session(session, session.get_one(User, admin.user_id), user_agent=None, ip_address=None)
    other, _row = sessions.open_session(
        session, session.get_one(User, people.bob.user_id), user_agent=None, ip_address=None
    )
    assert impersonation.own_session(session, own, admin.user_id)
    assert not impersonation.own_session(session, other, admin.user_id)
    assert not impersonation.own_session(session, "", admin.user_id)
    row.revoked_at = utcnow()
    session.flush()
    assert not impersonation.own_session(session, own, admin.user_id)
