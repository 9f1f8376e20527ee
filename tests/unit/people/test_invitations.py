"""Invitations: one link, once, for one person; and what becomes of two who follow it at the same moment."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, func, select

from guardian.crypto import hash_token
from guardian.errors import AuthorizationError, ConflictError, NotFoundError, RateLimitError, ValidationError
from guardian.models import EmailLog, Invitation, Organization, TeamMember, User
from guardian.models.enums import TeamRole, UserRole
from guardian.periods import utcnow
from guardian.services.people import teams
from guardian.services.people.access import accounts
from guardian.services.people.invitations import (
    accept_invitation,
    accept_invitation_as,
    invite,
    inviting,
    list_invitations,
    look_up,
    resend_invitation,
    revoke_invitation,
)
from tests.conftest import People
from tests.unit.people.making import colleague, now, stranger, token_in_mail
from tests.unit.people.test_members import at_once

GUEST = "guest@elsewhere.example"
PASSWORD = "correct horse battery"


def test_an_invitation_is_mailed_and_only_its_hash_is_kept(session: Session, people: People) -> None:
    teams.create_team(session, people.alice, "web")
    view = invite(session, people.alice, " Guest@Elsewhere.example ", TeamRole.VIEWER, "web")
    assert (view.email, view.role, view.team, view.inviter, view.expired) == (
        GUEST,
        TeamRole.VIEWER,
        "web",
        "Alice",
        False,
    )
    assert view.expires_at - view.sent_at == timedelta(days=7)
    token = token_in_mail(session, GUEST)
    row = session.get_one(Invitation, view.id)
    assert row.token_hash == hash_token(token)
    assert token not in repr(row.model_dump())
    mail = session.exec(select(EmailLog).where(EmailLog.to == GUEST)).one()
    assert mail.subject == "Alice invites you to Acme"
    assert "You would be a viewer in the team web." in (mail.payload or {})["text"]
    assert look_up(session, token).organization == "Acme"


def test_a_person_who_is_there_accepts_and_works_there_from_then_on(session: Session, people: People) -> None:
    invite(session, people.alice, people.charlie.email, TeamRole.ADMIN)
    token = token_in_mail(session, people.charlie.email)
    assert look_up(session, token).has_account
    member = accept_invitation(session, people.charlie, token)
    assert (member.organization_id, member.role) == (people.alice.organization_id, TeamRole.ADMIN)
    assert now(session, people.charlie).organization_id == people.alice.organization_id
    assert session.get_one(User, people.charlie.user_id).email_verified is not None
    assert list_invitations(session, people.alice) == []


def test_a_new_person_signs_up_by_it_and_gets_no_organization_of_their_own(session: Session, people: People) -> None:
    invite(session, people.alice, GUEST, TeamRole.MEMBER)
    token = token_in_mail(session, GUEST)
    before = session.exec(select(func.count()).select_from(Organization)).one()
    user = accounts.register(session, email=GUEST, password=PASSWORD, name="Guest", invitation=token)
    assert (user.organization_id, user.role) == (people.alice.organization_id, UserRole.USER)
    assert user.email_verified is not None
    assert session.exec(select(func.count()).select_from(Organization)).one() == before
    assert look_up(session, token).state == "used"


def test_whoever_has_the_link_but_not_the_address_is_refused(session: Session, people: People) -> None:
    invite(session, people.alice, GUEST, TeamRole.OWNER)
    token = token_in_mail(session, GUEST)
    with pytest.raises(ValidationError, match="for another address"):
        accept_invitation(session, people.charlie, token)
    with pytest.raises(ValidationError, match="for another address"):
        accounts.register(session, email="thief@elsewhere.example", password=PASSWORD, invitation=token)
    assert look_up(session, token).state == "open"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ({"expires_at": utcnow() - timedelta(seconds=1)}, "expired"),
        ({"revoked_at": utcnow()}, "taken back"),
        ({"accepted_at": utcnow()}, "used already"),
    ],
)
def test_a_link_that_is_over_lets_nobody_in(session: Session, people: People, spoil: dict[str, Any], said: str) -> None:
    view = invite(session, people.alice, people.charlie.email, TeamRole.MEMBER)
    token = token_in_mail(session, people.charlie.email)
    row = session.get_one(Invitation, view.id)
    for name, value in spoil.items():
        setattr(row, name, value)
    session.flush()
    with pytest.raises(ValidationError, match=said):
        accept_invitation(session, people.charlie, token)
    assert look_up(session, token).organization == ""
    assert now(session, people.charlie).organization_id == people.charlie.organization_id


def test_a_link_works_once(session: Session, people: People) -> None:
    guest = stranger(session, GUEST)
    invite(session, people.alice, GUEST, TeamRole.MEMBER)
    token = token_in_mail(session, GUEST)
    accept_invitation_as(session, guest, token)
    with pytest.raises(ValidationError, match="used already"):
        accept_invitation_as(session, guest, token)
    with pytest.raises(ValidationError, match="no link of an invitation"):
        accept_invitation_as(session, guest, "made-up")


def test_sent_again_it_has_a_new_link_and_another_week(session: Session, people: People) -> None:
    view = invite(session, people.alice, people.charlie.email, TeamRole.MEMBER)
    first = token_in_mail(session, people.charlie.email)
    session.get_one(Invitation, view.id).expires_at = utcnow() - timedelta(days=1)
    session.flush()
    assert list_invitations(session, people.alice)[0].expired
    again = resend_invitation(session, people.alice, view.id)
    assert not again.expired
    second = token_in_mail(session, people.charlie.email)
    with pytest.raises(ValidationError, match="newer one was sent"):
        accept_invitation(session, people.charlie, first)
    assert accept_invitation(session, people.charlie, second).role is TeamRole.MEMBER


def test_one_person_is_invited_once_and_no_member_at_all(session: Session, people: People) -> None:
    invite(session, people.alice, GUEST, TeamRole.MEMBER)
    with pytest.raises(ConflictError, match="invited already"):
        invite(session, people.alice, GUEST.upper(), TeamRole.VIEWER)
    with pytest.raises(ConflictError, match="belongs to this organization"):
        invite(session, people.alice, people.bob.email, TeamRole.VIEWER)
    with pytest.raises(ValidationError):
        invite(session, people.alice, "no address", TeamRole.VIEWER)
    # Another organization may ask the same person.
    assert invite(session, people.charlie, GUEST, TeamRole.VIEWER).email == GUEST


def test_who_may_not_change_the_team_invites_nobody(session: Session, people: People) -> None:
    admin = colleague(session, people, "admin", TeamRole.ADMIN)
    for actor, role in ((people.bob, TeamRole.VIEWER), (admin, TeamRole.OWNER), (admin, TeamRole.BILLING)):
        with pytest.raises(AuthorizationError):
            invite(session, actor, GUEST, role)
    view = invite(session, people.alice, GUEST, TeamRole.OWNER)
    with pytest.raises(AuthorizationError):
        resend_invitation(session, admin, view.id)


def test_another_organizations_invitation_is_nothing(session: Session, people: People) -> None:
    view = invite(session, people.alice, GUEST, TeamRole.MEMBER)
    for work in (resend_invitation, revoke_invitation):
        with pytest.raises(NotFoundError):
            work(session, people.charlie, view.id)
    revoke_invitation(session, people.alice, view.id)
    with pytest.raises(NotFoundError):
        revoke_invitation(session, people.alice, view.id)


def test_mails_to_people_who_have_not_asked_are_limited(session: Session, people: People) -> None:
    view = invite(session, people.alice, GUEST, TeamRole.MEMBER)
    for _ in range(inviting.PER_INVITATION.count):
        resend_invitation(session, people.alice, view.id)
    with pytest.raises(RateLimitError):
        resend_invitation(session, people.alice, view.id)


def test_of_many_who_follow_one_link_at_once_one_joins(session: Session, people: People) -> None:
    invite(session, people.alice, people.charlie.email, TeamRole.MEMBER)
    token = token_in_mail(session, people.charlie.email)
    session.commit()
    found = at_once(*(lambda one: accept_invitation(one, people.charlie, token) for _ in range(5)))
    assert found == [None, *[ValidationError] * 4]
    places = select(TeamMember).where(
        TeamMember.user_id == people.charlie.user_id, TeamMember.organization_id == people.alice.organization_id
    )
    assert len(session.exec(places).all()) == 1


def test_an_invitation_that_is_revoked_while_it_is_accepted_is_one_or_the_other(
    session: Session, people: People
) -> None:
    view = invite(session, people.alice, people.charlie.email, TeamRole.MEMBER)
    token = token_in_mail(session, people.charlie.email)
    session.commit()
    at_once(
        lambda one: accept_invitation(one, people.charlie, token),
        lambda one: revoke_invitation(one, people.alice, view.id),
    )
    session.expire_all()
    row = session.get_one(Invitation, view.id)
    joined = session.exec(
        select(func.count()).where(
            TeamMember.user_id == people.charlie.user_id, TeamMember.organization_id == people.alice.organization_id
        )
    ).one()
    assert (row.accepted_at is None) is (row.revoked_at is not None)
    assert joined == (1 if row.accepted_at else 0)


def test_the_same_address_invited_twice_at_once_is_invited_once(session: Session, people: People) -> None:
    session.commit()
    found = at_once(*(lambda one: invite(one, people.alice, GUEST, TeamRole.MEMBER) for _ in range(4)))
    assert found == [None, *[ConflictError] * 3]
    assert len(session.exec(select(Invitation).where(col(Invitation.email) == GUEST)).all()) == 1
