"""What somebody keeps, or comes by, who should have nothing: after a removal, a demotion, a reset, a rule."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian import db
from guardian.errors import AuthorizationError
from guardian.models import Account, User
from guardian.models import Session as BrowserSession
from guardian.models.enums import TeamRole, UserRole
from guardian.services.actor import Actor
from guardian.services.guard.installation import users
from guardian.services.people.access.sessions import actors_for_sessions
from tests.api.conftest import PASSWORD, Client, MakeClient, SignIn, execute
from tests.api.test_impersonation import start, who
from tests.api.test_second_factor import turn_on
from tests.api.test_sign_in_attacks import reset_tokens
from tests.api.test_team import GUEST, token_of
from tests.api.test_verification import mails, token_in
from tests.conftest import People

RULE = """UPDATE organizations SET domain = :domain, settings = '{"requireSignInWith": "oidc"}' WHERE name = 'Acme'"""
OPEN = (
    """UPDATE organizations SET domain = 'elsewhere.test', settings = '{"domainJoin": {"role": "MEMBER"}}' """
    "WHERE name = 'Acme'"
)


def member_id(alice: Client, email: str) -> str:
    return str(next(each["id"] for each in alice.data("GET", "/team")["members"] if each["email"] == email))


def reset(client: Client, session: Session, email: str, password: str) -> None:
    client.data("POST", "/auth/password/forgot", json={"email": email})
    client.data("POST", "/auth/password/reset", json={"token": reset_tokens(session)[-1], "password": password})


# Impersonation


def test_other_eyes_go_nowhere_else(alice: Client, people: People) -> None:
    """The owners of one organization were told; those of the person's others were not."""
    execute("UPDATE users SET role = 'SUPER_ADMIN' WHERE id = :id", id=people.alice.user_id)
    alice.data("POST", "/team/invitations", 201, json={"email": people.charlie.email, "role": "MEMBER"})
    start(alice, people.charlie.user_id)
    sent = alice.post("/auth/invitation/accept", data={"token": token_of(people.charlie.email)})
    assert "error=" in sent.headers["location"]
    assert alice.data("GET", "/organization")["name"] == "Globex"


def test_who_no_longer_runs_the_installation_is_shown_nothing_more(alice: Client, people: People) -> None:
    """Open pages are sent what changes by another way than requests are answered."""
    execute("UPDATE users SET role = 'SUPER_ADMIN' WHERE id = :id", id=people.alice.user_id)
    start(alice, people.charlie.user_id)
    with db.session() as opened:
        row = opened.exec(select(BrowserSession).where(BrowserSession.impersonator_id == people.alice.user_id)).one()
        assert list(actors_for_sessions(opened, [row.id])) == [row.id]
        opened.get_one(User, people.alice.user_id).role = UserRole.USER
        opened.flush()
        assert actors_for_sessions(opened, [row.id]) == {}


def test_who_looks_is_not_taken_along(alice: Client, charlie: Client, people: People) -> None:
    """The person goes on into another organization, whose owners know of no impersonation."""
    charlie.data("POST", "/organizations", 201, json={"name": "Secret"})
    charlie.data("POST", f"/organizations/{people.charlie.organization_id}/switch")
    execute("UPDATE users SET role = 'SUPER_ADMIN' WHERE id = :id", id=people.alice.user_id)
    start(alice, people.charlie.user_id)
    assert who(alice) == people.charlie.email
    secret = next(each for each in charlie.data("GET", "/organizations")["organizations"] if each["name"] == "Secret")
    charlie.data("POST", f"/organizations/{secret['id']}/switch")
    alice.failure("GET", "/organization", 401)
    assert charlie.data("GET", "/organization")["name"] == "Secret"


# An account that was made with somebody else's address


def test_who_proves_an_address_by_a_reset_finds_nothing_that_was_planted(
    client: Client, new_client: MakeClient, session: Session
) -> None:
    eve = client
    eve.sign_up(GUEST)
    token = eve.data("POST", "/tokens", 201, json={"name": "mine", "scopes": ["api"]})["secret"]
    with db.session() as opened:
        user = opened.exec(select(User).where(User.email == GUEST)).one()
        opened.add(Account(user_id=user.id, provider="github", provider_account_id="666", email="eve@evil.test"))
    reset(new_client(), session, GUEST, "chosen by the owner")
    new_client(headers={"authorization": f"Bearer {token}"}).failure("GET", "/usage", 401)
    session.expire_all()
    assert session.exec(select(Account)).all() == []


def test_a_reset_takes_a_second_factor_away_that_somebody_else_planted(
    client: Client, new_client: MakeClient, session: Session
) -> None:
    client.sign_up(GUEST)
    turn_on(client)
    owner = new_client()
    reset(owner, session, GUEST, "chosen by the owner")
    signed_in = owner.data("POST", "/auth/login", json={"email": GUEST, "password": "chosen by the owner"})
    assert signed_in["user"]["email"] == GUEST


@pytest.mark.parametrize("holds", ["nothing", "another session", "an access token"])
def test_the_link_of_a_mail_confirms_no_account_whose_password_another_has(
    client: Client, new_client: MakeClient, session: Session, holds: str
) -> None:
    """Eve signs up with a stranger's address; the mail comes to the stranger, who follows its link."""
    client.sign_up(GUEST)
    stranger = new_client()
    if holds == "another session":
        stranger.sign_up("stranger@elsewhere.test")
    if holds == "an access token":
        token = client.data("POST", "/tokens", 201, json={"name": "mine", "scopes": ["api"]})["secret"]
        stranger = new_client(headers={"authorization": f"Bearer {token}"})
    mail = next(each for each in mails("welcome") if each.to == GUEST)
    refused = stranger.failure("POST", "/auth/verify", 403, json={"token": token_in(mail)})
    assert "Sign in" in refused["error"]
    query = select(User.email_verified).where(User.email == GUEST)
    assert session.exec(query).one() is None
    # By a new password the address is theirs, and nothing that Eve has opens it.
    reset(stranger, session, GUEST, "chosen by the owner")
    client.failure("GET", "/auth/session", 401)
    session.rollback()
    assert session.exec(query).one() is not None


def test_a_reset_leaves_alone_what_a_proven_person_has_set_up(
    client: Client, new_client: MakeClient, session: Session
) -> None:
    client.sign_up(GUEST)
    execute("UPDATE users SET email_verified = now()")
    token = client.data("POST", "/tokens", 201, json={"name": "mine", "scopes": ["api"]})["secret"]
    with db.session() as opened:
        user = opened.exec(select(User).where(User.email == GUEST)).one()
        opened.add(Account(user_id=user.id, provider="github", provider_account_id="1", email=GUEST))
    reset(new_client(), session, GUEST, "chosen by the owner")
    assert new_client(headers={"authorization": f"Bearer {token}"}).data("GET", "/usage") == []
    assert len(session.exec(select(Account)).all()) == 1


def test_who_was_removed_everywhere_can_still_choose_a_password(
    alice: Client, new_client: MakeClient, session: Session
) -> None:
    guest = new_client()
    alice.data("POST", "/team/invitations", 201, json={"email": GUEST})
    guest.sign_up(GUEST, invitation=token_of(GUEST))
    alice.data("DELETE", f"/team/{member_id(alice, GUEST)}")
    reset(guest, session, GUEST, "a new password")
    again = guest.data("POST", "/auth/login", json={"email": GUEST, "password": "a new password"})
    assert again["user"]["organization"]["name"] != "Acme"


# How an organization wants its people to sign in


def test_an_invitation_is_no_way_around_the_rule(alice: Client, new_client: MakeClient, session: Session) -> None:
    alice.data("POST", "/team/invitations", 201, json={"email": GUEST})
    execute(RULE, domain="elsewhere.test")
    body = {"email": GUEST, "password": PASSWORD, "invitation": token_of(GUEST)}
    refused = new_client().failure("POST", "/auth/register", 403, json=body)
    assert "Your organization asks its members" in refused["error"]
    assert session.exec(select(User).where(User.email == GUEST)).first() is None


def test_a_password_joins_no_organization_that_wants_another_way(alice: Client, new_client: MakeClient) -> None:
    alice.data("POST", "/team/invitations", 201, json={"email": GUEST})
    guest = new_client()
    guest.sign_up(GUEST)
    execute("UPDATE users SET email_verified = now() WHERE email = :email", email=GUEST)
    execute(RULE, domain="elsewhere.test")
    guest.failure("POST", "/team/invitations/accept", 403, json={"token": token_of(GUEST)})
    execute('UPDATE organizations SET settings = settings || \'{"domainJoin": {"role": "MEMBER"}}\'')
    guest.failure("POST", "/organizations/join", 403)
    assert guest.data("GET", "/organization")["name"] != "Acme"
    execute("UPDATE sessions SET method = 'oidc'")
    with db.session() as opened:
        user = opened.exec(select(User).where(User.email == GUEST)).one()
        linked = Account(user_id=user.id, provider="oidc", provider_account_id="1", email="me@private.test")
        opened.add(linked)
    guest.failure("POST", "/organizations/join", 403)
    execute("UPDATE accounts SET email = :email", email=GUEST)
    guest.data("POST", "/organizations/join")


def test_the_rule_holds_for_domains_of_other_letters(client: Client) -> None:
    client.sign_up("first@acme.test")
    client.sign_up("ada@bücher.example", company="Acme")
    execute(RULE, domain="xn--bcher-kva.example")
    client.failure("POST", "/auth/login", 403, json={"email": "ada@bücher.example", "password": PASSWORD})


# Removed, and demoted


def test_who_was_removed_does_not_come_back_by_the_domain(alice: Client, new_client: MakeClient) -> None:
    guest = new_client()
    guest.sign_up(GUEST)
    execute("UPDATE users SET email_verified = now() WHERE email = :email", email=GUEST)
    execute(OPEN)
    guest.data("POST", "/organizations/join")
    alice.data("DELETE", f"/team/{member_id(alice, GUEST)}")
    again = guest.data("POST", "/auth/login", json={"email": GUEST, "password": PASSWORD})
    assert again["user"]["organization"]["name"] != "Acme"
    assert guest.data("GET", "/organizations")["joinable"] is None
    guest.failure("POST", "/organizations/join", 404)
    # Who is asked again may, and then leave and come back as they like.
    alice.data("POST", "/team/invitations", 201, json={"email": GUEST})
    guest.data("POST", "/team/invitations/accept", json={"token": token_of(GUEST)})
    guest.data("POST", "/organization/leave")
    assert guest.data("GET", "/organizations")["joinable"]["name"] == "Acme"


def test_a_place_that_is_gone_is_not_signed_in_to(client: Client) -> None:
    """As when somebody moves to an organization that takes them out at the same moment."""
    client.sign_up("first@acme.test")
    execute("DELETE FROM team_members")
    again = client.data("POST", "/auth/login", json={"email": "first@acme.test", "password": PASSWORD})
    assert again["user"]["teamRole"] == "OWNER"


def test_invitations_to_a_role_end_with_the_right_to_give_it(
    alice: Client, sign_in: SignIn, colleague: Callable[[TeamRole], Actor], people: People
) -> None:
    other = colleague(TeamRole.OWNER)
    partner = sign_in(other)
    partner.data("POST", "/team/invitations", 201, json={"email": "me@evil.test", "role": "OWNER"})
    partner.data("POST", "/team/invitations", 201, json={"email": "new@acme.test", "role": "MEMBER"})
    place = member_id(alice, other.email)
    alice.data("PATCH", f"/team/{place}", json={"role": "ADMIN"})
    assert [each["email"] for each in alice.data("GET", "/team")["invitations"]] == ["new@acme.test"]
    alice.data("PATCH", f"/team/{place}", json={"role": "MEMBER"})
    assert alice.data("GET", "/team")["invitations"] == []


def test_who_hands_an_organization_on_has_invited_no_further_owner(alice: Client, bob: Client, people: People) -> None:
    alice.data("POST", "/team/invitations", 201, json={"email": "me@evil.test", "role": "OWNER"})
    alice.data("POST", "/organization/transfer", json={"memberId": member_id(alice, people.bob.email)})
    assert bob.data("GET", "/team")["invitations"] == []


# Answers that are kept


def test_an_answer_to_a_browser_is_not_for_its_persons_tokens(alice: Client, new_client: MakeClient) -> None:
    script = alice.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["api"]})["secret"]
    asked: Any = {"json": {"name": "mine", "scopes": ["api"]}, "headers": {"idempotency-key": "1"}}
    secret = alice.data("POST", "/tokens", 201, **asked)["secret"]
    asked["headers"]["authorization"] = f"Bearer {script}"
    refused = new_client().request("POST", "/api/v1/tokens", **asked)
    assert refused.status_code == 422
    assert secret not in refused.text


# Who runs the installation


def test_of_two_who_demote_each_other_one_stays(people: People) -> None:
    execute("UPDATE users SET role = 'SUPER_ADMIN' WHERE id IN (:a, :b)", a=people.alice.user_id, b=people.bob.user_id)
    first, second = (
        Actor(each.user_id, each.organization_id, UserRole.SUPER_ADMIN, each.team_role)
        for each in (people.alice, people.bob)
    )
    refused: list[Exception] = []

    def demote() -> None:
        try:
            with db.session() as session:
                users.set_role(session, second, first.user_id, UserRole.USER)
        except AuthorizationError as error:
            refused.append(error)

    with db.session() as session:
        users.set_role(session, first, second.user_id, UserRole.USER)
        other = threading.Thread(target=demote)
        other.start()
        other.join(0.5)
    other.join(10)
    assert len(refused) == 1
    with db.session() as session:
        assert session.exec(select(User.id).where(User.role == UserRole.SUPER_ADMIN)).all() == [first.user_id]
