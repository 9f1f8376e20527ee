"""What people try at the doors: planted cookies, made-up hosts, links from old mails, fields that are not theirs."""

import pytest
from sqlmodel import Session, select

from guardian.api.steps import COOKIE
from guardian.config import settings
from guardian.models import EmailLog, User
from guardian.models.enums import UserRole
from tests.api.conftest import PASSWORD, Client, MakeClient, execute

CREDENTIALS = {"email": "ada@acme.test", "password": PASSWORD}


def reset_tokens(session: Session) -> list[str]:
    """The tokens of all mailed links, oldest first."""
    session.expire_all()
    mails = session.exec(select(EmailLog).where(EmailLog.kind == "reset").order_by(EmailLog.created_at)).all()
    texts = [str((mail.payload or {})["text"]) for mail in mails]
    return [next(word for word in text.split() if "/reset-password?" in word).partition("token=")[2] for text in texts]


@pytest.mark.parametrize("by_form", [True, False])
def test_a_planted_cookie_signs_nobody_in(client: Client, new_client: MakeClient, by_form: bool) -> None:
    """Session fixation: the attacker's own session is put into the victim's browser, who then signs in."""
    attacker = new_client()
    attacker.sign_up("eve@evil.test")
    client.sign_up("ada@acme.test")
    victim = new_client(cookies={COOKIE: attacker.cookies[COOKIE]})
    if by_form:
        answer = victim.post("/auth/login", data=CREDENTIALS, follow_redirects=False)
        assert answer.headers["location"] == "/dashboard"
    else:
        victim.data("POST", "/auth/login", json=CREDENTIALS)
    issued = victim.answers[-1].cookies[COOKIE]
    assert issued != attacker.cookies[COOKIE]
    attacker.failure("GET", "/auth/session", 401)
    signed_in = new_client(cookies={COOKIE: issued}).data("GET", "/auth/session")
    assert signed_in["user"]["email"] == "ada@acme.test"


def test_a_made_up_cookie_becomes_no_session(client: Client, new_client: MakeClient) -> None:
    client.sign_up("ada@acme.test")
    chosen = "a" * 43
    new_client(cookies={COOKIE: chosen}).data("POST", "/auth/login", json=CREDENTIALS)
    new_client(cookies={COOKIE: chosen}).failure("GET", "/auth/session", 401)


@pytest.mark.parametrize("header", ["host", "x-forwarded-host", "x-host", "forwarded"])
def test_a_made_up_host_gets_into_no_mail_and_no_redirect(client: Client, session: Session, header: str) -> None:
    client.sign_up("ada@acme.test")
    headers = {header: "host=evil.test" if header == "forwarded" else "evil.test"}
    client.data("POST", "/auth/password/forgot", json={"email": "ada@acme.test"}, headers=headers)
    mail = session.exec(select(EmailLog).where(EmailLog.kind == "reset")).one()
    assert mail.payload
    assert "evil.test" not in str(mail.payload)
    assert f"{settings().base_url}/reset-password?token=" in mail.payload["text"]
    sent = client.post("/auth/login", data=CREDENTIALS, headers=headers, follow_redirects=False)
    assert sent.headers["location"] == "/dashboard"


def test_one_used_link_ends_the_others_of_that_person(client: Client, session: Session) -> None:
    client.sign_up("ada@acme.test")
    for _ in range(2):
        client.data("POST", "/auth/password/forgot", json={"email": "ada@acme.test"})
    first, second = reset_tokens(session)
    client.data("POST", "/auth/password/reset", json={"token": second, "password": "a new password"})
    # Stolen from the older mail, and replayed from the newer one.
    for token in (first, second):
        client.failure("POST", "/auth/password/reset", 400, json={"token": token, "password": "a third password"})


def test_an_old_link_is_over(client: Client, session: Session) -> None:
    client.sign_up("ada@acme.test")
    client.data("POST", "/auth/password/forgot", json={"email": "ada@acme.test"})
    execute("UPDATE password_resets SET expires_at = now()")
    [token] = reset_tokens(session)
    refused = client.failure("POST", "/auth/password/reset", 400, json={"token": token, "password": "a new password"})
    assert refused["error"] == "This link is no longer valid. Ask for a new one."


@pytest.mark.parametrize("extra", ["role", "teamRole", "emailVerified", "passwordHash", "organizationId", "id"])
def test_nobody_gives_themselves_more_than_they_are_asked_for(client: Client, session: Session, extra: str) -> None:
    client.sign_up("first@acme.test")
    body = {"email": "eve@evil.test", "password": PASSWORD, extra: "SUPER_ADMIN"}
    client.failure("POST", "/auth/register", 400, json=body)
    assert "error=" in client.post("/auth/register", data=body, follow_redirects=False).headers["location"]
    assert session.exec(select(User.role)).all() == [UserRole.SUPER_ADMIN]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_signs_nobody_in_or_out(client: Client, site: str) -> None:
    client.sign_up("ada@acme.test")
    headers = {"origin": "https://evil.test", "sec-fetch-site": site}
    for path in ("/auth/logout", "/auth/logout/everywhere", "/auth/login", "/auth/login/code"):
        answer = client.post(path, data={**CREDENTIALS, "code": "1"}, headers=headers, follow_redirects=False)
        assert "error=origin" in answer.headers["location"], path
    client.data("GET", "/auth/session")
