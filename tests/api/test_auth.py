"""auth over JSON: who may come in, what the cookie looks like, and how a session ends."""

from datetime import timedelta
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session, select

from guardian.api.steps import COOKIE
from guardian.config import settings
from guardian.models import ActivityLog, EmailLog, User
from guardian.models import Session as BrowserSession
from guardian.periods import utcnow
from guardian.services.people.access.accounts import SIGN_IN_PER_USER
from tests.api.conftest import PASSWORD, Client, MakeClient, SignIn, execute
from tests.conftest import People

WRONG = "The e-mail address or the password is wrong."


def cookie_of(client: Client) -> SimpleCookie:
    return SimpleCookie(client.answers[-1].headers["set-cookie"])


def test_signing_up_makes_an_organization_and_signs_in(client: Client) -> None:
    made = client.sign_up("Ada@Acme.TEST", name="Ada Lovelace", company="Acme")
    user = made["user"]
    assert (user["email"], user["name"], user["role"], user["teamRole"]) == (
        "ada@acme.test",
        "Ada Lovelace",
        "SUPER_ADMIN",
        "OWNER",
    )
    assert user["organization"]["name"] == "Acme"
    assert "keys:delete" in user["permissions"]
    assert made["session"]["current"] is True
    assert client.data("GET", "/auth/session") == made


def test_only_the_first_person_administers_the_installation(client: Client, new_client: MakeClient) -> None:
    client.sign_up("first@acme.test")
    second = new_client().sign_up("second@acme.test")["user"]
    assert (second["role"], second["teamRole"]) == ("ADMIN", "OWNER")
    assert "admin:read" not in second["permissions"]
    assert second["organization"]["name"] == "second's organization"


def test_an_address_has_one_account_however_it_is_spelled(client: Client, new_client: MakeClient) -> None:
    client.sign_up("ada@acme.test")
    body = new_client().failure(
        "POST", "/auth/register", 409, json={"email": " ADA@acme.test ", "password": "another password"}
    )
    assert "Sign in instead" in body["error"]


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [
        ("not an address", PASSWORD, "email"),
        ("ada@acme.test", "too short", "password"),
        ("ada@acme.test", "x" * 1_001, "password"),
        ("ada@acme.test", "ADA@acme.test", "password"),
        ("ada@acme.test", "é" * 501, "password"),
    ],
)
def test_what_cannot_be_an_account(client: Client, email: str, password: str, field: str) -> None:
    body = client.failure("POST", "/auth/register", 400, json={"email": email, "password": password})
    assert [problem["field"] for problem in body["details"]] == [field]
    assert password not in client.answers[-1].text


def test_the_cookie_is_for_the_browser_only(client: Client) -> None:
    client.sign_up()
    morsel = cookie_of(client)[COOKIE]
    assert morsel["httponly"]
    assert (morsel["samesite"].lower(), morsel["path"], morsel["domain"]) == ("lax", "/", "")
    assert not morsel["secure"]
    assert int(morsel["max-age"]) == timedelta(days=90).total_seconds()


def test_the_cookie_is_secure_where_the_installation_is(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://guardian.acme.test")
    settings.cache_clear()
    client.sign_up()
    assert cookie_of(client)[COOKIE]["secure"]


def test_signing_in_and_out(client: Client, new_client: MakeClient) -> None:
    client.sign_up()
    other = new_client()
    other.data("POST", "/auth/login", json={"email": "ADA@acme.test", "password": PASSWORD})
    token = other.cookies[COOKIE]
    assert len(client.data("GET", "/auth/sessions")) == 2
    other.data("POST", "/auth/logout")
    assert COOKIE not in other.cookies
    # The token is dead, not only forgotten.
    new_client(cookies={COOKIE: token}).failure("GET", "/auth/session", 401)
    assert len(client.data("GET", "/auth/sessions")) == 1


def test_an_unknown_person_and_a_wrong_password_read_the_same(client: Client, session: Session) -> None:
    client.sign_up()
    client.cookies.clear()
    wrong = client.failure("POST", "/auth/login", 401, json={"email": "ada@acme.test", "password": "x"})
    unknown = client.failure("POST", "/auth/login", 401, json={"email": "eve@acme.test", "password": "x"})
    nonsense = client.failure("POST", "/auth/login", 401, json={"email": "nonsense", "password": "x"})
    assert wrong["error"] == unknown["error"] == nonsense["error"] == WRONG
    refused = session.exec(select(ActivityLog).where(ActivityLog.action == "AUTH_LOGIN_REFUSED")).all()
    assert [row.meta["email"] for row in refused if row.meta] == ["ada@acme.test", "eve@acme.test", "nonsense"]


def test_guessing_ends_after_ten_tries(client: Client, new_client: MakeClient) -> None:
    client.sign_up()
    guesser = new_client()
    for _ in range(SIGN_IN_PER_USER.count):
        guesser.failure("POST", "/auth/login", 401, json={"email": "ada@acme.test", "password": "guess"})
    body = guesser.failure("POST", "/auth/login", 429, json={"email": "Ada@acme.test ", "password": PASSWORD})
    assert body["code"] == "RATE_LIMIT"
    wait = int(guesser.answers[-1].headers["retry-after"])
    assert 0 < wait <= SIGN_IN_PER_USER.seconds * (1 + 1 / SIGN_IN_PER_USER.count)
    assert body["retryAfter"] == body["details"]["retryAfter"] == wait
    # Another person at the same network address may still come in.
    new_client().sign_up("bob@acme.test")
    new_client().data("POST", "/auth/login", json={"email": "bob@acme.test", "password": PASSWORD})


def test_the_right_password_starts_the_count_anew(client: Client) -> None:
    client.sign_up()
    for _ in range(3):
        for _ in range(SIGN_IN_PER_USER.count - 1):
            client.failure("POST", "/auth/login", 401, json={"email": "ada@acme.test", "password": "guess"})
        client.data("POST", "/auth/login", json={"email": "ada@acme.test", "password": PASSWORD})


def test_one_browser_is_signed_out_from_another(client: Client, new_client: MakeClient) -> None:
    client.sign_up()
    phone = new_client(headers={"user-agent": "Phone/1.0"})
    phone.data("POST", "/auth/login", json={"email": "ada@acme.test", "password": PASSWORD})
    listed = client.data("GET", "/auth/sessions")
    assert {(s["userAgent"], s["current"]) for s in listed} >= {("Phone/1.0", False)}
    found = next(s["id"] for s in listed if s["userAgent"] == "Phone/1.0")
    client.data("DELETE", f"/auth/sessions/{found}")
    phone.failure("GET", "/auth/session", 401)
    client.failure("DELETE", f"/auth/sessions/{found}", 404)


def test_signing_out_everywhere_else(client: Client, new_client: MakeClient) -> None:
    client.sign_up()
    others = [new_client() for _ in range(2)]
    for other in others:
        other.data("POST", "/auth/login", json={"email": "ada@acme.test", "password": PASSWORD})
    client.data("DELETE", "/auth/sessions")
    for other in others:
        other.failure("GET", "/auth/session", 401)
    assert [s["current"] for s in client.data("GET", "/auth/sessions")] == [True]


def test_a_session_of_somebody_else_cannot_be_ended(alice: Client, bob: Client) -> None:
    [mine] = alice.data("GET", "/auth/sessions")
    bob.failure("DELETE", f"/auth/sessions/{mine['id']}", 404)
    alice.data("GET", "/auth/session")


@pytest.mark.parametrize(
    "change", ["expires_at = now()", "revoked_at = now()", "created_at = now() - interval '90 days'"]
)
def test_a_session_that_is_over_lets_nobody_in(alice: Client, change: str) -> None:
    execute(f"UPDATE sessions SET {change}")
    assert alice.failure("GET", "/auth/session", 401)["error"] == "Your session has ended. Sign in again."


def test_use_keeps_a_session_alive_but_not_for_ever(alice: Client, session: Session) -> None:
    execute("UPDATE sessions SET last_used_at = now() - interval '29 days', expires_at = now() + interval '1 day'")
    alice.data("GET", "/auth/session")
    row = session.exec(select(BrowserSession)).one()
    assert row.expires_at > utcnow() + timedelta(days=29)
    execute("UPDATE sessions SET last_used_at = now() - interval '1 hour', created_at = now() - interval '89 days'")
    alice.data("GET", "/auth/session")
    session.refresh(row)
    assert row.expires_at == row.created_at + timedelta(days=90)


def test_a_forgotten_password_is_replaced_by_mail_once(
    client: Client, session: Session, new_client: MakeClient
) -> None:
    client.sign_up()
    stranger = new_client()
    known = stranger.data("POST", "/auth/password/forgot", json={"email": " Ada@acme.test"})
    unknown = stranger.data("POST", "/auth/password/forgot", json={"email": "nobody@acme.test"})
    nonsense = stranger.data("POST", "/auth/password/forgot", json={"email": "nonsense"})
    assert known == unknown == nonsense
    mail = session.exec(select(EmailLog).where(EmailLog.kind == "reset")).one()
    assert mail.to == "ada@acme.test"
    assert mail.payload
    link = next(word for word in mail.payload["text"].split() if "/reset-password?" in word)
    token = parse_qs(urlsplit(link).query)["token"][0]
    assert token in mail.payload["html"]

    short = stranger.failure("POST", "/auth/password/reset", 400, json={"token": token, "password": "short"})
    assert short["details"][0]["field"] == "password"
    stranger.data("POST", "/auth/password/reset", json={"token": token, "password": "a new password"})
    client.failure("GET", "/auth/session", 401)
    stranger.failure("POST", "/auth/login", 401, json={"email": "ada@acme.test", "password": PASSWORD})
    stranger.data("POST", "/auth/login", json={"email": "ada@acme.test", "password": "a new password"})
    again = stranger.failure("POST", "/auth/password/reset", 400, json={"token": token, "password": "a third password"})
    assert again["details"][0]["field"] == "token"
    assert session.exec(select(User.email_verified)).one() is not None


def test_who_changes_things_is_in_the_audit_log(client: Client, session: Session) -> None:
    client.sign_up()
    client.data("POST", "/auth/logout")
    client.data("POST", "/auth/login", json={"email": "ada@acme.test", "password": PASSWORD})
    rows = session.exec(select(ActivityLog).order_by(ActivityLog.sequence)).all()
    assert [row.action for row in rows] == ["AUTH_REGISTER", "AUTH_LOGOUT", "AUTH_LOGIN"]
    assert {row.user_id for row in rows} == {session.exec(select(User.id)).one()}
    assert [row.request_id for row in rows] == [answer.headers["x-request-id"] for answer in client.answers]
    assert {row.ip_address for row in rows} == {"127.0.0.1"}


def test_a_person_without_a_place_in_a_team_is_told_so(sign_in: SignIn, people: People) -> None:
    client = sign_in(people.bob)
    execute("DELETE FROM team_members WHERE user_id = :id", id=people.bob.user_id)
    client.failure("GET", "/auth/session", 401)
