"""The price page in a browser: a price shown before it is agreed, a queue that empties itself, and its looks."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from guardian import db
from guardian.jobs.repricing import reprice
from guardian.models import PriceOverride, RepriceRun
from guardian.models.enums import Provider
from guardian.periods import floor_hour, utcnow
from guardian.records import UsageCounts, UsageRecord
from guardian.services.ledger.writing.rows import LedgerAccount
from tests.fakes import seed
from tests.ui.conftest import Web


@pytest.fixture
def company(session: Session) -> seed.Company:
    """A company with a week of usage, and a call of a model that nobody knows."""
    found = seed.company(session, "Acme")
    seed.usage(session, found, 7)
    account = LedgerAccount(
        organization_id=found.organization.id, provider=Provider.XAI, account_id="team-1", user_id=found.owner.id
    )
    start = floor_hour(utcnow() - timedelta(days=1))
    record = UsageRecord(
        provider=Provider.XAI,
        operation="chat",
        model="grok-9-fast",
        start=start,
        end=start + timedelta(hours=1),
        counts=UsageCounts(input_tokens=1_000_000),
        requests=10,
    )
    seed.add_usage(session, account, start, record)
    session.commit()
    return found


def _open(web: Web, tab: Page, token: str, address: str = "/prices") -> None:
    web.sign_in(tab.context, token)
    tab.goto(web.url + address)
    tab.get_by_role("heading", name="What a model costs").wait_for()


def _fill(tab: Page, amount: str) -> None:
    tab.get_by_role("button", name="Agree on a price").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_label("Models").fill("gpt-6-sol")
    dialog.get_by_label("Input", exact=True).fill(amount)
    dialog.get_by_role("button", name="Show an example call").click()


def test_a_price_is_shown_with_its_factor_before_it_is_agreed(
    session: Session, web: Web, tab: Page, company: seed.Company
) -> None:
    _open(web, tab, company.token)
    _fill(tab, "0.002")
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("is a 1,000th of the list price of $2")
    expect(dialog).to_contain_text("A call of 1,000 in + 500 out of gpt-6-sol costs $0.005002")
    assert session.exec(select(PriceOverride)).all() == []
    dialog.get_by_role("button", name="It is meant: agree on it").click()
    row = tab.get_by_test_id("agreed").filter(has_text="gpt-6-sol")
    expect(row).to_contain_text("$0.002 in")
    expect(row).to_contain_text("Holds")
    session.rollback()
    (stored,) = session.exec(select(PriceOverride)).all()
    assert stored.prices == {"input_tokens": "0.002"}


def test_one_click_empties_the_queue_and_the_page_follows(
    session: Session, web: Web, tab: Page, company: seed.Company
) -> None:
    _open(web, tab, company.token)
    row = tab.get_by_test_id("unpriced").filter(has_text="grok-9-fast")
    row.get_by_role("button", name="Price like").click()
    run = tab.get_by_test_id("run").first
    expect(run).to_contain_text("waiting for a worker")
    reprice(session.exec(select(RepriceRun.id)).one())
    # Nobody touches the page: it hears of the run's end by itself.
    expect(run).to_contain_text("Applied")
    expect(row).to_have_count(0)
    run.get_by_role("button", name="Undo").click()
    expect(run).to_contain_text("Putting back the old prices")
    reprice(session.exec(select(RepriceRun.id)).one())
    expect(run).to_contain_text("1 row put back as they were.")
    expect(row).to_have_count(1)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_it_is_accessible_and_fits(web: Web, tab: Page, company: seed.Company, width: int, scheme: str) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    _open(web, tab, company.token, "/prices?model=gpt-5.4")
    expect(tab.get_by_test_id("found")).to_contain_text("uncached input tokens")
    for _ in range(2):
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()
        if not tab.get_by_role("dialog").count():
            _fill(tab, "0.002")
            expect(tab.get_by_role("dialog")).to_contain_text("1,000th")
    with db.session() as session:
        assert session.exec(select(PriceOverride)).all() == []
