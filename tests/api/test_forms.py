"""The plain HTML forms of the signed-out pages: redirects, the cookie, and no foreign site."""

from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session, select

from guardian.api.auth.forms import local_path
from guardian.api.steps import COOKIE
from guardian.config import settings
from guardian.models import EmailLog
from guardian.services.people.access.problems import CODES
from tests.api.conftest import PASSWORD, Client, execute
from tests.conftest import Servers, forget_caches

WHO = {"email": "ada@acme.test", "password": PASSWORD}


def went(client: Client) -> tuple[str, dict[str, str]]:
    """The path and the query that the last answer leads to."""
    answer = client.answers[-1]
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    assert not parts.netloc
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


def test_signing_up_by_form(client: Client) -> None:
    client.post("/auth/register", data={**WHO, "name": "Ada", "company": ""})
    assert went(client) == ("/dashboard", {})
    assert client.data("GET", "/auth/session")["user"]["name"] == "Ada"


def test_signing_in_by_form_goes_where_one_wanted_to(client: Client) -> None:
    client.sign_up()
    client.cookies.clear()
    client.post("/auth/login", data={**WHO, "next": "/usage?from=2026-11-01"})
    assert went(client) == ("/usage", {"from": "2026-11-01"})
    assert COOKIE in client.cookies


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        " /evil",
        "javascript:alert(1)",
        "evil",
        "",
        "/a\\..\\b",
    ],
)
def test_no_other_site_is_reached_after_signing_in(evil: str) -> None:
    assert local_path(evil) == "/dashboard"


def test_a_wrong_password_leads_back_with_a_code_and_the_address(client: Client) -> None:
    client.post("/auth/login", data={"email": "ada@acme.test", "password": "guess guess", "next": "/keys"})
    assert went(client) == ("/", {"error": "credentials", "email": "ada@acme.test", "next": "/keys"})
    assert "guess" not in client.answers[-1].headers["location"]
    assert "set-cookie" not in client.answers[-1].headers


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"email": "ada@acme.test", "password": "short"}, "password"),
        ({"email": "nonsense", "password": PASSWORD}, "email"),
        ({"email": "ada@acme.test"}, "password"),
        ({**WHO, "name": "x" * 300}, "name"),
        ({**WHO, "surprise": "1"}, "invalid"),
    ],
)
def test_what_is_wrong_with_a_sign_up_is_said_by_code(client: Client, form: dict[str, str], code: str) -> None:
    client.post("/auth/register", data=form)
    path, query = went(client)
    assert (path, query["error"]) == ("/register", code)
    assert code in CODES


def test_a_taken_address_is_said_by_code(client: Client) -> None:
    client.sign_up()
    client.post("/auth/register", data=WHO)
    assert went(client)[1]["error"] == "exists"


def test_too_many_tries_lead_back_with_the_wait(client: Client) -> None:
    for _ in range(11):
        client.post("/auth/login", data={"email": "ada@acme.test", "password": "guess"})
    _path, query = went(client)
    assert query["error"] == "too-often"
    assert int(query["retryAfter"]) > 0


def test_signing_out_by_form_also_when_it_is_over_already(client: Client) -> None:
    client.sign_up()
    client.post("/auth/logout")
    assert went(client) == ("/", {})
    assert COOKIE not in client.cookies
    client.cookies[COOKIE] = "long dead"
    client.post("/auth/logout")
    assert went(client) == ("/", {})
    assert 'guardian_session=""' in client.answers[-1].headers["set-cookie"]


def test_a_forgotten_password_by_form(client: Client, session: Session) -> None:
    client.sign_up()
    client.post("/auth/password/forgot", data={"email": "ada@acme.test"})
    assert went(client) == ("/forgot-password", {"sent": "1"})
    client.post("/auth/password/forgot", data={"email": "nobody@acme.test"})
    assert went(client) == ("/forgot-password", {"sent": "1"})
    mail = session.exec(select(EmailLog).where(EmailLog.kind == "reset")).one()
    assert mail.payload
    token = mail.payload["text"].split("token=")[1].split()[0]
    client.post("/auth/password/reset", data={"token": token, "password": "short"})
    assert went(client) == ("/reset-password", {"error": "password", "token": token})
    client.post("/auth/password/reset", data={"token": token, "password": "a new password"})
    assert went(client) == ("/", {"reset": "1", "email": "ada@acme.test"})
    client.post("/auth/password/reset", data={"token": token, "password": "a new password"})
    assert went(client)[1]["error"] == "token"


def test_a_form_of_another_site_does_nothing(client: Client) -> None:
    client.sign_up()
    foreign = ("origin", "https://evil.test"), ("origin", "null"), ("sec-fetch-site", "cross-site")
    for path in ("login", "register", "logout", "password/forgot", "password/reset"):
        for header in (*foreign, ("sec-fetch-site", "same-site")):
            client.post(f"/auth/{path}", data={**WHO, "token": "x"}, headers=[header])
            assert went(client)[1]["error"] == "origin", (path, header)
            assert "set-cookie" not in client.answers[-1].headers
    client.data("GET", "/auth/session")


def test_our_own_pages_may_send_forms(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.sign_up()
    own = str(client.base_url).rstrip("/")
    client.post("/auth/login", data=WHO, headers={"origin": own, "sec-fetch-site": "same-origin"})
    assert went(client) == ("/dashboard", {})
    client.post("/auth/login", data=WHO, headers={"origin": "null", "sec-fetch-site": "same-origin"})
    assert went(client) == ("/dashboard", {})
    monkeypatch.setenv("PUBLIC_URL", "https://guardian.acme.test")
    settings.cache_clear()
    client.post("/auth/login", data=WHO, headers={"origin": "https://guardian.acme.test"})
    assert went(client) == ("/dashboard", {})


def test_a_form_that_is_no_form_is_refused(client: Client) -> None:
    client.post("/auth/login", json=WHO)
    assert went(client)[1]["error"] == "invalid"
    client.post("/auth/login", content=b"email=" + b"x" * 1_100_000, headers={"content-type": "text/plain"})
    assert went(client)[1]["error"] == "invalid"


def test_an_outage_leads_back_with_its_code(
    client: Client, environment: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute("ALTER TABLE users RENAME TO elsewhere")
    client.post("/auth/login", data=WHO)
    assert went(client)[1]["error"] == "internal"
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    forget_caches()
    client.post("/auth/login", data=WHO)
    assert went(client)[1]["error"] == "unavailable"
