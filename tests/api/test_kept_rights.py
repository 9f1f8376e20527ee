"""What somebody keeps, or comes by, who should have nothing: after a removal, a demotion, a reset, a rule."""

import threading
from collections.abc import Callable
from typing import Any

from sqlmodel import Session, select

from guardian import db
from guardian.errors import AuthorizationError
from guardian.models import Account, User
from guardian.models.enums import TeamRole, UserRole
from guardian.services.actor import Actor
from guardian.services.guard.installation import users
from tests.api.conftest import PASSWORD, Client, MakeClient, SignIn, execute
from tests.api.test_impersonation import start, who
from tests.api.test_sign_in_attacks import reset_tokens
from tests.api.test_team import GUEST, token_of
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
