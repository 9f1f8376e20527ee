"""Sessions: only a hash is stored, use is noted once a minute, and nobody touches anybody else's."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from guardian.crypto import hash_token
from guardian.errors import AuthenticationError, NotFoundError
from guardian.models import Session as BrowserSession
from guardian.models import TeamMember, User
from guardian.models.enums import TeamRole
from guardian.periods import utcnow
from guardian.services.people.access import own_sessions, sessions
from tests.conftest import People


def opened(session: Session, people: People, agent: str | None = "Firefox") -> tuple[str, BrowserSession]:
    user = session.get_one(User, people.alice.user_id)
    return sessions.open_session(session, user, user_agent=agent, ip_address="10.0.0.1")


def test_only_the_hash_of_a_token_is_stored(session: Session, people: People) -> None:
    token, row = opened(session, people)
    assert len(token) >= 43
    assert row.token_hash == hash_token(token)
    assert token not in str(row.model_dump())


def test_the_actor_of_a_session(session: Session, people: People) -> None:
    token, row = opened(session, people)
    actor = sessions.actor_for_session(session, token, request_id="r-1", ip_address="10.0.0.2")
    assert (actor.user_id, actor.organization_id) == (people.alice.user_id, people.alice.organization_id)
    assert (actor.team_role, actor.session_id, actor.scopes) == (TeamRole.OWNER, row.id, None)
    assert (actor.request_id, actor.ip_address, actor.email) == ("r-1", "10.0.0.2", "alice@example.com")


@pytest.mark.parametrize("token", ["", "x", "\x00", "é", "a" * 100_000])
def test_an_unknown_token_is_nobodys(session: Session, people: People, token: str) -> None:
    opened(session, people)
    with pytest.raises(AuthenticationError):
        sessions.actor_for_session(session, token)


def test_use_is_noted_once_a_minute(session: Session, people: People) -> None:
    token, row = opened(session, people)
    first = row.last_used_at
    sessions.actor_for_session(session, token)
    session.refresh(row)
    assert row.last_used_at == first
    row.last_used_at = first - timedelta(seconds=61)
    session.flush()
    sessions.actor_for_session(session, token)
    session.refresh(row)
    assert row.last_used_at >= first


def test_a_lost_place_in_the_team_closes_the_door(session: Session, people: People) -> None:
    token, _row = opened(session, people)
    session.delete(session.exec(select(TeamMember).where(TeamMember.user_id == people.alice.user_id)).one())
    session.flush()
    with pytest.raises(AuthenticationError):
        sessions.actor_for_session(session, token)
    with pytest.raises(AuthenticationError, match="belongs to no organization"):
        sessions.actor_for_user(session, people.alice.user_id)


def test_the_list_has_only_ones_own_that_still_work(session: Session, people: People) -> None:
    token, here = opened(session, people)
    _token, phone = opened(session, people, "Phone\n\x1b[31m" + "x" * 500)
    for over in ({"expires_at": utcnow()}, {"revoked_at": utcnow()}, {"created_at": utcnow() - sessions.LIFETIME}):
        _token, row = opened(session, people)
        for name, value in over.items():
            setattr(row, name, value)
    here.last_used_at = utcnow() - timedelta(hours=1)
    session.flush()
    actor = sessions.actor_for_session(session, token)
    listed = own_sessions.list_sessions(session, actor)
    assert {(view.id, view.current) for view in listed} == {(here.id, True), (phone.id, False)}
    agent = next(view.user_agent for view in listed if view.id == phone.id)
    assert agent is not None
    assert agent.isprintable()
    assert len(agent) == 300
    assert own_sessions.list_sessions(session, people.bob) == []


def test_revoking(session: Session, people: People) -> None:
    token, here = opened(session, people)
    _other, there = opened(session, people)
    third, _row = opened(session, people)
    actor = sessions.actor_for_session(session, token)
    with pytest.raises(NotFoundError):
        own_sessions.revoke_session(session, people.bob, there.id)
    own_sessions.revoke_session(session, actor, there.id)
    with pytest.raises(NotFoundError):
        own_sessions.revoke_session(session, actor, there.id)
    assert own_sessions.revoke_other_sessions(session, actor) == 1
    with pytest.raises(AuthenticationError):
        sessions.actor_for_session(session, third)
    own_sessions.sign_out(session, actor)
    with pytest.raises(AuthenticationError):
        sessions.actor_for_session(session, token)
    # Who is not in a browser (a token, a job) has nothing to sign out of.
    own_sessions.sign_out(session, people.bob)
    assert here.id
