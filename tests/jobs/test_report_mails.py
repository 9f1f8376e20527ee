"""Reports of a week or month reach those who want them: once, with the PDF, and with a way to stop them."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from io import BytesIO
from threading import Barrier

import pytest
from pypdf import PdfReader
from sqlmodel import Session, col, select

from guardian import db, queue
from guardian.jobs.mail import send_email
from guardian.jobs.reports import make_report, resume_reports
from guardian.models import EmailLog, Organization, Report, Team, TeamMember, User
from guardian.models.enums import DeliveryStatus, ReportStatus
from guardian.periods import DAY, utcnow, week_start
from guardian.services.guard import reports
from guardian.services.guard.budgets import Scope
from guardian.services.guard.reports.words import dollars
from guardian.services.people.access import report_mails
from tests.conftest import People, Servers, forget_caches
from tests.fakes.smtp_server import FakeSmtp
from tests.unit.guard.ledger import add_calls

THIS_WEEK = datetime.combine(week_start(utcnow().date()), datetime.min.time(), UTC)
AT = THIS_WEEK + timedelta(minutes=5)


@pytest.fixture
def smtp(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Generator[FakeSmtp]:
    with FakeSmtp() as server:
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(server.port))
        forget_caches()
        yield server


@pytest.fixture
def due(session: Session, people: People) -> dict[str, str]:
    """The ids of last week's reports, by scope: of Acme, and of its team web, where only Bob works."""
    organization_id = people.alice.organization_id
    session.get_one(Organization, organization_id).settings = {"timeZone": "UTC"}
    add_calls(session, people.alice, THIS_WEEK - 10 * DAY, "100", tags={"team": "web"})
    add_calls(session, people.alice, THIS_WEEK - 3 * DAY, "1234.567", tags={"team": "web"})
    for user in session.exec(select(User)):
        user.email_verified = utcnow()
    bob = session.exec(select(TeamMember).where(TeamMember.user_id == people.bob.user_id)).one()
    _team(session, organization_id, "web")
    bob.team = "web"
    session.commit()
    with db.session() as opened:
        assert reports.queue_due(opened, organization_id, AT) >= 2
    rows = session.exec(select(Report).where(Report.kind == "weekly")).all()
    return {row.scope: row.id for row in rows}


def _team(session: Session, organization_id: str, name: str) -> None:
    session.add(Team(organization_id=organization_id, name=name))
    session.flush()


def mails() -> list[EmailLog]:
    with db.session() as session:
        return list(session.exec(select(EmailLog).order_by(col(EmailLog.to))))


def address(session: Session, user_id: str) -> str:
    return session.get_one(User, user_id).email


def sent(smtp: FakeSmtp, row: EmailLog) -> EmailMessage:
    send_email(row.id)
    found = smtp.mails[-1]
    assert isinstance(found, EmailMessage)
    return found


def test_it_arrives_with_its_figures_and_its_pdf(
    smtp: FakeSmtp, due: dict[str, str], people: People, session: Session
) -> None:
    make_report(due[""])
    found = mails()
    members = {address(session, each.user_id) for each in (people.alice, people.bob)}
    assert members <= {row.to for row in found}
    assert address(session, people.charlie.user_id) not in {row.to for row in found}
    mail = sent(smtp, found[0])
    content = reports.get_report(session, people.alice, due[""]).content
    assert content is not None
    assert mail["Subject"] == f"Your AI Usage Report - {content['period']['label']}"
    total = dollars(content["spend"]["total"])
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert total in part.get_content()
        assert f"/reports?report={due['']}" in part.get_content()
    [pdf] = mail.iter_attachments()
    first, last = content["period"]["first"], content["period"]["last"]
    assert pdf.get_filename() == f"usage-report-{first}-to-{last}.pdf"
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf.get_content())).pages)
    assert total in text
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert str(mail["List-Unsubscribe"]).startswith("<http")
    assert "/auth/unsubscribe?token=" in str(mail["List-Unsubscribe"]).replace(" ", "")


def test_that_of_a_team_goes_to_who_works_in_it(
    smtp: FakeSmtp, due: dict[str, str], people: People, session: Session
) -> None:
    make_report(due["web"])
    [row] = mails()
    assert row.to == address(session, people.bob.user_id)
    assert row.subject.endswith(", team web")


def test_one_is_told_once_however_often_its_job_runs(due: dict[str, str]) -> None:
    make_report(due[""])
    count = len(mails())
    assert count >= 2
    make_report(due[""])
    barrier = Barrier(3)

    def again(_: int) -> int:
        barrier.wait()
        with db.session() as session:
            return reports.tell(session, due[""], utcnow())

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(again, range(3))) == [0, 0, 0]
    assert len(mails()) == count


def test_three_workers_at_once_tell_one_report_once(due: dict[str, str]) -> None:
    with db.session() as session:
        assert reports.take_up(session, due[""])
    with db.session() as session:
        reports.fill(session, due[""], utcnow())
    barrier = Barrier(3)

    def tell(_: int) -> int:
        barrier.wait()
        with db.session() as session:
            return reports.tell(session, due[""], utcnow())

    with ThreadPoolExecutor(3) as threads:
        told = sorted(threads.map(tell, range(3)))
    assert told[:2] == [0, 0]
    assert told[2] == len(mails()) > 0


def test_a_worker_killed_between_making_and_telling_is_made_up_for(due: dict[str, str], session: Session) -> None:
    with db.session() as opened:
        assert reports.take_up(opened, due[""])
    with db.session() as opened:
        reports.fill(opened, due[""], utcnow())
    assert mails() == []
    queue.connection().flushall()
    row = session.get_one(Report, due[""])
    assert row.status is ReportStatus.READY
    row.updated_at = utcnow() - timedelta(hours=1)
    session.commit()
    resume_reports()
    jobs = queue.Queue(queue.REPORT_QUEUE, connection=queue.connection()).get_job_ids()
    assert f"make-report-{due['']}" in jobs
    make_report(due[""])
    count = len(mails())
    assert count >= 2
    session.expire_all()
    session.get_one(Report, due[""]).updated_at = utcnow() - timedelta(hours=1)
    session.commit()
    queue.connection().flushall()
    resume_reports()
    assert f"make-report-{due['']}" not in queue.Queue(queue.REPORT_QUEUE, connection=queue.connection()).get_job_ids()
    assert len(mails()) == count


def test_what_goes_wrong_in_telling_takes_back_nothing_that_was_made(
    due: dict[str, str], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of mails cannot be written: no mail is half queued, the report is there, and is told later."""
    session.connection().exec_driver_sql("ALTER TABLE email_logs ADD CONSTRAINT none CHECK (subject = '')")
    session.commit()
    with pytest.raises(Exception, match="none"):
        make_report(due[""])
    session.connection().exec_driver_sql("ALTER TABLE email_logs DROP CONSTRAINT none")
    session.commit()
    session.expire_all()
    assert session.get_one(Report, due[""]).status is ReportStatus.READY
    assert mails() == []
    make_report(due[""])
    assert len(mails()) >= 2


def test_nobody_gets_one_without_a_confirmed_address_or_who_wants_none(
    due: dict[str, str], people: People, session: Session
) -> None:
    session.get_one(User, people.alice.user_id).email_verified = None
    session.commit()
    with db.session() as opened:
        report_mails.choose(opened, people.bob, ["monthly"])
    make_report(due[""])
    told = {row.to for row in mails()}
    assert address(session, people.alice.user_id) not in told
    assert address(session, people.bob.user_id) not in told
    assert reports.tell(session, due[""], utcnow()) == 0


def test_one_that_somebody_asked_for_is_told_to_nobody(people: People, session: Session) -> None:
    add_calls(session, people.alice, utcnow() - DAY, "5")
    session.commit()
    with db.session() as opened:
        day = (utcnow() - DAY).date()
        view = reports.request_report(opened, people.alice, "custom", Scope("organization"), day, day)
    make_report(view.id)
    assert mails() == []


def test_who_asks_for_last_week_before_it_is_due_takes_it_from_nobody(people: People, session: Session) -> None:
    """Everybody gets it when it is due, once; with the figures of then, where it was made before they were there."""
    organization_id = people.alice.organization_id
    session.get_one(Organization, organization_id).settings = {"timeZone": "UTC"}
    add_calls(session, people.alice, THIS_WEEK - 3 * DAY, "5")
    for user in session.exec(select(User)):
        user.email_verified = utcnow()
    session.commit()
    with db.session() as opened:
        day = (THIS_WEEK - DAY).date()
        asked = reports.request_report(opened, people.alice, "weekly", Scope("organization"), day)
    make_report(asked.id)
    assert mails() == []
    add_calls(session, people.alice, THIS_WEEK - 2 * DAY, "7")
    session.commit()
    for _ in range(2):
        with db.session() as opened:
            reports.queue_due(opened, organization_id, AT)
        make_report(asked.id)
    members = {address(session, each.user_id) for each in (people.alice, people.bob)}
    view = reports.get_report(session, people.alice, asked.id)
    assert (view.by, view.told) == (people.alice.user_id, (2, 0))
    assert view.content is not None
    assert view.content["spend"]["total"] == "12"
    assert sorted(row.to for row in mails() if view.content["period"]["label"] in row.subject) == sorted(members)


def test_a_report_that_nobody_wants_says_so(due: dict[str, str], people: People, session: Session) -> None:
    for user in session.exec(select(User)):
        user.email_verified = None
    session.commit()
    assert reports.get_report(session, people.alice, due[""]).told is None
    make_report(due[""])
    session.expire_all()
    assert mails() == []
    assert reports.get_report(session, people.alice, due[""]).told == (0, 0)


def test_the_mails_link_stops_them(smtp: FakeSmtp, due: dict[str, str], people: People, session: Session) -> None:
    make_report(due[""])
    row = next(each for each in mails() if each.to == address(session, people.alice.user_id))
    mail = sent(smtp, row)
    link = "".join(str(mail["List-Unsubscribe"]).split()).strip("<>")
    with db.session() as opened:
        report_mails.stop(opened, link.partition("token=")[2])
    session.expire_all()
    assert report_mails.my_wishes(session, people.alice) == ()
    assert report_mails.my_wishes(session, people.bob) == ("weekly", "monthly")
    assert mails()[0].status in (DeliveryStatus.SENT, DeliveryStatus.PENDING)
