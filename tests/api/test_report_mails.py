"""Which reports come by mail: chosen by oneself, and stopped by the link of a mail without signing in."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session, select

from guardian.models import ActivityLog, User
from guardian.services.people.access import report_mails
from guardian.services.people.access.mailed_links import sealed_link_token
from guardian.services.people.access.report_mails import my_wishes, unsubscribe_link
from tests.api.conftest import Client
from tests.conftest import People

PATH = "/account/report-mails"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def link(people: People, session: Session) -> str:
    """The path of the address in a mail to Alice."""
    parts = urlsplit(unsubscribe_link(session.get_one(User, people.alice.user_id)))
    return f"{parts.path}?{parts.query}"


def test_both_come_until_one_chooses(alice: Client, bob: Client) -> None:
    assert alice.data("GET", PATH) == {"reports": ["weekly", "monthly"]}
    assert alice.data("PUT", PATH, json={"reports": ["monthly"]}) == {"reports": ["monthly"]}
    assert alice.data("GET", PATH) == {"reports": ["monthly"]}
    assert alice.data("PUT", PATH, json={"reports": []}) == {"reports": []}
    assert bob.data("GET", PATH) == {"reports": ["weekly", "monthly"]}
    assert alice.failure("PUT", PATH, 400, json={"reports": ["daily"]})["code"] == "VALIDATION_ERROR"


def test_one_click_of_a_mail_program_stops_them(client: Client, people: People, session: Session, link: str) -> None:
    """RFC 8058: one POST without a cookie, answered without a redirect; once more does no harm."""
    for _ in range(2):
        answer = client.post(link, data=ONE_CLICK, follow_redirects=False)
        assert (answer.status_code, answer.text) == (200, "You get no more reports.")
    session.expire_all()
    assert my_wishes(session, people.alice) == ()
    assert my_wishes(session, people.bob) == report_mails.KINDS
    rows = session.exec(select(ActivityLog)).all()
    assert [(row.action, row.user_id) for row in rows] == [("REPORT_MAILS_STOP", people.alice.user_id)] * 2


def test_a_visit_alone_stops_nothing(client: Client, people: People, session: Session, link: str) -> None:
    answer = client.get(link, follow_redirects=False)
    assert answer.status_code == 303
    wanted = urlsplit(answer.headers["location"])
    assert wanted.path == "/unsubscribe"
    assert parse_qs(wanted.query) == parse_qs(urlsplit(link).query)
    assert client.get("/auth/unsubscribe", follow_redirects=False).headers["location"] == "/unsubscribe"
    session.expire_all()
    assert my_wishes(session, people.alice) == report_mails.KINDS


def test_the_button_of_the_page_stops_them(client: Client, people: People, session: Session, link: str) -> None:
    token = parse_qs(urlsplit(link).query)["token"][0]
    answer = client.post("/auth/unsubscribe", data={"token": token}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/unsubscribe?done=1")
    session.expire_all()
    assert my_wishes(session, people.alice) == ()


@pytest.mark.parametrize("forgery", ["", "x", "a.b.c.d", "another purpose", "old", "left"])
def test_a_link_that_is_not_ours_stops_nothing(client: Client, people: People, session: Session, forgery: str) -> None:
    user = session.get_one(User, people.alice.user_id)
    purpose, week = "unsubscribe-reports", timedelta(days=7)
    token = {
        "another purpose": sealed_link_token("verify-email", user.id, user.email, lifetime=week),
        "old": sealed_link_token(purpose, user.id, user.email, lifetime=-week),
        "left": sealed_link_token(purpose, user.id, "before@acme.test", lifetime=week),
    }.get(forgery, forgery)
    answer = client.post(f"/auth/unsubscribe?token={token}", data=ONE_CLICK, follow_redirects=False)
    assert answer.status_code == 303
    assert "error=token" in answer.headers["location"]
    session.expire_all()
    assert my_wishes(session, people.alice) == report_mails.KINDS


def test_a_foreign_page_stops_nothing(client: Client, people: People, session: Session, link: str) -> None:
    client.post(link, data=ONE_CLICK, headers={"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"})
    session.expire_all()
    assert my_wishes(session, people.alice) == report_mails.KINDS
