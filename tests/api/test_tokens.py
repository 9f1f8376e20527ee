"""tokens: the secret is shown once, and opens what its scopes say until it is revoked or over."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from guardian.models import AccessToken, Budget
from guardian.periods import utcnow
from tests.api.conftest import Client, MakeClient, execute
from tests.conftest import People


def test_a_token_is_shown_once_and_then_opens_the_api(alice: Client, new_client: MakeClient, session: Session) -> None:
    made = alice.data("POST", "/tokens", 201, json={"name": " ci ", "scopes": ["ingest", "api"]})
    secret = made["secret"]
    assert secret.startswith("gdn_")
    assert (made["name"], made["scopes"], made["hint"]) == ("ci", ["api", "ingest"], secret[-4:])
    [listed] = alice.data("GET", "/tokens")
    assert "secret" not in listed
    assert secret not in str(session.exec(select(AccessToken)).one().model_dump())
    script = new_client(headers={"authorization": f"bearer {secret}"})
    signed_in = script.data("GET", "/auth/session")
    assert (signed_in["user"]["email"], signed_in["session"]) == ("alice@example.com", None)
    assert alice.data("GET", "/tokens")[0]["lastUsedAt"] is not None


def test_a_revoked_or_expired_token_opens_nothing(alice: Client, new_client: MakeClient) -> None:
    soon = (utcnow() + timedelta(hours=1)).isoformat()
    made = [
        alice.data("POST", "/tokens", 201, json={"name": "x", "scopes": ["api"], "expiresAt": soon}) for _ in range(2)
    ]
    scripts = [new_client(headers={"authorization": f"Bearer {token['secret']}"}) for token in made]
    for script in scripts:
        script.data("GET", "/organization")
    alice.data("DELETE", f"/tokens/{made[0]['id']}")
    alice.failure("DELETE", f"/tokens/{made[0]['id']}", 404)
    assert "revoked" in scripts[0].failure("GET", "/organization", 401)["error"]
    execute("UPDATE access_tokens SET expires_at = now()")
    scripts[1].failure("GET", "/organization", 401)
    assert [token["id"] for token in alice.data("GET", "/tokens")] == [made[1]["id"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "scopes": ["api"]}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["api", "everything"]}, "scopes"),
        ({"name": "x", "scopes": ["api"], "expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"name": "x", "scopes": ["api"], "expiresAt": "9999-12-31T23:59:59-23:59"}, "expiresAt"),
        ({"name": "x", "scopes": ["api"], "expiresAt": "never"}, "expiresAt"),
    ],
)
def test_a_wrong_token_is_refused(alice: Client, body: dict[str, object], field: str) -> None:
    assert alice.failure("POST", "/tokens", 400, json=body)["details"][0]["field"] == field


def test_a_token_cannot_make_tokens(alice: Client, new_client: MakeClient) -> None:
    made = alice.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["api"]})
    script = new_client(headers={"authorization": f"Bearer {made['secret']}"})
    body = script.failure("POST", "/tokens", 403, json={"name": "heir", "scopes": ["api"]})
    assert "Sign in with a browser" in body["error"]


def test_members_see_their_own_tokens_and_administrators_all(alice: Client, bob: Client) -> None:
    owners = alice.data("POST", "/tokens", 201, json={"name": "owner's", "scopes": ["api"]})
    members = bob.data("POST", "/tokens", 201, json={"name": "member's", "scopes": ["gateway"]})
    assert [token["id"] for token in bob.data("GET", "/tokens")] == [members["id"]]
    assert [token["id"] for token in alice.data("GET", "/tokens")] == [members["id"], owners["id"]]
    bob.failure("DELETE", f"/tokens/{owners['id']}", 404)
    alice.data("DELETE", f"/tokens/{members['id']}")


def test_a_token_may_be_tied_to_a_budget_of_ones_own(
    alice: Client, charlie: Client, people: People, session: Session
) -> None:
    budget = Budget(organization_id=people.alice.organization_id, name="Web", limit=100)
    session.add(budget)
    session.commit()
    body = {"name": "web", "scopes": ["gateway"], "budgetId": budget.id}
    assert alice.data("POST", "/tokens", 201, json=body)["budgetId"] == budget.id
    charlie.failure("POST", "/tokens", 404, json=body)


def test_a_token_has_the_rights_of_its_person_today(bob: Client, new_client: MakeClient, people: People) -> None:
    made = bob.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["api"]})
    script = new_client(headers={"authorization": f"Bearer {made['secret']}"})
    script.failure("PATCH", "/organization", 403, json={"name": "Bob's"})
    execute("UPDATE team_members SET role = 'ADMIN' WHERE user_id = :id", id=people.bob.user_id)
    script.data("PATCH", "/organization", json={"name": "Bob's"})
    globex = people.charlie.organization_id
    # It is a token of its organization, wherever its owner works at the moment, until they have left.
    execute("UPDATE users SET organization_id = :globex WHERE id = :id", id=people.bob.user_id, globex=globex)
    assert script.data("GET", "/organization")["name"] == "Bob's"
    execute("DELETE FROM team_members WHERE user_id = :id", id=people.bob.user_id)
    script.failure("GET", "/organization", 401)


def test_what_a_token_may_call_is_kept_and_shown(alice: Client) -> None:
    wanted = {
        "allowedProviders": ["OPENAI", "ANTHROPIC"],
        "allowedModels": ["gpt-5*", "claude-opus-4-5"],
        "requestsPerMinute": 60,
        "tokensPerMinute": 100_000,
    }
    kept = {key: sorted(value) if isinstance(value, list) else value for key, value in wanted.items()}
    made = alice.data("POST", "/tokens", 201, json={"name": "web", "scopes": ["gateway"], **wanted})
    free = alice.data("POST", "/tokens", 201, json={"name": "free", "scopes": ["gateway"]})
    listed = {token["id"]: token for token in alice.data("GET", "/tokens")}
    assert {key: listed[made["id"]][key] for key in kept} == kept
    assert [listed[free["id"]][key] for key in kept] == [[], [], None, None]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("allowedProviders", ["NOBODY"]),
        ("allowedModels", [""]),
        ("allowedModels", ["x"] * 101),
        ("requestsPerMinute", 0),
        ("tokensPerMinute", 1.5),
    ],
)
def test_a_wrong_limit_of_a_token_is_refused(alice: Client, field: str, value: object) -> None:
    body = {"name": "web", "scopes": ["gateway"], field: value}
    assert alice.failure("POST", "/tokens", 400, json=body)["details"][0]["field"].startswith(field)
