"""team, teams, organizations and domain over REST: joining, leaving, and what each leaves in the audit log."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import col, select

from guardian import db
from guardian.config import settings
from guardian.models import ActivityLog, EmailLog
from guardian.models.enums import TeamRole
from guardian.services.permissions import TABLE
from tests.api.conftest import PASSWORD, Client, MakeClient, execute
from tests.conftest import People
from tests.fakes.name_server import NameServer

GUEST = "guest@elsewhere.test"


@pytest.fixture
def names(environment: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    with NameServer() as server:
        monkeypatch.setenv("DNS_RESOLVER", server.address)
        settings.cache_clear()
        yield server


def token_of(email: str) -> str:
    with db.session() as session:
        query = select(EmailLog).where(EmailLog.to == email, EmailLog.kind == "invitation")
        row = session.exec(query.order_by(col(EmailLog.id).desc())).first()
    assert row is not None
    found = re.search(r"token=([\w-]+)", (row.payload or {})["text"])
    assert found is not None
    return found[1]


def actions(organization_id: str) -> list[str]:
    with db.session() as session:
        query = select(ActivityLog.action).where(ActivityLog.chain == organization_id)
        return list(session.exec(query.order_by(col(ActivityLog.sequence))))


def test_somebody_is_invited_signs_up_and_gets_another_role(
    alice: Client, new_client: MakeClient, people: People
) -> None:
    team = alice.data("POST", "/team/teams", 201, json={"name": "Search", "defaultTags": {"cost-centre": "R1"}})
    made = alice.data("POST", "/team/invitations", 201, json={"email": GUEST, "role": "VIEWER", "team": "Search"})
    assert "token" not in made
    assert [each["email"] for each in alice.data("GET", "/team")["invitations"]] == [GUEST]
    guest = new_client()
    joined = guest.data(
        "POST",
        "/auth/register",
        201,
        json={"email": GUEST, "password": PASSWORD, "name": "Guest", "invitation": token_of(GUEST)},
    )
    assert (joined["user"]["organization"]["name"], joined["user"]["teamRole"]) == ("Acme", "VIEWER")
    guest.failure("POST", "/budgets", 403, json={"name": "x", "limit": "1"})
    found = next(each for each in alice.data("GET", "/team")["members"] if each["email"] == GUEST)
    assert (found["team"], found["role"]) == ("Search", "VIEWER")
    alice.data("PATCH", f"/team/{found['id']}", json={"role": "ADMIN", "team": ""})
    guest.data("POST", "/budgets", 201, json={"name": "x", "limit": "1"})
    alice.data("PATCH", f"/team/teams/{team['id']}", json={"name": "Finding"})
    alice.data("DELETE", f"/team/{found['id']}")
    guest.failure("GET", "/team", 401)
    said = actions(people.alice.organization_id)
    wanted = ["TEAM_CREATE", "INVITATION_CREATE", "AUTH_REGISTER", "MEMBER_UPDATE", "TEAM_UPDATE", "MEMBER_REMOVE"]
    assert [each for each in said if each in wanted] == wanted


def test_a_person_who_is_there_joins_by_the_link_and_works_in_both(
    alice: Client, charlie: Client, bob: Client, people: People
) -> None:
    email = people.charlie.email
    alice.data("POST", "/team/invitations", 201, json={"email": email, "role": "MEMBER"})
    token = token_of(email)
    refused = bob.failure("POST", "/team/invitations/accept", 400, json={"token": token})
    assert email not in refused["error"]
    assert charlie.data("POST", "/team/invitations/accept", json={"token": token})["role"] == "MEMBER"
    charlie.failure("POST", "/team/invitations/accept", 400, json={"token": token})
    assert charlie.data("GET", "/organization")["name"] == "Acme"
    found = charlie.data("GET", "/organizations")["organizations"]
    assert [(each["name"], each["role"], each["current"]) for each in found] == [
        ("Acme", "MEMBER", True),
        ("Globex", "OWNER", False),
    ]
    charlie.data("POST", f"/organizations/{people.charlie.organization_id}/switch")
    assert charlie.data("GET", "/organization")["name"] == "Globex"
    assert actions(people.alice.organization_id)[-2:] == ["INVITATION_ACCEPT", "ORGANIZATION_SWITCH"]


def test_an_access_token_neither_moves_nor_joins(alice: Client, new_client: MakeClient, people: People) -> None:
    made = alice.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["api"]})
    script = new_client(headers={"authorization": f"Bearer {made['secret']}"})
    for method, path, body in (
        ("POST", "/organizations", {"name": "Other"}),
        ("POST", f"/organizations/{people.alice.organization_id}/switch", None),
        ("POST", "/organizations/join", None),
        ("POST", "/organization/leave", None),
        ("POST", "/organization/transfer", {"memberId": "x"}),
        ("DELETE", "/organization?name=Acme", None),
        ("POST", "/team/invitations/accept", {"token": "x"}),
    ):
        script.failure(method, path, 403, json=body)
    # Whom its owner may invite, it may.
    script.data("POST", "/team/invitations", 201, json={"email": GUEST})


def test_the_table_of_roles_is_the_one_that_is_applied(alice: Client, bob: Client) -> None:
    found = bob.data("GET", "/team/roles")
    assert set(found["roles"]) == set(TeamRole)
    assert found["mayGive"] == []
    assert set(alice.data("GET", "/team/roles")["mayGive"]) == set(TeamRole)
    line = next(each for each in found["permissions"] if each["permission"] == "team:update")
    assert (line["about"], set(line["roles"])) == (TABLE["team:update"].about, {"OWNER", "ADMIN"})


def test_ownership_is_handed_on_and_then_one_may_leave(alice: Client, bob: Client, people: People) -> None:
    alice.failure("POST", "/organization/leave", 409)
    place = next(e for e in alice.data("GET", "/team")["members"] if e["userId"] == people.bob.user_id)
    assert alice.data("POST", "/organization/transfer", json={"memberId": place["id"]})["role"] == "OWNER"
    assert alice.data("POST", "/organization/leave") == {"organization": None}
    assert "Max-Age=0" in alice.answers[-1].headers["set-cookie"]
    assert [each["name"] for each in bob.data("GET", "/team")["members"]] == ["Bob"]


def test_a_deleted_organization_is_gone_and_its_last_word_is_kept(alice: Client, bob: Client, people: People) -> None:
    assert alice.failure("DELETE", "/organization?name=acme", 400)["details"][0]["field"] == "name"
    alice.data("POST", "/organizations", 201, json={"name": "Next"})
    alice.data("POST", f"/organizations/{people.alice.organization_id}/switch")
    went = alice.data("DELETE", "/organization?name=Acme")
    assert went["organization"]["name"] == "Next"
    assert alice.data("GET", "/organization")["name"] == "Next"
    bob.failure("GET", "/organization", 401)
    assert actions(people.alice.organization_id)[-1] == "ORGANIZATION_DELETE"


def test_who_is_in_no_organization_signs_in_into_one_of_their_own(bob: Client, new_client: MakeClient) -> None:
    person = new_client()
    person.sign_up("eve@elsewhere.test", company="First")
    place = person.data("GET", "/organizations")["organizations"][0]
    person.data("DELETE", "/organization?name=First")
    again = person.data("POST", "/auth/login", json={"email": "eve@elsewhere.test", "password": PASSWORD})
    assert again["user"]["organization"]["name"] == "eve's organization"
    assert again["user"]["organization"]["id"] != place["id"]


def test_people_join_by_a_domain_that_its_dns_says_is_the_organizations(
    alice: Client, bob: Client, new_client: MakeClient, names: NameServer
) -> None:
    claimed = alice.data("PUT", "/organization/domain", json={"domain": "acme.test"})
    assert alice.failure("POST", "/organization/domain/verify", 400)["details"][0]["field"] == "domain"
    names.records["acme.test"] = [claimed["record"]]
    assert alice.data("POST", "/organization/domain/verify")["domain"] == "acme.test"
    alice.data("PATCH", "/organization/domain", json={"joinRole": "MEMBER"})
    bob.failure("PATCH", "/organization/domain", 403, json={"joinRole": None})
    guest = new_client()
    guest.sign_up("guest@acme.test")
    # Nobody knows yet whether that address is theirs.
    assert guest.data("GET", "/organizations")["joinable"] is None
    guest.failure("POST", "/organizations/join", 404)
    execute("UPDATE users SET email_verified = now() WHERE email = 'guest@acme.test'")
    offered: Any = guest.data("GET", "/organizations")["joinable"]
    assert (offered["name"], offered["role"]) == ("Acme", "MEMBER")
    guest.data("POST", "/organizations/join")
    assert guest.data("GET", "/organization")["name"] == "Acme"


def test_a_token_can_be_made_for_a_team(alice: Client) -> None:
    alice.data("POST", "/team/teams", 201, json={"name": "Search"})
    made = alice.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["gateway"], "team": "Search"})
    assert made["team"] == "Search"
    body = {"name": "ci", "scopes": ["gateway"], "team": "Nowhere"}
    assert alice.failure("POST", "/tokens", 400, json=body)["details"][0]["field"] == "team"


def test_the_forms_of_an_invitation(alice: Client, bob: Client, new_client: MakeClient, people: People) -> None:
    alice.data("POST", "/team/invitations", 201, json={"email": GUEST})
    token, guest = token_of(GUEST), new_client()

    def sent(who: Client, path: str, **form: str) -> str:
        answer = who.post(path, data=form)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    assert sent(guest, "/auth/invitation", token=token, password="short", name="G").startswith(
        "/invitation?error=password&name=G&token="
    )
    assert sent(bob, "/auth/invitation/accept", token=token).startswith("/invitation?error=invitation&token=")
    assert sent(guest, "/auth/invitation/accept", token=token).startswith("/invitation?error=signed-out&token=")
    assert sent(guest, "/auth/invitation/sign-in", token=token) == (
        f"/?next=%2Finvitation%3Ftoken%3D{token}&email=guest%40elsewhere.test"
    )
    assert sent(guest, "/auth/invitation", token=token, password=PASSWORD, name="Guest") == "/dashboard"
    assert guest.data("GET", "/organization")["name"] == "Acme"
    assert sent(new_client(), "/auth/invitation", token=token, password=PASSWORD).startswith(
        "/invitation?error=invitation"
    )
    foreign = new_client(headers={"origin": "https://evil.test", "sec-fetch-site": "cross-site"})
    assert sent(foreign, "/auth/invitation", token=token, password=PASSWORD).startswith("/invitation?error=origin")
    # No form of ours says what one becomes.
    assert "error=invalid" in sent(new_client(), "/auth/invitation", token=token, password=PASSWORD, role="OWNER")


def test_a_full_organization_says_so_to_who_was_invited(alice: Client, new_client: MakeClient, people: People) -> None:
    alice.data("POST", "/team/invitations", 201, json={"email": GUEST})
    execute("UPDATE organizations SET plan = 'FREE' WHERE id = :id", id=people.alice.organization_id)
    execute(
        "INSERT INTO team_members (id, organization_id, user_id, role) VALUES ('m3', :org, :id, 'VIEWER')",
        org=people.alice.organization_id,
        id=people.charlie.user_id,
    )
    answer = new_client().post("/auth/invitation", data={"token": token_of(GUEST), "password": PASSWORD})
    assert answer.headers["location"].startswith("/invitation?error=full")
    with db.session() as session:
        assert session.exec(select(EmailLog.to).where(EmailLog.kind == "welcome")).all() == []
