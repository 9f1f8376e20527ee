"""Looking through another's eyes by form: there and back by cookies, and what it does not open."""

from collections.abc import Callable
from typing import Any

import pytest

from guardian.api.auth.impersonation import OWN_COOKIE
from guardian.api.steps import COOKIE
from guardian.periods import utcnow
from tests.api.conftest import Client, SignIn, execute
from tests.conftest import People

WHY = "The customer asked us to look at a budget."
Look = Callable[[], None]


@pytest.fixture
def admin(sign_in: SignIn, people: People) -> Client:
    execute("UPDATE users SET role = 'SUPER_ADMIN' WHERE id = :id", id=people.alice.user_id)
    return sign_in(people.alice)


def start(client: Client, user_id: str, reason: str = WHY) -> str:
    return client.post("/auth/impersonation", data={"userId": user_id, "reason": reason}).headers["location"]


def signed_out(client: Client) -> bool:
    """Whether the last answer took the cookie away; the tests' own first one stays in the client."""
    return f'{COOKIE}="";' in client.answers[-1].headers["set-cookie"]


def who(client: Client) -> str:
    return client.data("GET", "/auth/session")["user"]["email"]


def test_there_and_back(admin: Client, people: People) -> None:
    own = admin.cookies[COOKIE]
    assert start(admin, people.charlie.user_id) == "/dashboard"
    assert who(admin) == "charlie@example.com"
    assert admin.cookies[OWN_COOKIE] == own
    answer = admin.post("/auth/impersonation/end")
    assert answer.headers["location"] == "/admin/users"
    assert who(admin) == "alice@example.com"
    assert OWN_COOKIE not in admin.cookies
    done = [(row["action"], row["metadata"].get("reason")) for row in admin.data("GET", "/activity")]
    assert done == [("IMPERSONATION_START", WHY)]


def test_the_organization_sees_both_ends(admin: Client, charlie: Client, people: People) -> None:
    start(admin, people.charlie.user_id)
    admin.post("/auth/impersonation/end")
    ended, started = charlie.data("GET", "/activity")
    assert (started["action"], started["actor"], started["metadata"]["by"]) == (
        "IMPERSONATION_START",
        "Alice",
        "alice@example.com",
    )
    assert (ended["action"], ended["actor"], ended["impersonator"]) == (
        "IMPERSONATION_END",
        "Charlie",
        "alice@example.com",
    )


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/keys", {"provider": "OPENAI", "key": "sk-admin-0123456789abcdef"}),
        ("POST", "/tokens", {"name": "mine", "scopes": ["api"]}),
        ("POST", "/auth/second-factor", None),
        ("DELETE", "/auth/sessions", None),
        ("POST", "/channels", {"kind": "WEBHOOK", "name": "x", "config": {"url": "https://hooks.acme.test/x"}}),
        ("POST", "/team/invitations", {"email": "me@elsewhere.test"}),
        ("PATCH", "/organization", {"name": "Mine"}),
        ("POST", "/organization/leave", None),
        ("POST", "/organizations", {"name": "Mine"}),
        ("POST", "/organizations/x/switch", None),
        ("POST", "/organizations/join", None),
        ("POST", "/team/invitations/accept", {"token": "x"}),
        ("GET", "/admin/organizations", None),
    ],
)
def test_what_it_does_not_open(admin: Client, people: People, method: str, path: str, body: Any) -> None:
    start(admin, people.charlie.user_id)
    assert "another person's eyes" in admin.failure(method, path, 403, json=body)["error"]


def test_what_it_is_for(admin: Client, people: People) -> None:
    start(admin, people.charlie.user_id)
    budget = admin.data("POST", "/budgets", 201, json={"name": "All", "limit": "10"})
    row = admin.data("GET", f"/activity?resourceId={budget['id']}")[0]
    assert (row["actor"], row["impersonator"]) == ("Charlie", "alice@example.com")


def test_nobody_else_starts_one(charlie: Client, bob: Client, people: People) -> None:
    for client in (bob, charlie):
        assert start(client, people.alice.user_id).startswith("/admin/users?error=")
    assert who(charlie) == "charlie@example.com"
    assert OWN_COOKIE not in charlie.cookies


def test_a_foreign_page_starts_none(admin: Client, people: People) -> None:
    answer = admin.post(
        "/auth/impersonation",
        data={"userId": people.charlie.user_id, "reason": WHY},
        headers={"origin": "https://evil.test"},
    )
    assert "error=origin" in answer.headers["location"]
    assert who(admin) == "alice@example.com"


def test_after_its_hour_the_way_leads_to_the_sign_in(admin: Client, people: People) -> None:
    start(admin, people.charlie.user_id)
    execute("UPDATE sessions SET expires_at = :now WHERE impersonator_id IS NOT NULL", now=utcnow())
    admin.failure("GET", "/auth/session", 401)
    assert admin.post("/auth/impersonation/end").headers["location"] == "/"
    assert signed_out(admin)


def test_a_cookie_of_somebody_else_is_no_way_back(admin: Client, bob: Client, people: People) -> None:
    start(admin, people.charlie.user_id)
    stolen = bob.cookies[COOKIE]
    admin.cookies.delete(OWN_COOKIE)
    admin.cookies.set(OWN_COOKIE, stolen, path="/auth/impersonation")
    assert admin.post("/auth/impersonation/end").headers["location"] == "/"
    assert signed_out(admin)
