"""/reconciliation in a browser and as a State: the answer, its causes, the way down to one kind of token, months."""

import re
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text
from sqlmodel import Session, select

from guardian.errors import AuthorizationError, ValidationError
from guardian.models import ActivityLog, ClosedMonth, TeamMember
from guardian.models.enums import TeamRole
from guardian.periods import DAY, utcnow
from guardian.services.ledger.queries import invalidate_organization
from guardian.ui.pages.reconciliation.page import ReconciliationState
from tests.fakes import seed
from tests.fakes.seed import Company
from tests.ui.conftest import StatePage, Web
from tests.ui.pages import work
from tests.ui.reconciliation_books import SHADOW, add_unexplained, utc_day, write_books

RANGE = f"/reconciliation?from={utc_day(21)}&to={utc_day(1)}"


@pytest.fixture
def company(session: Session) -> Company:
    made = seed.company(session, "Acme")
    write_books(session, made)
    session.commit()
    return made


def _open(web: Web, tab: Page, token: str, address: str = RANGE) -> None:
    web.sign_in(tab.context, token)
    tab.goto(web.url + address)


def test_the_answer_and_its_causes(web: Web, tab: Page, company: Company) -> None:
    _open(web, tab, company.token)
    expect(tab.get_by_test_id("answer")).to_have_text(
        re.compile(r"^Billed \$\d+\.\d\d, ours \$\d+\.\d\d: nothing unexplained$")
    )
    rows = tab.locator("#findings tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("“laptop of Mia” (key_laptop77) spent $6.00 and is not in the vault")
    expect(rows.nth(1)).to_contain_text("$0.75 was billed for code interpreter, which no usage report counts")
    expect(rows.nth(2)).to_contain_text("gpt-6-sol output is billed at $11 a million, ours is $10")
    sizes = tab.locator("#findings [data-exact]").evaluate_all("found => found.map(e => Number(e.dataset.exact))")
    assert sizes == sorted(sizes, reverse=True)
    expect(tab.get_by_test_id("coverage")).to_contain_text("%")
    expect(tab.get_by_text("Days are UTC here")).to_be_visible()
    expect(tab.locator(".js-plotly-plot .scatterlayer").first).to_be_visible()
    link = rows.nth(0).get_by_role("link", name="Rows").get_attribute("href") or ""
    assert f"providerKey={SHADOW}" in link
    assert link.startswith("/usage?from=")


def test_a_row_opens_what_is_inside_of_it(web: Web, tab: Page, company: Company) -> None:
    _open(web, tab, company.token)
    books = tab.locator("#books tbody tr")
    expect(books).to_have_count(20)
    tab.get_by_role("link", name="By provider").click()
    expect(books).to_have_count(1)
    whole = Decimal(books.nth(0).locator("[data-exact]").nth(2).get_attribute("data-exact") or "0")
    books.nth(0).get_by_role("link").click()
    tab.wait_for_url("**provider=OPENAI**")
    # The rows inside add up to the one that was opened; day is the first dimension that is left.
    expect(books).to_have_count(20)
    parts = tab.locator("#books tbody tr td:nth-child(4) [data-exact]").evaluate_all(
        "found => found.map(e => e.dataset.exact)"
    )
    assert sum(Decimal(part or 0) for part in parts) == whole
    tab.get_by_role("link", name="By kind").click()
    expect(books).to_have_count(3)
    expect(tab.locator("#books")).to_contain_text("code interpreter")
    tab.get_by_role("link", name="Show every Provider").click()
    tab.wait_for_url(lambda url: "provider=OPENAI" not in url)
    tab.reload()
    expect(tab.get_by_role("link", name="By provider")).to_have_attribute("aria-current", "true")


def test_a_month_is_closed_and_reopened_on_the_page(session: Session, web: Web, tab: Page) -> None:
    company = seed.company(session, "Acme")
    # Enough days for the whole month before this one, so that there is one to close.
    write_books(session, company, days=utcnow().day + 25)
    _open(web, tab, company.token)
    tab.get_by_role("button", name="Close month").first.click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("Its figures are kept as they stand now")
    dialog.get_by_label("Note").fill("as invoiced")
    dialog.get_by_role("button", name=re.compile("Close month|Close it as it is")).click()
    month = tab.locator(".list li").filter(has_text="Closed")
    expect(month).to_contain_text("as invoiced")
    session.rollback()
    [row] = session.exec(select(ClosedMonth)).all()
    assert row.billed is not None
    done = session.exec(select(ActivityLog.action).order_by(ActivityLog.sequence.desc())).first()  # type: ignore[attr-defined]
    assert done == "MONTH_CLOSE"

    month.get_by_role("button", name="Reopen").click()
    name = f"{row.month:%B %Y}"
    expect(dialog.get_by_role("button", name="Reopen month")).to_be_disabled()
    dialog.get_by_label("to confirm").fill(name)
    dialog.get_by_role("button", name="Reopen month").click()
    expect(tab.locator(".list li").filter(has_text=name)).to_contain_text("Open")
    session.rollback()
    assert session.exec(select(ClosedMonth)).all() == []


def test_nothing_to_compare_leads_to_the_keys(session: Session, web: Web, tab: Page) -> None:
    company = seed.company(session, "Globex")
    session.commit()
    _open(web, tab, company.token, "/reconciliation")
    expect(tab.get_by_text("Nothing to compare in these days")).to_be_visible()
    expect(tab.get_by_role("link", name="Add a key")).to_have_attribute("href", "/keys")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_it_is_accessible_steady_and_fits(
    web: Web, context: BrowserContext, tab: Page, company: Company, width: int, scheme: str
) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    _open(web, tab, company.token)
    tab.get_by_test_id("answer").wait_for()
    tab.locator(".js-plotly-plot .scatterlayer").first.wait_for()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


def test_a_member_can_neither_close_nor_reopen(session: Session, page_of: StatePage, company: Company) -> None:
    member = session.exec(select(TeamMember)).one()
    member.role = TeamRole.MEMBER
    session.commit()
    state = page_of(ReconciliationState, company.token, RANGE)
    work(state, "load")
    assert state.has_books
    assert not any(month.may_close or month.may_reopen for month in state.months)
    last_month = f"{(utcnow().replace(day=1) - DAY):%Y-%m}"
    with pytest.raises(AuthorizationError):
        work(state, "open_close", last_month)
    state.month = state.months[0]
    state.typed = state.month.name
    with pytest.raises(AuthorizationError):
        work(state, "reopen")
    assert session.exec(select(ClosedMonth)).all() == []


def test_only_months_are_months(page_of: StatePage, company: Company) -> None:
    state = page_of(ReconciliationState, company.token, RANGE)
    for nonsense in ("2026-13", "x", "2026-1", ""):
        with pytest.raises(ValidationError):
            work(state, "open_close", nonsense)


def test_an_unexplained_rest_is_the_answer(session: Session, page_of: StatePage, company: Company) -> None:
    add_unexplained(session, company, Decimal("3.1"))
    state = page_of(ReconciliationState, company.token, RANGE)
    work(state, "load")
    assert state.answer.startswith("$3.10 of $")
    assert state.answer.endswith(" unexplained")
    assert "Unexplained" in {row.cause for row in state.findings}


def test_without_a_bill_nothing_is_said_about_it(session: Session, page_of: StatePage) -> None:
    company = seed.company(session, "Acme")
    write_books(session, company, billed=False)
    state = page_of(ReconciliationState, company.token, RANGE)
    work(state, "load")
    assert (state.has_bill, state.billed.exact, state.drift) == (False, "", "–")
    assert state.answer.endswith("not billed yet")


def test_without_a_tracked_call_words_stand_where_coverage_would_be_drawn(
    session: Session, web: Web, tab: Page
) -> None:
    company = seed.company(session, "Acme")
    write_books(session, company, tracked=False)
    _open(web, tab, company.token)
    coverage = tab.locator("section.card").filter(has=tab.get_by_role("heading", name="Attribution coverage over time"))
    expect(coverage).to_contain_text("No call was tracked up to these days")
    drift = tab.locator("section.card").filter(has=tab.get_by_role("heading", name="Drift over time"))
    expect(drift.locator(".js-plotly-plot .scatterlayer")).to_be_visible()
    expect(coverage.locator(".js-plotly-plot")).to_have_count(0)


def test_what_is_missing_for_a_figure_is_said(session: Session, page_of: StatePage) -> None:
    company = seed.company(session, "Acme")
    write_books(session, company, billed=False)
    state = page_of(ReconciliationState, company.token, RANGE)
    work(state, "load")
    assert state.coverage_missing == ""
    assert state.drift_missing == "No cost report covers these days, so there is nothing to hold our prices against."
    state = page_of(ReconciliationState, company.token, f"/reconciliation?from={utc_day(40)}&to={utc_day(30)}")
    work(state, "load")
    assert not state.has_books


def test_what_has_no_price_is_said_beside_the_amounts(session: Session, page_of: StatePage) -> None:
    company = seed.company(session, "Acme")
    write_books(session, company)
    state = page_of(ReconciliationState, company.token, RANGE)
    work(state, "load")
    assert state.unpriced == ""
    session.connection().execute(
        text("UPDATE usage_rollups SET unpriced_tokens = 1234 WHERE hour = (SELECT min(hour) FROM usage_rollups)")
    )
    session.commit()
    invalidate_organization(company.organization.id)
    work(state, "load")
    assert state.unpriced.endswith("tokens have no known price and are in none of our amounts.")
