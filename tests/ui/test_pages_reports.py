"""The reports page: its list, one report with the figures of its JSON and PDF, and what its handlers do and refuse."""

from datetime import timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlmodel import Session, select

from guardian.errors import AuthorizationError, ConflictError, NotFoundError
from guardian.jobs.reports import make_report
from guardian.live import REPORT_UPDATE
from guardian.models import ActivityLog, Report, TeamMember
from guardian.models.enums import ReportStatus, TeamRole
from guardian.periods import DAY, local_date, utcnow, week_start, zone
from guardian.services.guard import reports
from guardian.ui.pages.reports.page import ReportsState
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work
from tests.unit.guard.ledger import add_calls

UTC = zone("UTC")
TODAY = local_date(utcnow(), UTC)
DAYS = {"span": "days", "from": f"{TODAY - 6 * DAY}", "to": f"{TODAY}", "team": ""}


@pytest.fixture
def company(session: Session) -> seed.Company:
    """$1,234.567 of team web three days ago, and $100 a week before."""
    found = seed.company(session, "Acme", zone="UTC")
    add_calls(session, found.actor, utcnow() - 10 * DAY, "100", tags={"team": "web"})
    add_calls(session, found.actor, utcnow() - 3 * DAY, "1234.567", tags={"team": "web"})
    add_calls(session, found.actor, utcnow() - 3 * DAY, "0.0042", model="gpt-5-mini", tags={"team": "app"})
    session.commit()
    return found


@pytest.fixture
def page(page_of: StatePage, company: seed.Company) -> ReportsState:
    state = page_of(ReportsState, company.token, "/reports")
    work(state, "load")
    return state


def asked(page: ReportsState, session: Session, **form: str) -> Report:
    """The report that the page asked for last."""
    work(page, "make", {**DAYS, **form})
    assert page.refusal == ""
    session.expire_all()
    return max(session.exec(select(Report)), key=lambda row: row.id)


def opened(page_of: StatePage, company: seed.Company, report_id: str) -> ReportsState:
    state: ReportsState = page_of(ReportsState, company.token, f"/reports?report={report_id}")
    work(state, "load")
    return state


def test_a_report_is_asked_for_and_made(
    page: ReportsState, page_of: StatePage, company: seed.Company, session: Session
) -> None:
    assert (page.loaded, page.reports, page.newest) == (True, [], True)
    work(page, "open_new")
    assert [option.value for option in page.spans] == ["week", "month", "this-week", "this-month", "days"]
    assert [option.value for option in page.teams] == ["", "web", "app"]
    said = work(page, "make", DAYS)
    row = session.exec(select(Report)).one()
    assert payload(said)["path"] == f"/reports?report={row.id}"
    assert page.dialog == ""
    assert session.exec(select(ActivityLog.action)).all() == ["REPORT_CREATE"]
    waiting = opened(page_of, company, row.id)
    assert (waiting.paper.title, waiting.paper.ready, waiting.paper.failed) == (row.title, False, False)
    make_report(row.id)
    work(waiting, "load")
    assert waiting.paper.ready
    work(page, "load")
    [line] = page.reports
    assert (line.status, line.total.text, line.by) == ("Ready", "$1,234.57", "Mia Winter")
    assert line.change == "+$1,134.57"
    assert line.href == f"/reports?report={row.id}"


def test_it_says_what_its_json_and_its_pdf_say(
    page: ReportsState, page_of: StatePage, company: seed.Company, session: Session
) -> None:
    row = asked(page, session)
    make_report(row.id)
    shown = opened(page_of, company, row.id).paper
    session.expire_all()
    content = reports.get_report(session, company.actor, row.id).content
    assert content is not None
    assert [tile.exact for tile in shown.tiles[:2]] == [content["spend"]["total"], content["spend"]["change"]]
    assert (shown.headline, shown.title) == (content["headline"], content["title"])
    _, pdf = reports.report_pdf(session, company.actor, row.id)
    text = " ".join(" ".join(each.extract_text() for each in PdfReader(BytesIO(pdf)).pages).split())
    figures = [tile.value for tile in shown.tiles]
    figures += [line.figure for line in (*shown.causes, *shown.models, *shown.teams, *shown.savings)]
    figures += [mover.change for mover in shown.movers]
    assert len(figures) > 10
    assert [figure for figure in figures if " ".join(figure.split()) not in text] == []
    assert shown.pdf == f"/api/v1/reports/{row.id}/pdf"


def test_of_a_team_and_of_a_span(page: ReportsState, session: Session) -> None:
    row = asked(page, session, team="web")
    assert (row.scope, row.kind) == ("web", "custom")
    row = asked(page, session, span="week")
    assert (row.kind, row.period_start.date()) == ("weekly", week_start(TODAY) - 7 * DAY)
    row = asked(page, session, span="month")
    assert (row.kind, row.period_start.day) == ("monthly", 1)
    row = asked(page, session, span="this-month")
    assert (row.kind, row.period_start.date()) == ("custom", TODAY.replace(day=1))


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"span": "decade"}, "Choose what the report is about."),
        ({"span": ""}, "Choose what the report is about."),
        ({"from": ""}, "Choose the first day of the report."),
        ({"to": "31/31/31"}, "Choose the last day of the report."),
        ({"from": f"{TODAY}", "to": f"{TODAY - DAY}"}, "The last day lies before the first one."),
        ({"from": f"{TODAY - 500 * DAY}"}, "at most 366 days"),
        ({"team": "x\x00y"}, "one team, which is named"),
    ],
)
def test_what_is_no_report_is_refused_in_the_dialog(
    page: ReportsState, session: Session, form: dict[str, str], said: str
) -> None:
    work(page, "open_new")
    work(page, "make", {**DAYS, **form})
    assert said in page.refusal
    assert page.dialog == "new"
    assert session.exec(select(Report)).all() == []


def test_one_that_failed_says_why_and_is_made_again(
    page: ReportsState, page_of: StatePage, company: seed.Company, session: Session
) -> None:
    row = asked(page, session, span="week")
    reports.fail(session, row.id, "The ledger was away.")
    session.commit()
    state = opened(page_of, company, row.id)
    assert (state.paper.failed, state.paper.error) == (True, "The ledger was away.")
    said = work(state, "make_again", row.id)
    assert payload(said)["path"] == f"/reports?report={row.id}"
    session.refresh(row)
    assert row.status is ReportStatus.QUEUED
    with pytest.raises(ConflictError):
        work(state, "make_again", row.id)
    other = asked(page, session)
    reports.fail(session, other.id, "Too long.")
    session.commit()
    work(state, "make_again", other.id)
    session.expire_all()
    newest = max(session.exec(select(Report)), key=lambda each: each.id)
    assert newest.id != other.id
    assert (newest.period_start, newest.title) == (other.period_start, other.title)


def test_a_report_of_another_organization_is_not_there(
    page: ReportsState, page_of: StatePage, session: Session
) -> None:
    row = asked(page, session)
    make_report(row.id)
    theirs = seed.company(session, "Globex")
    session.commit()
    state = opened(page_of, theirs, row.id)
    assert (state.loaded, state.problem, state.asked, state.paper.id) == (True, "", row.id, "")
    with pytest.raises(NotFoundError):
        work(state, "make_again", row.id)
    work(page_of(ReportsState, theirs.token, "/reports"), "load")
    listed = page_of(ReportsState, theirs.token, "/reports")
    work(listed, "load")
    assert listed.reports == []


def test_who_only_looks_makes_none(
    page_of: StatePage, company: seed.Company, page: ReportsState, session: Session
) -> None:
    row = asked(page, session)
    reports.fail(session, row.id, "No.")
    session.exec(select(TeamMember)).one().role = TeamRole.VIEWER
    session.commit()
    state = opened(page_of, company, row.id)
    assert (state.can_create, state.paper.failed) == (False, True)
    for handler, arguments in (("open_new", ()), ("make_again", (row.id,))):
        with pytest.raises(AuthorizationError):
            work(state, handler, *arguments)
    work(state, "make", DAYS)
    assert state.refusal != ""
    assert len(session.exec(select(Report)).all()) == 1


def test_older_ones_are_on_another_page(
    page: ReportsState, page_of: StatePage, company: seed.Company, session: Session
) -> None:
    now = utcnow()
    for _ in range(21):
        mine = {"organization_id": company.organization.id, "period_start": now - DAY, "period_end": now}
        session.add(Report(title="Old", kind="custom", **mine))
    session.commit()
    work(page, "load")
    assert len(page.reports) == 20
    older = page_of(ReportsState, company.token, page.older)
    work(older, "load")
    assert (len(older.reports), older.newest, older.older) == (1, False, "")
    assert {line.by for line in page.reports} == {"Made by itself"}
    wrong = page_of(ReportsState, company.token, "/reports?before=%20")
    work(wrong, "load")
    assert "cursor" in wrong.problem


def test_it_follows_reports(page: ReportsState) -> None:
    assert {REPORT_UPDATE} == ReportsState._live_events


def test_what_was_read_for_the_address_before_is_not_shown(
    page: ReportsState, page_of: StatePage, company: seed.Company, session: Session
) -> None:
    row = asked(page, session)
    late = ReportsState._read(session, company.actor, ())
    state = opened(page_of, company, row.id)
    state._show(late)
    assert (state.paper.id, state.reports) == (row.id, [])


def test_of_many_days_the_figure_stays_small(
    page: ReportsState, page_of: StatePage, company: seed.Company, session: Session
) -> None:
    row = asked(page, session, **{"from": f"{TODAY - timedelta(days=365)}"})
    make_report(row.id)
    state = opened(page_of, company, row.id)
    assert sum(len(series["x"]) for series in state.figure["data"]) <= 200
    assert state.figure_text.startswith("Spend by day: $1,334.57 in ")
