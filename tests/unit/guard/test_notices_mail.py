"""Messages by mail: they wait in the log of mails, and share the fate of theirs, whatever the mail server does."""

import socket
import threading
from collections.abc import Generator

import pytest

from guardian import db
from guardian.channels import email as smtp_channel
from guardian.config import settings
from guardian.jobs.mail import send_email
from guardian.jobs.notices import resume_notices
from guardian.models import EmailLog
from guardian.models.enums import AlertState, DeliveryStatus
from guardian.services.guard.notices.floods import MOST
from guardian.services.people import mail
from tests.conftest import People, Servers, forget_caches
from tests.fakes.smtp_server import FakeSmtp
from tests.jobs.notices import (
    EMAIL,
    all_stored,
    change,
    deliver,
    made_alert,
    made_target,
    mails,
    make_due,
    stored,
    target_row,
    told,
)


@pytest.fixture
def smtp(environment: Servers, people: People, monkeypatch: pytest.MonkeyPatch) -> Generator[FakeSmtp]:
    with FakeSmtp() as server:
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(server.port))
        forget_caches()
        yield server


def queued(people: People, number: int = 1, **changes: object) -> str:
    [id] = told(people.alice, made_alert(people.alice), number, (EMAIL, "mia@example.com"), **changes)  # type: ignore[arg-type]
    deliver(id)
    return id


def send() -> None:
    """Send every mail that is due."""
    for each in mails():
        send_email(each.id)


def test_a_message_becomes_one_mail_and_is_sent_with_it(smtp: FakeSmtp, people: People) -> None:
    id = queued(people)
    deliver(id)
    [email] = mails()
    assert (email.kind, email.to, email.organization_id) == ("alert", "mia@example.com", people.alice.organization_id)
    assert (stored(id).status, stored(id).email_id) == (DeliveryStatus.SENDING, email.id)
    send()
    row = stored(id)
    assert (row.status, row.attempts, row.error) == (DeliveryStatus.SENT, 1, None)
    assert [each["status"] for each in row.attempts_made or []] == [250]
    [sent] = smtp.mails
    text, html = sent.get_body(("plain",)), sent.get_body(("html",))
    assert text is not None
    assert html is not None
    assert sent["Subject"].strip().startswith("Alert: Team web triggered. AI provider spend of team web was $312.40")
    assert (sent["Importance"], sent["X-Priority"]) == ("high", "1")
    for words in ("above $250.00", "$312.40", "more calls", "https://guardian.acme.test/alerts?alert=calert"):
        assert words in text.get_content()
        assert words in html.get_content()
    assert "prefers-color-scheme: dark" in html.get_content()


def test_nothing_that_a_mail_says_is_markup(smtp: FakeSmtp, people: People) -> None:
    queued(people, name='<img src="https://evil.test">', sentence="Model <b>x</b>\r\nBcc: eve@evil.test is new.")
    send()
    [sent] = smtp.mails
    html = sent.get_body(("html",))
    assert html is not None
    assert "<img" not in html.get_content()
    assert "<b>x" not in html.get_content()
    assert sent["Bcc"] is None


def test_a_server_that_refuses_is_final(smtp: FakeSmtp, people: People) -> None:
    target = made_target(people.alice, EMAIL)
    [id] = told(people.alice, made_alert(people.alice), 1, (EMAIL, target))
    smtp.answers["RCPT"] = "550 No such user"
    deliver(id)
    send()
    assert stored(id).status is DeliveryStatus.FAILED
    assert "No such user" in str(stored(id).error)
    assert "No such user" in str(target_row(target).last_error)


def test_a_server_that_is_busy_is_tried_again_and_each_attempt_listed(smtp: FakeSmtp, people: People) -> None:
    id = queued(people)
    smtp.answers["DATA"] = "451 Later"
    send()
    assert (stored(id).status, "451" in str(stored(id).error)) == (DeliveryStatus.SENDING, True)
    del smtp.answers["DATA"]
    change("not_before = NULL", "email_logs")
    send()
    row = stored(id)
    assert (row.status, row.attempts, row.error) == (DeliveryStatus.SENT, 2, None)
    assert [each["status"] for each in row.attempts_made or []] == [0, 250]


def test_a_server_that_hangs_up(smtp: FakeSmtp, people: People) -> None:
    id = queued(people)
    smtp.answers["DATA"] = "hang up"
    send()
    assert stored(id).status is DeliveryStatus.SENDING
    assert "cannot be reached" in str(stored(id).error)
    change(f"attempts = {len(mail.BACKOFF)}, not_before = NULL", "email_logs")
    send()
    assert stored(id).status is DeliveryStatus.FAILED


def test_a_server_that_stalls(smtp: FakeSmtp, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_channel, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("SMTP_PORT", str(mute.getsockname()[1]))
        settings.cache_clear()
        id = queued(people)
        send()
    assert stored(id).status is DeliveryStatus.SENDING
    assert "timed out" in str(stored(id).error)


def test_a_fate_that_was_not_told_is_found_by_the_minute(smtp: FakeSmtp, people: People) -> None:
    sent, failed, gone = queued(people), queued(people), queued(people)
    with db.session() as session:
        for id, status in ((sent, DeliveryStatus.SENT), (failed, DeliveryStatus.FAILED)):
            email = session.get_one(EmailLog, str(stored(id).email_id))
            email.status, email.error, email.attempts = status, None if id == sent else "No.", 1
        session.delete(session.get_one(EmailLog, str(stored(gone).email_id)))
    resume_notices()
    assert [stored(id).status for id in (sent, failed, gone)] == [
        DeliveryStatus.SENT,
        DeliveryStatus.FAILED,
        DeliveryStatus.FAILED,
    ]
    assert (stored(failed).error, "not in the log" in str(stored(gone).error)) == ("No.", True)


def test_three_workers_make_one_mail(smtp: FakeSmtp, people: People) -> None:
    [id] = told(people.alice, made_alert(people.alice), 1, (EMAIL, "mia@example.com"))
    workers = [threading.Thread(target=deliver, args=(id,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(mails()) == 1


def test_a_flood_of_mails_is_told_in_one(smtp: FakeSmtp, people: People) -> None:
    alert = made_alert(people.alice)
    ids = [
        told(people.alice, alert, 1, (EMAIL, "mia@example.com"), group=f"g{n}", sentence=f"Group {n} is above.")[0]
        for n in range(MOST + 5)
    ]
    deliver(*ids)
    change("tried_at = tried_at - interval '1 minute'")
    make_due()
    deliver(ids[-1])
    send()
    assert len(smtp.mails) == MOST + 1
    assert [row.status for row in all_stored()] == [DeliveryStatus.SENT] * len(ids)
    text = smtp.mails[-1].get_body(("plain",))
    assert text is not None
    assert all(f"Group {n} is above." in text.get_content() for n in range(MOST, MOST + 5))
    assert "5 messages of alerts" in smtp.mails[-1]["Subject"]


def test_a_recovery_reads_as_one(smtp: FakeSmtp, people: People) -> None:
    queued(people, state=AlertState.RECOVERED, sentence="AI provider spend of team web is back under $250.00.")
    send()
    assert smtp.mails[0]["Subject"].strip().startswith("Recovered: Team web. AI provider spend of team web is back")
