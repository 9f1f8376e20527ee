"""The mail of a new person, and the link in it: it confirms one address, once or more often, and no other."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session, select

from guardian import db
from guardian.config import settings
from guardian.models import ActivityLog, EmailLog, User
from guardian.services.people.access.mailed_links import facts_of_token, sealed_link_token
from guardian.services.people.access.verification import LIFETIME, PURPOSE
from tests.api.conftest import PASSWORD, Client, MakeClient
from tests.conftest import forget_caches


def mails(kind: str) -> list[EmailLog]:
    with db.session() as session:
        return list(session.exec(select(EmailLog).where(EmailLog.kind == kind)).all())


def token_in(mail: EmailLog) -> str:
    found = re.search(r"\S+/verify-email\?token=(\S+)", str((mail.payload or {})["text"]))
    assert found
    return found[1]


def person(session: Session) -> User:
    session.rollback()
    return session.exec(select(User)).one()


def test_who_signs_up_is_welcomed_and_confirms_the_address(client: Client, session: Session) -> None:
    client.sign_up("ada@acme.test", name="Ada")
    [mail] = mails("welcome")
    assert (mail.to, mail.subject) == ("ada@acme.test", "Welcome to AI Cost Guardian")
    assert "Hello Ada," in (mail.payload or {})["text"]
    assert settings().base_url in (mail.payload or {})["html"]
    assert person(session).email_verified is None
    client.data("POST", "/auth/verify", json={"token": token_in(mail)})
    confirmed = person(session).email_verified
    assert confirmed is not None
    client.cookies.clear()  # once it is confirmed, following the link again says so to anybody
    client.data("POST", "/auth/verify", json={"token": token_in(mail)})
    assert person(session).email_verified == confirmed
    assert len(session.exec(select(ActivityLog).where(ActivityLog.action == "AUTH_VERIFY")).all()) == 2


def test_by_form(client: Client, session: Session) -> None:
    client.sign_up("ada@acme.test")
    client.post("/auth/verify", data={"token": "forged"})
    assert urlsplit(client.answers[-1].headers["location"]).path == "/verify-email"
    assert parse_qs(urlsplit(client.answers[-1].headers["location"]).query)["error"] == ["token"]
    client.post("/auth/verify", data={"token": token_in(mails("welcome")[0])})
    assert client.answers[-1].headers["location"] == "/verify-email?done=1"
    assert person(session).email_verified is not None


def test_in_a_browser_that_is_not_signed_in_the_form_leads_there_and_back(
    client: Client, new_client: MakeClient, session: Session
) -> None:
    client.sign_up("ada@acme.test")
    token = token_in(mails("welcome")[0])
    phone = new_client()
    gone = urlsplit(phone.post("/auth/verify", data={"token": token}).headers["location"])
    asked = parse_qs(gone.query)
    assert (gone.path, asked["error"]) == ("/", ["verify-sign-in"])
    assert person(session).email_verified is None
    back = phone.post("/auth/login", data={"email": "ada@acme.test", "password": PASSWORD, "next": asked["next"][0]})
    assert back.headers["location"] == f"/verify-email?token={token}"
    phone.post("/auth/verify", data={"token": token})
    assert person(session).email_verified is not None


def test_in_a_browser_of_somebody_else_the_form_says_so(
    client: Client, new_client: MakeClient, session: Session
) -> None:
    client.sign_up("ada@acme.test")
    [mail] = mails("welcome")
    other = new_client()
    other.sign_up("bob@acme.test")
    gone = urlsplit(other.post("/auth/verify", data={"token": token_in(mail)}).headers["location"])
    assert (gone.path, parse_qs(gone.query)["error"]) == ("/verify-email", ["verify-other"])
    assert session.exec(select(User.email_verified)).all() == [None, None]


@pytest.mark.parametrize("wrong", ["forged", "old", "purpose", "address", "nobody", "short"])
def test_a_link_that_says_something_else(client: Client, session: Session, wrong: str) -> None:
    client.sign_up("ada@acme.test")
    user = person(session)
    token = {
        "forged": token_in(mails("welcome")[0])[:-2] + "00",
        "old": sealed_link_token(PURPOSE, user.id, user.email, lifetime=timedelta(seconds=-1)),
        "purpose": sealed_link_token("unsubscribe", user.id, user.email, lifetime=LIFETIME),
        "address": sealed_link_token(PURPOSE, user.id, "other@acme.test", lifetime=LIFETIME),
        "nobody": sealed_link_token(PURPOSE, "c" * 25, user.email, lifetime=LIFETIME),
        "short": "a.b.c",
    }[wrong]
    body = client.failure("POST", "/auth/verify", 400, json={"token": token})
    assert body["details"][0]["field"] == "token"
    assert person(session).email_verified is None


def test_the_mail_is_sent_again_a_few_times(client: Client, session: Session) -> None:
    client.sign_up("ada@acme.test")
    for _ in range(3):
        assert "on its way" in client.data("POST", "/auth/verify/mail")["message"]
    client.failure("POST", "/auth/verify/mail", 429)
    again = mails("verify")
    assert len(again) == 3
    client.data("POST", "/auth/verify", json={"token": token_in(again[0])})
    assert "already" in client.data("POST", "/auth/verify/mail")["message"]


def test_facts_come_back_as_they_were_sealed(client: Client) -> None:
    token = sealed_link_token("x", "a.b", "é\n", lifetime=LIFETIME)
    assert facts_of_token("x", token) == ["a.b", "é\n"]


def test_a_good_link_while_the_database_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.sign_up("ada@acme.test")
    token = token_in(mails("welcome")[0])
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    forget_caches()
    client.failure("POST", "/auth/verify", 503, json={"token": token})
