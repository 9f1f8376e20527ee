"""The first steps in a browser: a card that goes with what is done, stays put away, and is gone in the end."""

from playwright.sync_api import Locator, Page, expect

from tests.e2e import driving
from tests.e2e.conftest import Product
from tests.fakes import openai_api
from tests.fakes.provider_server import FakeProvider


def test_from_nothing_to_all_steps_done(product: Product, fake: FakeProvider, tab: Page) -> None:
    driving.sign_up(tab, product, "mia@steps.test", "First steps")
    card = tab.get_by_test_id("setup")
    expect(card).to_contain_text("0 of 4 steps done")
    assert _states(card) == ["next", "later", "later", "later"]

    # Put away: it stays away over a reload, and comes back when it is asked for.
    card.get_by_role("button", name="Not now").click()
    expect(card).to_have_count(0)
    tab.reload()
    expect(tab.get_by_text("Nothing is connected yet")).to_be_visible()
    expect(card).to_have_count(0)
    tab.get_by_role("button", name="Go on with them").click()
    expect(card).to_contain_text("0 of 4 steps done")

    # Looking at a step is not doing it.
    card.get_by_role("link", name="Connect a provider").click()
    tab.wait_for_url("**/keys")
    tab.go_back()
    expect(card).to_contain_text("0 of 4 steps done")
    card.get_by_role("link", name="Connect a provider").click()
    driving.add_key(tab, "OpenAI", "Production", openai_api.ADMIN_KEY)
    tab.goto(f"{product.url}/dashboard?range=90d")
    expect(card).to_contain_text("2 of 4 steps done")
    assert _states(card) == ["done", "done", "next", "later"]

    card.get_by_role("button", name="Skip: Invite the team").click()
    expect(card.locator("li").nth(3)).to_have_attribute("data-state", "skipped")
    card.get_by_role("link", name="Set a budget").click()
    tab.wait_for_url("**/budgets")
    tab.get_by_role("button", name="New budget").click()
    form = tab.get_by_role("dialog", name="New budget")
    form.get_by_label("Limit in dollars").fill("100")
    form.get_by_role("button", name="Set the budget").click()
    expect(tab.get_by_test_id("budget")).to_be_visible()
    tab.goto(f"{product.url}/dashboard?range=90d")
    expect(tab.get_by_test_id("total-spend")).to_contain_text("$")
    # All done or skipped: nothing is left of it.
    expect(card).to_have_count(0)
    expect(tab.get_by_role("button", name="Go on with them")).to_have_count(0)


def _states(card: Locator) -> list[str | None]:
    return [step.get_attribute("data-state") for step in card.locator("li").all()]
