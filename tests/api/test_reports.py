"""reports: asked for by members, made by a job, and the same figures in JSON and in the PDF."""

from datetime import timedelta
from io import BytesIO

from pypdf import PdfReader
from sqlmodel import Session, select

from guardian.jobs.reports import make_report, resume_reports, weekly_report
from guardian.models import Report
from guardian.models.enums import ReportStatus
from guardian.periods import DAY, utcnow
from guardian.queue import REPORT_QUEUE, connection
from guardian.services.guard.reports.words import dollars
from tests.api.conftest import Client
from tests.conftest import People
from tests.unit.guard.ledger import add_calls

SPAN = {"from": str((utcnow() - 3 * DAY).date()), "to": str(utcnow().date())}


def test_a_report_is_asked_for_made_and_read(alice: Client, people: People, session: Session) -> None:
    add_calls(session, people.alice, utcnow() - DAY, "1234.567", "0.25", tags={"team": "web"})
    add_calls(session, people.alice, utcnow(), "10", tags={"team": "app"})
    session.commit()
    asked = alice.data("POST", "/reports", 202, json=SPAN)
    assert (asked["status"], asked["kind"], asked["total"]) == ("QUEUED", "custom", None)
    path = f"/reports/{asked['id']}"
    assert alice.data("GET", path)["content"] is None
    assert alice.failure("GET", f"{path}/pdf", 409)["code"] == "CONFLICT"
    assert connection().lrange(f"rq:queue:{REPORT_QUEUE}", 0, -1) == [f"make-report-{asked['id']}".encode()]
    make_report(asked["id"])
    found = alice.data("GET", path)
    assert (found["status"], found["total"]) == ("READY", "1244.817")
    assert found["content"]["spend"]["total"] == found["total"]
    [line] = alice.data("GET", "/reports")
    assert (line["id"], line["total"]) == (asked["id"], found["total"])
    answer = alice.get(f"/api/v1{path}/pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert f"report-{SPAN['from']}.pdf" in answer.headers["content-disposition"]
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)
    assert dollars(found["total"]) == "$1,244.82"
    assert dollars(found["total"]) in text
    for team in found["content"]["teams"]:
        assert dollars(team["cost"]) in text


def test_of_a_team(alice: Client, people: People, session: Session) -> None:
    add_calls(session, people.alice, utcnow(), "3", tags={"team": "web"})
    add_calls(session, people.alice, utcnow(), "4")
    session.commit()
    asked = alice.data("POST", "/reports", 202, json={**SPAN, "scope": {"type": "team", "value": "web"}})
    make_report(asked["id"])
    found = alice.data("GET", f"/reports/{asked['id']}")
    assert (found["total"], found["scope"]) == ("3", {"type": "team", "value": "web"})
    assert found["title"].endswith(", team web")


def test_a_week_that_is_not_over_is_refused_with_what_to_do(alice: Client) -> None:
    failure = alice.failure("POST", "/reports", 400, json={"kind": "weekly", "from": SPAN["to"]})
    assert "is not over" in failure["error"]
    assert alice.failure("GET", "/reports?cursor=%20", 400)["details"][0]["field"] == "cursor"


def test_a_report_that_was_lost_is_brought_back(alice: Client, session: Session) -> None:
    asked = alice.data("POST", "/reports", 202, json=SPAN)
    connection().flushall()
    resume_reports()
    assert connection().llen(f"rq:queue:{REPORT_QUEUE}") == 0
    row = session.get_one(Report, asked["id"])
    row.updated_at = utcnow() - timedelta(hours=1)
    session.commit()
    resume_reports()
    assert connection().llen(f"rq:queue:{REPORT_QUEUE}") == 1


def test_an_error_of_ours_is_told_and_the_report_can_be_asked_for_again(
    alice: Client, people: People, session: Session
) -> None:
    add_calls(session, people.alice, utcnow() - 40 * DAY, "1")
    session.commit()
    month = {"kind": "monthly", "from": str((utcnow() - 40 * DAY).date())}
    asked = alice.data("POST", "/reports", 202, json=month)
    row = session.get_one(Report, asked["id"])
    row.status, row.error = ReportStatus.FAILED, "An error of ours."
    session.commit()
    assert alice.data("GET", f"/reports/{asked['id']}")["error"] == "An error of ours."
    again = alice.data("POST", "/reports", 202, json=month)
    assert (again["id"], again["status"], again["error"]) == (asked["id"], "QUEUED", None)
    make_report(asked["id"])
    assert alice.data("GET", f"/reports/{asked['id']}")["total"] == "1"


def test_due_reports_wait_for_a_worker(people: People, session: Session) -> None:
    """On a day that is not later than three after a Monday or a first, with usage in that week or month."""
    for back in range(1, 36):
        add_calls(session, people.alice, utcnow() - back * DAY, "1")
    session.commit()
    weekly_report()
    rows = session.exec(select(Report)).all()
    late = utcnow().weekday() > 2 and utcnow().day > 3
    assert (len(rows) == 0) == late
    assert connection().llen(f"rq:queue:{REPORT_QUEUE}") == len(rows)
    assert all(row.organization_id == people.alice.organization_id for row in rows)
