"""The reports page in a browser: from nothing to a report that shows by itself once it is made, and its PDF."""

from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader
from sqlmodel import Session, select

from guardian import db
from guardian.jobs.reports import make_report
from guardian.models import Report
from guardian.periods import DAY, utcnow
from guardian.services.guard import reports
from tests.fakes import seed
from tests.ui.conftest import Web
from tests.unit.guard.ledger import add_calls


@pytest.fixture
def company(session: Session) -> seed.Company:
    found = seed.company(session, "Acme", zone="UTC")
    add_calls(session, found.actor, utcnow() - 9 * DAY, "100", tags={"team": "web"})
    add_calls(session, found.actor, utcnow() - 2 * DAY, "1234.567", tags={"team": "web"})
    session.commit()
    return found


@pytest.fixture
def page(web: Web, tab: Page, company: seed.Company) -> Page:
    web.sign_in(tab.context, company.token)
    tab.goto(f"{web.url}/reports")
    expect(tab.get_by_text("No report yet")).to_be_visible()
    return tab


def ask(page: Page, session: Session) -> Report:
    """Ask for a report of the last days; the page says that it is being made."""
    page.get_by_role("button", name="New report").click()
    form = page.get_by_role("dialog", name="New report")
    form.get_by_label("About").select_option("days")
    expect(form.get_by_label("First day")).to_be_visible()
    form.get_by_label("Of", exact=True).select_option("web")
    form.get_by_role("button", name="Make the report").click()
    expect(page.get_by_text("This report is being made")).to_be_visible()
    session.expire_all()
    return max(session.exec(select(Report)), key=lambda row: row.id)


def test_a_report_shows_by_itself_once_it_is_made(page: Page, session: Session) -> None:
    row = ask(page, session)
    assert page.url.endswith(f"/reports?report={row.id}")
    make_report(row.id)
    expect(page.get_by_role("heading", name=row.title)).to_be_visible()
    total = page.locator("[data-exact]").first
    expect(total).to_have_text("$1,234.57")
    expect(total).to_have_attribute("data-exact", "1234.567")
    expect(page.get_by_role("heading", name="Why it changed")).to_be_visible()
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download PDF").click()
    pdf = Path(begun.value.path()).read_bytes()
    assert begun.value.suggested_filename.startswith("report-web-")
    assert "$1,234.57" in " ".join(each.extract_text() for each in PdfReader(BytesIO(pdf)).pages)
    page.get_by_role("link", name="All reports").click()
    line = page.get_by_test_id("report")
    expect(line).to_contain_text("$1,234.57")
    expect(line).to_contain_text("Ready")
    line.get_by_role("link", name=row.title).click()
    expect(page.get_by_role("heading", name=row.title)).to_be_visible()


def test_on_paper_it_is_the_report_alone_in_black_on_white(page: Page, session: Session) -> None:
    row = ask(page, session)
    make_report(row.id)
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(page.get_by_text("dotted: ")).to_be_visible()
    chart = page.locator(".chart .main-svg").first
    expect(chart).to_be_visible()
    expect(page.locator("figcaption")).to_contain_text("$1,234.57")
    page.set_viewport_size({"width": 720, "height": 1000})  # as wide as paper
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.get_by_role("heading", name=row.title)).to_be_visible()
    expect(page.locator(".sidebar")).to_be_hidden()
    expect(page.get_by_role("link", name="Download PDF")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(21, 25, 31)"
    box = chart.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 720
    assert box["height"] > 100
    assert page.evaluate("document.documentElement.scrollWidth") <= 720


def test_one_that_failed_can_be_made_again(page: Page, session: Session) -> None:
    row = ask(page, session)
    with db.session() as other:
        reports.fail(other, row.id, "This report could not be made in 3 tries. Ask for fewer days.")
    expect(page.get_by_text("could not be made in 3 tries")).to_be_visible()
    page.get_by_role("button", name="Make it again").click()
    expect(page.get_by_text("This report is being made")).to_be_visible()
    session.expire_all()
    newest = max(session.exec(select(Report)), key=lambda each: each.id)
    make_report(newest.id)
    expect(page.get_by_role("link", name="Download PDF")).to_be_visible()


def test_what_is_not_there_says_so(page: Page, web: Web) -> None:
    page.goto(f"{web.url}/reports?report=nobodys")
    expect(page.get_by_role("heading", name="There is no such report")).to_be_visible()
    page.get_by_role("link", name="Show all reports").click()
    expect(page.get_by_text("No report yet")).to_be_visible()
