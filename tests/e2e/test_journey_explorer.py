"""From a pulled report to the cent of one row: group, filter, drill down, save the view, share it within the company.

Of the contracts' examples, gpt-6-sol by hand (dollars a million tokens; test_journey.py has them all):

    350,000 × 2.00 + 800,000 cached × 0.20 + 50,000 written × 2.50 + 90,000 out × 10      1.885
    (190,000 × 2.00 + 120,000 cached × 0.20 + 21,000 out × 10) × 2 for priority            1.228
"""

from decimal import Decimal

from playwright.sync_api import Browser, Page, expect

from tests.e2e import driving
from tests.e2e.conftest import Product, register
from tests.fakes import openai_api
from tests.fakes.provider_server import FakeProvider

ALL, MODEL, PRIORITY = Decimal("6.5105"), Decimal("3.113"), Decimal("1.228")


def test_from_a_model_to_the_bill_of_one_row_and_a_view_to_share(
    product: Product, fake: FakeProvider, tab: Page, browser: Browser
) -> None:
    driving.sign_up(tab, product, "mia@explorer.test", "Explorers")
    tab.get_by_role("link", name="Explorer", exact=True).click()
    expect(tab.get_by_text("Nothing is connected yet")).to_be_visible()
    tab.get_by_role("link", name="Add a key").click()
    driving.add_key(tab, "OpenAI", "Production", openai_api.ADMIN_KEY)

    tab.goto(f"{product.url}/usage?range=90d&groupBy=model")
    total = tab.get_by_test_id("explorer-total")
    expect(total).to_have_attribute("data-exact", f"{ALL.normalize():f}")
    tab.get_by_role("link", name="gpt-6-sol", exact=True).click()
    expect(total).to_have_attribute("data-exact", f"{MODEL.normalize():f}")
    expect(tab.get_by_role("heading", name="By project")).to_be_visible()

    tab.keyboard.press("/")
    tab.get_by_label("Filter by").select_option("Tier")
    tab.get_by_role("checkbox", name="priority").click()
    expect(total).to_have_attribute("data-exact", f"{PRIORITY.normalize():f}")
    tab.keyboard.press("Escape")
    _bill_of_the_row(tab)
    _save_and_share(tab, product, browser)


def _bill_of_the_row(tab: Page) -> None:
    tab.get_by_role("link", name="Rows", exact=True).click()
    row = tab.locator("#rows tbody tr")
    expect(row).to_have_count(1)
    row.get_by_role("link").click()
    panel = tab.get_by_role("dialog")
    assert driving.exact(panel.get_by_test_id("row-cost")) == PRIORITY
    lines = panel.locator(".bill tbody [data-exact]")
    expect(lines).to_have_count(3)
    assert sum(driving.exact(line) for line in lines.all()) == PRIORITY
    assert driving.exact(panel.get_by_test_id("bill-sum")) == PRIORITY
    expect(panel).to_contain_text("genai-prices, version")
    tab.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def _save_and_share(tab: Page, product: Product, browser: Browser) -> None:
    tab.get_by_role("button", name="Saved views").click()
    tab.get_by_role("button", name="Save this view").click()
    tab.get_by_label("Name").fill("Priority calls of gpt-6-sol")
    tab.get_by_label("Share with the organization").check()
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.get_by_role("button", name="Priority calls of gpt-6-sol")).to_be_visible()
    address = f"{product.url}/usage?saved={tab.url.partition('saved=')[2]}"

    # Another browser of the same organization, by the address alone.
    with browser.new_context() as elsewhere:
        page = elsewhere.new_page()
        driving.sign_in(page, product, "mia@explorer.test")
        page.wait_for_url("**/dashboard")
        page.goto(address)
        expect(page.locator("#rows tbody tr")).to_have_count(1)
        assert driving.exact(page.locator("#rows [data-exact]")) == PRIORITY
        expect(page.get_by_role("button", name="Tier: priority")).to_be_visible()

    with browser.new_context() as strangers:
        product.sign_in(strangers, register(product.url, "charlie@explorer.test", "Charlie"))
        page = strangers.new_page()
        page.goto(address)
        expect(page.get_by_text("Saved view not found")).to_be_visible()
        assert "gpt-6-sol" not in page.content()
        page.goto(f"{product.url}/usage?range=90d&model=gpt-6-sol&tab=rows")
        expect(page.get_by_text("Nothing matches")).to_be_visible()
        page.get_by_role("button", name="Saved views").click()
        expect(page.get_by_text("A saved view keeps range")).to_be_visible()
