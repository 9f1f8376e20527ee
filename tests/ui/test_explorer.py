"""The explorer in a browser: links, keyboard, CSV, live changes, and every state it can be in."""

import csv
import io
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import Session, select

from guardian import live
from guardian.models import Organization, User
from guardian.models.enums import Provider
from guardian.periods import HOUR, floor_hour, utcnow
from guardian.records import UsageCounts, UsageRecord
from guardian.services.ledger import queries
from guardian.services.ledger.writing.rows import LedgerAccount
from tests.fakes import seed
from tests.ui.conftest import Web


def _open(web: Web, tab: Page, token: str, query: str = "range=7d") -> None:
    web.sign_in(tab.context, token)
    tab.goto(f"{web.url}/usage?{query}")
    expect(tab.locator(".skeleton")).to_have_count(0)


def _total(tab: Page) -> Decimal:
    return Decimal(tab.get_by_test_id("explorer-total").get_attribute("data-exact") or "-1")


def _amounts(tab: Page, table: str) -> list[Decimal]:
    found = tab.locator(f"#{table} tbody [data-exact]").evaluate_all("found => found.map(e => e.dataset.exact)")
    return [Decimal(each or 0) for each in found]


def test_filter_by_keyboard_and_by_link(web: Web, tab: Page, signed_in: str) -> None:
    _open(web, tab, signed_in, "range=7d&groupBy=model")
    whole = _total(tab)
    assert sum(_amounts(tab, "groups")) == whole
    tab.keyboard.press("/")
    expect(tab.locator("#filter-value")).to_be_focused()
    tab.keyboard.type("sonnet")
    expect(tab.locator(".options li")).to_have_count(1)
    option = tab.get_by_role("checkbox", name="claude-sonnet-4-5")
    option.focus()
    tab.keyboard.press(" ")
    expect(option).to_be_checked()
    expect(tab.locator("#groups tbody tr")).to_have_count(1)
    # The menu stays open for the next value.
    expect(tab.locator("#filter-value")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.locator("#filter-value")).to_be_hidden()
    assert tab.url.endswith("/usage?range=7d&groupBy=model&model=claude-sonnet-4-5")
    filtered = _total(tab)
    assert 0 < filtered < whole
    tab.reload()
    expect(tab.locator("#groups tbody tr")).to_have_count(1)
    assert _total(tab) == filtered
    tab.get_by_role("link", name="Remove the filter Model").click()
    expect(tab.locator("#groups tbody tr")).not_to_have_count(1)
    assert _total(tab) == whole


def test_grouping_buckets_zone_and_sort_are_links(web: Web, tab: Page, signed_in: str) -> None:
    _open(web, tab, signed_in, "range=90d")
    tab.get_by_role("button", name="By model").click()
    tab.get_by_role("link", name="Project", exact=True).click()
    expect(tab.get_by_role("heading", name="By project")).to_be_visible()
    expect(tab.get_by_role("link", name="Web search")).to_be_visible()
    tab.get_by_role("button", name="In weeks").click()
    tab.get_by_role("link", name="Months").click()
    expect(tab.get_by_role("button", name="In months")).to_be_visible()
    tab.get_by_role("button", name="Europe/Berlin").click()
    tab.get_by_label("Another zone").fill("Asia/Tokyo")
    tab.get_by_role("button", name="Use", exact=True).click()
    expect(tab.get_by_text("times in Asia/Tokyo")).to_be_visible()
    head = tab.get_by_role("columnheader", name="Tokens")
    tab.evaluate("window.scrollTo(0, 300)")
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert tab.evaluate("window.scrollY") > 0
    assert tab.url.partition("?")[2] == "range=90d&tz=Asia%2FTokyo&bucket=month&groupBy=project&sort=-tokens"


def test_a_row_opens_its_bill_beside_the_table_and_escape_closes_it(web: Web, tab: Page, signed_in: str) -> None:
    _open(web, tab, signed_in, "range=7d&tab=rows")
    row = tab.locator("#rows tbody tr").nth(2)
    cost = row.locator("[data-exact]").get_attribute("data-exact")
    # Anywhere on the row.
    row.locator("td").nth(3).click()
    panel = tab.get_by_role("dialog")
    expect(panel.get_by_test_id("row-cost")).to_have_attribute("data-exact", cost or "")
    assert abs(Decimal(panel.get_by_test_id("bill-sum").get_attribute("data-exact") or 0) - Decimal(cost or 0)) < 1e-9
    lines = panel.locator(".bill tbody [data-exact]").evaluate_all("found => found.map(e => e.dataset.exact)")
    assert sum(Decimal(line) for line in lines) == Decimal(
        panel.get_by_test_id("bill-sum").get_attribute("data-exact") or 0
    )
    assert "row=" in tab.url
    tab.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    assert "row=" not in tab.url
    tab.go_back()
    expect(panel).to_be_visible()
    panel.get_by_role("link", name="Close").click()
    expect(panel).to_have_count(0)
    tab.goto(f"{web.url}/usage?tab=rows&row=c{'0' * 24}")
    expect(panel.get_by_text("There is no row of this id in your organization.")).to_be_visible()


def test_columns_are_hidden_and_pages_turned(web: Web, tab: Page, signed_in: str) -> None:
    _open(web, tab, signed_in, "range=7d&tab=rows")
    expect(tab.get_by_role("columnheader", name="Tier")).to_have_count(0)
    tab.get_by_role("button", name="Columns").click()
    tab.get_by_role("checkbox", name="Tier").click()
    expect(tab.get_by_role("columnheader", name="Tier")).to_be_visible()
    tab.get_by_role("checkbox", name="Project").click()
    expect(tab.get_by_role("columnheader", name="Project")).to_have_count(0)
    tab.keyboard.press("Escape")
    first = tab.locator("#rows tbody tr .into").first.get_attribute("href")
    tab.get_by_role("link", name="Older").click()
    expect(tab.get_by_role("link", name="Newest")).to_be_visible()
    assert tab.locator("#rows tbody tr .into").first.get_attribute("href") != first
    expect(tab.get_by_role("columnheader", name="Tier")).to_be_visible()
    tab.get_by_role("link", name="Newest").click()
    expect(tab.get_by_role("link", name="Newest")).to_have_count(0)


def test_csv_is_what_the_screen_shows(
    session: Session, web: Web, context: BrowserContext, tab: Page, signed_in: str
) -> None:
    _plant(session, model='=HYPERLINK("http://x","y")')
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=web.url)
    _open(web, tab, signed_in, "range=7d&groupBy=model")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename.startswith("spend-")
    rows = list(csv.reader(io.StringIO(download.value.path().read_text())))
    assert rows[0] == ["Name", "Spend", "Share", "Change", "Calls", "Tokens"]
    assert sum(Decimal(row[1] or 0) for row in rows[1:]) == _total(tab)
    assert [row[0] for row in rows if "HYPERLINK" in row[0]] == ['\'=HYPERLINK("http://x","y")']
    # What is unpriced is empty, not zero.
    assert [row[1] for row in rows if "HYPERLINK" in row[0]] == [""]
    tab.get_by_role("button", name="Copy CSV").click()
    expect(tab.get_by_text("Copied")).to_be_visible()
    assert list(csv.reader(io.StringIO(tab.evaluate("navigator.clipboard.readText()")))) == rows


def test_a_change_appears_without_a_reload(session: Session, web: Web, tab: Page, signed_in: str) -> None:
    _open(web, tab, signed_in, "range=7d&groupBy=model&model=gpt-4o")
    tab.get_by_test_id("explorer-total").wait_for()
    tab.evaluate("window.notReloaded = true")
    before = _total(tab)
    _plant(session, tokens=4_000_000)  # at $2.50 a million
    expect(tab.get_by_test_id("explorer-total")).not_to_have_attribute("data-exact", f"{before}")
    assert _total(tab) - before == Decimal(10)
    assert tab.evaluate("window.notReloaded") is True
    # The view is still the filtered one.
    assert sum(_amounts(tab, "groups")) == _total(tab)


def test_a_saved_view_is_opened_by_its_address(web: Web, tab: Page, signed_in: str) -> None:
    _open(web, tab, signed_in, "range=7d&groupBy=project")
    tab.get_by_role("button", name="Saved views").click()
    tab.get_by_role("button", name="Save this view").click()
    tab.get_by_label("Name").fill("Projects")
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.get_by_role("button", name="Projects")).to_be_visible()
    view = tab.url.partition("saved=")[2]
    tab.goto(f"{web.url}/usage?saved={view}")
    expect(tab.get_by_role("heading", name="By project")).to_be_visible()
    expect(tab).to_have_url(f"{web.url}/usage?range=7d&groupBy=project&saved={view}")
    tab.get_by_role("button", name="Projects").click()
    tab.get_by_role("button", name="More for Projects").click()
    tab.get_by_role("button", name="Delete").click()
    tab.get_by_role("button", name="Delete the view").click()
    expect(tab.get_by_role("button", name="Saved views")).to_be_visible()


def test_the_palette_and_the_dashboard_lead_here(web: Web, tab: Page, signed_in: str) -> None:
    web.sign_in(tab.context, signed_in)
    tab.goto(f"{web.url}/dashboard?range=7d")
    tab.get_by_test_id("total-spend").wait_for()
    tab.keyboard.press("Control+k")
    tab.keyboard.type("laptop")
    expect(tab.get_by_role("dialog").get_by_text("laptop of Mia")).to_be_visible()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/usage?range=90d&groupBy=model&provider=OPENAI&providerKey=key_laptop77")
    expect(tab.get_by_role("button", name="Provider key: laptop of Mia")).to_be_visible()
    tab.go_back()
    card = tab.locator(".card", has=tab.get_by_role("heading", name="By project", exact=True))
    card.get_by_role("link").first.click()
    tab.wait_for_url("**/usage?range=7d&groupBy=model&**")
    expect(tab.get_by_role("button", name="Project:")).to_be_visible()


@pytest.mark.parametrize(
    ("query", "title", "action"),
    [
        ("range=7d&model=gpt-0", "Nothing matches", "Clear the filters"),
        ("from=2024-01-01&to=2024-01-02", "No usage in this range", "Show the last 90 days"),
    ],
)
def test_nothing_to_show_has_a_way_on(web: Web, tab: Page, signed_in: str, query: str, title: str, action: str) -> None:
    _open(web, tab, signed_in, query)
    expect(tab.get_by_role("heading", name=title)).to_be_visible()
    tab.get_by_role("link", name=action).click()
    expect(tab.get_by_test_id("explorer-total")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (640, "dark")])
def test_it_is_accessible_steady_and_fits(web: Web, tab: Page, signed_in: str, width: int, scheme: str) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    _open(web, tab, signed_in, "range=90d&groupBy=project&provider=OPENAI&model=gpt-5.1&model=gpt-5-mini")
    tab.locator(".js-plotly-plot .bars").first.wait_for()
    _check(tab, width)
    tab.keyboard.press("/")
    expect(tab.locator(".options li").first).to_be_visible()
    box = tab.locator("#filter-values").bounding_box()
    assert box is not None
    assert (box["x"] >= 0, box["x"] + box["width"] <= width) == (True, True)
    _check(tab, width)
    tab.goto(f"{web.url}/usage?range=7d&tab=rows&hide=none")
    expect(tab.locator("#rows tbody tr")).to_have_count(50)
    _check(tab, width)
    tab.locator("#rows .into").first.click()
    expect(tab.get_by_test_id("row-cost")).to_be_visible()
    _check(tab, width)


def _check(tab: Page, width: int) -> None:
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


def _plant(session: Session, model: str = "gpt-4o", tokens: int = 1_000) -> None:
    """What a pull that finds a new row leaves behind, and says."""
    organization = session.exec(select(Organization)).one()
    owner = session.exec(select(User)).one()
    hour = floor_hour(utcnow()) - HOUR
    account = LedgerAccount(
        organization_id=organization.id, provider=Provider.OPENAI, account_id="org-openai-1", user_id=owner.id
    )
    record = UsageRecord(
        provider=Provider.OPENAI,
        operation="chat",
        model=model,
        start=hour,
        end=hour + HOUR,
        counts=UsageCounts(input_tokens=tokens),
        requests=400,
    )
    seed.add_usage(session, account, hour, record)
    session.commit()
    queries.invalidate_organization(organization.id)
    live.publish("org", organization.id, live.USAGE_UPDATE)
