"""The budgets page in a browser: a budget in three clicks, the look at the past, and figures that follow usage."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session

from guardian import live
from guardian.periods import DAY, floor_month, utcnow
from guardian.services.ledger.queries.caching import invalidate_organization
from tests.fakes import seed
from tests.ui.conftest import Web
from tests.unit.guard.ledger import add_calls


@pytest.fixture
def company(session: Session) -> seed.Company:
    """Last month: $10 a day for 20 days; this month: $40."""
    found = seed.company(session, "Acme", zone="UTC")
    first = floor_month(floor_month(utcnow()) - DAY)
    for day in range(20):
        add_calls(session, found.actor, first + day * DAY + timedelta(hours=12), "10")
    add_calls(session, found.actor, utcnow(), "40")
    session.commit()
    return found


@pytest.fixture
def page(web: Web, tab: Page, company: seed.Company) -> Page:
    web.sign_in(tab.context, company.token)
    tab.goto(f"{web.url}/budgets")
    expect(tab.get_by_text("No budget yet")).to_be_visible()
    return tab


def test_a_budget_in_three_clicks(page: Page, company: seed.Company, session: Session) -> None:
    page.get_by_role("button", name="New budget").click()
    form = page.get_by_role("dialog", name="New budget")
    expect(form.get_by_text("Last month: $200.00.")).to_be_visible()
    expect(form.get_by_label("Limit in dollars")).to_have_value("250")
    expect(form.get_by_text("Last month, $200.00 was spent")).to_be_visible()
    form.get_by_label("Hard").click()
    form.get_by_role("button", name="Set the budget").click()
    card = page.get_by_test_id("budget")
    expect(card).to_contain_text("Everything, every month")
    expect(card).to_contain_text("$210.00")
    expect(card).to_contain_text("Hard")
    # Usage that arrives is there without anybody asking.
    add_calls(session, company.actor, utcnow(), "190")
    session.commit()
    invalidate_organization(company.organization.id)
    live.publish("org", company.organization.id, live.USAGE_UPDATE)
    expect(card).to_contain_text("$20.00")
    expect(card).to_contain_text("Near its limit")
    card.get_by_role("link", name="Rows behind it").click()
    expect(page.get_by_test_id("total-spend").or_(page.get_by_text("$230.00")).first).to_be_visible()


def test_the_past_follows_what_is_typed(page: Page) -> None:
    page.get_by_role("button", name="New budget").click()
    form = page.get_by_role("dialog", name="New budget")
    amount = form.get_by_label("Limit in dollars")
    expect(amount).to_have_value("250")
    amount.fill("100")
    expect(form.locator("figcaption")).to_contain_text("100\u00a0% on 10")
    # The field was not made anew while somebody typed in it.
    expect(amount).to_be_focused()
    form.get_by_label("Counted").select_option("ROLLING")
    form.get_by_label("Days to look back over").fill("7")
    expect(form.locator("figcaption")).to_contain_text("the last 7 days")
    form.get_by_label("For", exact=True).select_option("tag")
    form.get_by_label("Which").fill("nonsense")
    expect(form.locator("figcaption")).to_contain_text("see how the past would have run")
    form.get_by_role("button", name="Set the budget").click()
    expect(form.get_by_text("Give the tag as name=value")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("No budget yet")).to_be_visible()


def test_a_limit_is_raised_and_a_budget_deleted(page: Page) -> None:
    page.get_by_role("button", name="New budget").click()
    page.get_by_role("button", name="Set the budget").click()
    card = page.get_by_test_id("budget")
    card.get_by_role("button", name="More for Everything, every month").click()
    page.get_by_role("button", name="Raise for a time").click()
    raising = page.get_by_role("dialog")
    expect(raising.get_by_label("Limit until then, in dollars")).to_have_value("300")
    raising.get_by_label("Why").fill("launch week")
    raising.get_by_role("button", name="Raise the limit").click()
    expect(card).to_contain_text("Raised from $250.00 by Mia Winter")
    expect(card).to_contain_text("launch week")
    card.get_by_role("button", name="End the raise").click()
    expect(card).not_to_contain_text("launch week")
    card.get_by_role("button", name="More for Everything, every month").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_label("Type Everything, every month to confirm").fill("Everything, every month")
    page.get_by_role("button", name="Delete the budget").click()
    expect(page.get_by_text("No budget yet")).to_be_visible()
