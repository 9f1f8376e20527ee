"""Mail: queued with what it is about, sent once, tried again, given up in words, and forgotten once it is out."""

from collections.abc import Generator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from guardian import db, queue
from guardian.jobs.mail import resume_mails, send_email
from guardian.models import EmailLog
from guardian.models.enums import DeliveryStatus
from guardian.periods import utcnow
from guardian.services.people import mail
from guardian.services.people.mail import BACKOFF, SEND_EMAIL, letter, queue_mail
from tests.conftest import Servers, forget_caches
from tests.fakes.smtp_server import FakeSmtp


@pytest.fixture
def smtp(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Generator[FakeSmtp]:
    with FakeSmtp() as server:
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(server.port))
        forget_caches()
        yield server


def waiting_jobs() -> list[str]:
    return queue.Queue(queue.EMAIL_QUEUE, connection=queue.connection()).get_job_ids()


def queued(**changes: str) -> str:
    facts = {"to": "ada@example.com", "subject": "Hello", "text": "A link: https://x.test/?token=t"} | changes
    with db.session() as session:
        return queue_mail(session, **facts).id  # type: ignore[arg-type]


def stored(email_id: str) -> EmailLog:
    with db.session() as session:
        return session.get_one(EmailLog, email_id)


def change(email_id: str, what: str) -> None:
    with db.session() as session:
        session.connection().execute(text(f"UPDATE email_logs SET {what} WHERE id = :id"), {"id": email_id})


def test_a_mail_is_queued_with_what_it_is_about(smtp: FakeSmtp) -> None:
    with Session(db.engine()) as session:
        row = queue_mail(session, to="ada@example.com", subject="x", text="x")
        assert waiting_jobs() == []
        session.rollback()
    with db.session() as session:
        assert session.exec(select(EmailLog)).all() == []
    email_id = queued()
    assert row.id != email_id
    [job_id] = waiting_jobs()
    job = queue.Job.fetch(job_id, connection=queue.connection())
    assert (job.func_name, job.args) == (SEND_EMAIL, (email_id,))  # never the text


def test_a_mail_is_sent_once_and_its_text_forgotten(smtp: FakeSmtp) -> None:
    email_id = queued(html="<p>Hi</p>")
    send_email(email_id)
    send_email(email_id)
    assert len(smtp.mails) == 1
    row = stored(email_id)
    assert (row.status, row.payload, row.error, row.attempts) == (DeliveryStatus.SENT, {}, None, 1)
    assert row.message_id == smtp.mails[0]["Message-ID"]
    assert row.sent_at is not None
    resume_mails()
    send_email("c-of-a-mail-that-never-was")
    assert len(smtp.mails) == 1


def test_what_may_pass_is_tried_again_and_at_last_given_up(smtp: FakeSmtp) -> None:
    email_id = queued()
    smtp.answers["DATA"] = "451 4.3.0 Later"
    for number, minutes in enumerate(BACKOFF, 1):
        send_email(email_id)
        row = stored(email_id)
        assert (row.status, row.attempts) == (DeliveryStatus.PENDING, number)
        assert row.not_before is not None
        assert timedelta(minutes=minutes * 0.7) < row.not_before - utcnow() < timedelta(minutes=minutes * 1.21)
        send_email(email_id)  # not due
        assert stored(email_id).attempts == number
        change(email_id, "not_before = NULL")
    send_email(email_id)
    row = stored(email_id)
    assert (row.status, row.payload) == (DeliveryStatus.FAILED, {})
    assert "451" in str(row.error)
    assert smtp.mails == []


def test_after_a_bad_hour_the_mail_goes_out(smtp: FakeSmtp) -> None:
    email_id = queued()
    smtp.answers["RCPT"] = "451 Greylisted"
    send_email(email_id)
    del smtp.answers["RCPT"]
    change(email_id, "not_before = NULL")
    send_email(email_id)
    assert (stored(email_id).status, stored(email_id).error, len(smtp.mails)) == (DeliveryStatus.SENT, None, 1)


def test_what_will_not_pass_is_given_up_at_once(smtp: FakeSmtp) -> None:
    email_id = queued()
    smtp.answers["RCPT"] = "550 No such user"
    send_email(email_id)
    row = stored(email_id)
    assert (row.status, row.attempts, row.payload) == (DeliveryStatus.FAILED, 1, {})
    assert "No such user" in str(row.error)


def test_an_error_of_ours_is_tried_again_and_at_last_given_up(smtp: FakeSmtp) -> None:
    email_id = queued()
    change(email_id, "payload = jsonb_set(payload, '{html}', '5')")  # what no code of ours writes
    for number in range(1, len(BACKOFF) + 1):
        with pytest.raises(Exception, match="int"):
            send_email(email_id)
        row = stored(email_id)
        assert (row.status, row.attempts) == (DeliveryStatus.PENDING, number)
        change(email_id, "not_before = NULL")
    with pytest.raises(Exception, match="int"):
        send_email(email_id)
    row = stored(email_id)
    assert (row.status, row.payload) == (DeliveryStatus.FAILED, {})
    assert "An error of ours" in str(row.error)
    resume_mails()
    send_email(email_id)
    assert stored(email_id).attempts == len(BACKOFF) + 1


@pytest.mark.parametrize(
    "payload", ['{"attachments": [{}]}', '{"attachments": [{"name": "x", "type": "y", "content": "z"}]}']
)
def test_a_mail_that_cannot_be_read_is_given_up_at_once(smtp: FakeSmtp, payload: str) -> None:
    email_id = queued()
    change(email_id, f"payload = '{payload}'")
    send_email(email_id)
    row = stored(email_id)
    assert (row.status, row.attempts) == (DeliveryStatus.FAILED, 1)
    assert "cannot be read" in str(row.error)


def test_a_mail_whose_senders_die_is_given_up(smtp: FakeSmtp) -> None:
    """Each sender is gone before it could say what came of it, as one is that the system kills."""
    email_id = queued()
    for _ in range(len(BACKOFF) + 1):
        with db.session() as session:
            assert mail.claim_mail(session, email_id) is not None
        change(email_id, "lease_until = now() - interval '1 second'")
    send_email(email_id)
    row = stored(email_id)
    assert (row.status, row.payload, row.lease_until) == (DeliveryStatus.FAILED, {}, None)
    assert "7 senders" in str(row.error)
    assert smtp.mails == []


def test_a_lost_sender_is_replaced_and_a_living_one_left_alone(smtp: FakeSmtp) -> None:
    dropped, living, lost = queued(), queued(), queued()
    with db.session() as session:
        assert mail.claim_mail(session, dropped) is not None
        assert mail.claim_mail(session, living) is not None
        assert mail.claim_mail(session, living) is None
    change(dropped, "lease_until = now() - interval '1 second'")
    change(lost, "created_at = now() - interval '2 minutes'")
    fresh = queued()
    queue.connection().flushall()
    resume_mails()
    resume_mails()
    assert set(waiting_jobs()) == {f"send-email-{dropped}-1-again", f"send-email-{lost}-0-again"}
    for email_id in (dropped, living, lost):
        send_email(email_id)
    assert len(smtp.mails) == 2
    assert stored(living).status is DeliveryStatus.SENDING
    assert stored(fresh).status is DeliveryStatus.PENDING


def test_one_of_many_senders_at_once_sends(smtp: FakeSmtp) -> None:
    email_id = queued()
    with db.session() as one, db.session() as two:
        first = mail.claim_mail(one, email_id)
        one.commit()
        second = mail.claim_mail(two, email_id)
    assert (first is None, second is None) == (False, True)


def test_a_letter_says_the_same_twice_and_holds_no_markup_of_strangers() -> None:
    words, html = letter("Your key <Main>", ["It & more.", "Second."], action=("Open", "https://x.test/?a=1&b=2"))
    assert words == "Your key <Main>\n\nIt & more.\n\nSecond.\n\nOpen:\nhttps://x.test/?a=1&b=2\n"
    assert "<Main>" not in html
    assert "Your key &lt;Main&gt;" in html
    assert 'href="https://x.test/?a=1&amp;b=2"' in html
    assert "It &amp; more." in html
