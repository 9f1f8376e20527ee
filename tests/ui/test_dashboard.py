"""The dashboard in a browser: exact figures, ranges in the address, live changes, and every state it can be in."""

from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import Session, select

from guardian import amounts, live
from guardian.models import Organization, User
from guardian.models.enums import Provider
from guardian.periods import HOUR, floor_hour, utcnow
from guardian.records import UsageCounts, UsageRecord
from guardian.services.ledger import queries
from guardian.services.ledger.writing.rows import LedgerAccount
from guardian.services.people.access.sessions import actor_for_user
from tests.fakes import seed
from tests.ui.conftest import Web


def _open(web: Web, tab: Page, token: str, address: str = "/dashboard") -> None:
    web.sign_in(tab.context, token)
    tab.goto(web.url + address)


def _exact(tab: Page) -> Decimal:
    return Decimal(tab.get_by_test_id("total-spend").get_attribute("data-exact") or "-1")


def test_it_shows_the_ledger_to_the_cent(session: Session, web: Web, tab: Page, signed_in: str) -> None:
    _open(web, tab, signed_in)
    total = tab.get_by_test_id("total-spend")
    expect(total).to_have_text(_this_month(session))
    shown = _exact(tab)
    # The breakdowns and the bars add up to the total.
    for title in ("By provider", "By model", "By project", "By provider key"):
        rows = tab.locator(".card", has=tab.get_by_role("heading", name=title, exact=True)).locator("[data-exact]")
        amounts = rows.evaluate_all("found => found.map(e => e.dataset.exact)")
        assert sum(Decimal(a or 0) for a in amounts) == shown
    expect(tab.get_by_text("times in Europe/Berlin")).to_be_visible()
    expect(tab.locator("#lines tbody tr")).not_to_have_count(0)
    expect(tab.locator(".js-plotly-plot .bars").first).to_be_visible()


def test_ranges_live_in_the_address(web: Web, tab: Page, signed_in: str) -> None:
    _open(web, tab, signed_in)
    tab.get_by_test_id("total-spend").wait_for()
    month = _exact(tab)
    tab.get_by_role("link", name="90 days").click()
    expect(tab.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "true")
    assert tab.url.endswith("/dashboard?range=90d")
    longer = _exact(tab)
    assert longer > month
    tab.reload()
    expect(tab.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "true")
    assert _exact(tab) == longer

    tab.get_by_role("button", name="Custom").click()
    tab.get_by_label("From", exact=True).fill("2020-01-01")
    tab.get_by_role("button", name="Show").click()
    expect(tab.get_by_text("Choose at most 366 days.")).to_be_visible()
    day = (utcnow() - 3 * seed.DAY).date().isoformat()
    tab.get_by_label("From", exact=True).fill(day)
    tab.get_by_label("To", exact=True).fill(day)
    tab.get_by_role("button", name="Show").click()
    tab.wait_for_url(f"**/dashboard?from={day}&to={day}")
    expect(tab.get_by_role("heading", name="Spend,").first).not_to_contain_text("90 days")
    assert 0 < _exact(tab) < longer
    tab.go_back()
    expect(tab.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "true")


def test_a_change_appears_without_a_reload(
    session: Session, web: Web, context: BrowserContext, tab: Page, signed_in: str
) -> None:
    other = context.new_page()
    for page in (tab, other):
        _open(web, page, signed_in)
        page.get_by_test_id("total-spend").wait_for()
        page.evaluate("window.notReloaded = true")
    before = _exact(tab)
    _plant(session, dollars=Decimal(10))
    for page in (tab, other):
        expect(page.get_by_test_id("total-spend")).to_have_text(_this_month(session))
        assert page.evaluate("window.notReloaded") is True
        expect(page.get_by_test_id("total-spend")).to_have_class("marked flash")
    assert _exact(tab) - before == Decimal(10)


def test_nothing_connected_leads_to_the_keys(session: Session, web: Web, tab: Page) -> None:
    company = seed.company(session, "Globex")
    session.commit()
    _open(web, tab, company.token)
    expect(tab.get_by_text("Nothing is connected yet")).to_be_visible()
    expect(tab.get_by_role("link", name="Add a key")).to_have_attribute("href", "/keys")


def test_signed_out_is_led_to_the_sign_in_page(web: Web, tab: Page) -> None:
    tab.goto(f"{web.url}/dashboard")
    tab.wait_for_url(f"{web.url}/")


def test_sorting_and_the_palette_by_keyboard(web: Web, tab: Page, signed_in: str) -> None:
    _open(web, tab, signed_in)
    tab.get_by_test_id("total-spend").wait_for()
    tokens = tab.get_by_role("columnheader", name="Tokens")
    tokens.get_by_role("button").focus()
    tab.keyboard.press("Enter")
    expect(tokens).to_have_attribute("aria-sort", "descending")
    counts = tab.locator("#lines tbody td:nth-child(5)").evaluate_all("found => found.map(e => Number(e.dataset.csv))")
    assert counts == sorted(counts, reverse=True)
    tab.keyboard.press("Control+k")
    expect(tab.get_by_role("dialog")).to_be_visible()
    tab.keyboard.type("keys")
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"{web.url}/keys")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (640, "dark")])
def test_it_is_accessible_steady_and_fits(
    web: Web, context: BrowserContext, tab: Page, signed_in: str, width: int, scheme: str
) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    tab.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach(e => window.shift += e.value))"
        ".observe({type: 'layout-shift', buffered: true});"
    )
    _open(web, tab, signed_in)
    tab.get_by_test_id("total-spend").wait_for()
    tab.locator(".js-plotly-plot .bars").first.wait_for()
    assert tab.evaluate("window.shift") < 0.02
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


def _this_month(session: Session) -> str:
    session.rollback()
    actor = actor_for_user(session, session.exec(select(User)).one().id)
    return amounts.dollars(queries.dashboard(session, actor).totals.cost)


def _plant(session: Session, dollars: Decimal) -> None:
    """What a pull that finds a new row leaves behind, and says."""
    organization = session.exec(select(Organization)).one()
    owner = session.exec(select(User)).one()
    hour = floor_hour(utcnow()) - HOUR
    account = LedgerAccount(
        organization_id=organization.id, provider=Provider.OPENAI, account_id="org-openai-1", user_id=owner.id
    )
    # $2.50 a million input tokens.
    tokens = int(dollars / Decimal("2.5") * 1_000_000)
    record = UsageRecord(
        provider=Provider.OPENAI,
        operation="chat",
        model="gpt-4o",
        start=hour,
        end=hour + HOUR,
        counts=UsageCounts(input_tokens=tokens),
        requests=1,
        project_id="proj_planted",
    )
    seed.add_usage(session, account, hour, record)
    session.commit()
    queries.invalidate_organization(organization.id)
    live.publish("org", organization.id, live.USAGE_UPDATE)
