"""A plan's life in a browser: chosen, paid at Stripe, told by signed messages, changed, ended, owed; and its PDF."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader
from sqlmodel import Session

from guardian.models.enums import Plan
from tests.fakes import seed
from tests.fakes.stripe_server import FakeStripe
from tests.ui.conftest import Web


@pytest.fixture
def company(session: Session) -> seed.Company:
    found = seed.company(session, "Acme", zone="UTC")
    found.organization.plan = Plan.FREE
    session.add(found.organization)
    session.commit()
    return found


@pytest.fixture
def stripe(company: seed.Company, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        fake.configure(monkeypatch.setenv)
        yield fake


@pytest.fixture
def page(stripe: FakeStripe, own_web: Web, tab: Page, company: seed.Company) -> Page:
    own_web.sign_in(tab.context, company.token)
    tab.goto(f"{own_web.url}/billing")
    expect(tab.get_by_test_id("plan")).to_have_text("Free")
    return tab


def tell(stripe: FakeStripe, web: Web) -> None:
    """Stripe sends its news, each twice."""
    events = stripe.news() * 2
    assert set(stripe.send(f"{web.url}/api/v1/billing/webhook", events)) == {200}


def test_a_plan_is_taken_out_changed_and_ended(page: Page, stripe: FakeStripe, own_web: Web) -> None:
    page.get_by_role("button", name="Choose Growth").click()
    # Stripe's page takes the money and leads back; until its message comes, nothing has changed.
    expect(page.get_by_text("Stripe has your order")).to_be_visible()
    expect(page.get_by_test_id("plan")).to_have_text("Free")
    tell(stripe, own_web)
    expect(page.get_by_test_id("plan")).to_have_text("Growth")
    expect(page.get_by_text("Stripe has your order")).to_have_count(0)
    expect(page.get_by_test_id("invoice")).to_have_count(1)
    page.get_by_role("button", name="Move to Scale").click()
    form = page.get_by_role("dialog", name="Move to Scale")
    expect(form.get_by_test_id("due")).to_have_text("$300.00")
    form.get_by_role("button", name="Move to Scale").click()
    expect(page.get_by_test_id("plan")).to_have_text("Scale")
    tell(stripe, own_web)
    expect(page.get_by_test_id("invoice")).to_have_count(2)
    page.get_by_role("button", name="End the subscription").click()
    page.get_by_role("dialog").get_by_role("button", name="End the subscription").click()
    expect(page.get_by_text("After that the plan Free holds.")).to_be_visible()
    page.get_by_role("button", name="Go on after all").click()
    expect(page.get_by_text("Renews on")).to_be_visible()
    page.get_by_role("button", name="Cards and addresses").click()
    expect(page.get_by_role("heading", name="Stripe's portal")).to_be_visible()


def test_what_is_owed_is_said_on_every_page_and_the_invoice_is_there_as_a_pdf(
    page: Page, stripe: FakeStripe, own_web: Web
) -> None:
    page.get_by_role("button", name="Choose Starter").click()
    expect(page.get_by_text("Stripe has your order")).to_be_visible()
    stripe.books.declines = True
    stripe.books.renew(stripe.books.all("subscription")[0]["id"])
    tell(stripe, own_web)
    expect(page.get_by_test_id("invoice")).to_have_count(2)
    expect(page.get_by_text("Open", exact=True)).to_be_visible()
    page.goto(f"{own_web.url}/keys")
    expect(page.get_by_text("A payment failed. The plan Starter stays until")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Plan and invoices").click()
    with page.expect_download() as begun:
        page.get_by_role("link", name="Invoice ACME-0002 as PDF").click()
    path = begun.value.path()
    assert begun.value.suggested_filename == "invoice-ACME-0002.pdf"
    words = PdfReader(BytesIO(Path(path).read_bytes())).pages[0].extract_text()
    assert "Invoice ACME-0002" in words
    assert "$29.00 are still to be paid." in words
