"""The installation in a browser: looking through another's eyes and back, the log of it, and the looks of each page."""

from decimal import Decimal
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlmodel import Session

from guardian.models import Budget, User
from guardian.models.enums import UserRole
from guardian.services.people import audit
from guardian.services.people.access.passwords import hash_password
from guardian.services.people.mail import note_failure, queue_mail
from tests.fakes import seed
from tests.ui.conftest import Web

ADDRESSES = (
    "/admin",
    "/admin/organizations",
    "/admin/users",
    "/admin/providers",
    "/admin/mail",
    "/admin/monitoring",
    "/activity",
)


@pytest.fixture
def root(session: Session) -> seed.Company:
    """Who runs the installation, with a log of some lines, and a mail that was given up."""
    found = seed.company(session, "Acme", role=UserRole.SUPER_ADMIN)
    budget = Budget(organization_id=found.actor.organization_id, name="All of it", limit=Decimal(10))
    session.add(budget)
    session.flush()
    audit.record(session, found.actor, "BUDGET_CREATE", resource_type="budget", resource_id=budget.id)
    budget.limit = Decimal(20)
    audit.record(session, found.actor, "BUDGET_UPDATE", resource_type="budget", resource_id=budget.id)
    mail = queue_mail(session, to="nobody@acme.example", subject="A key needs you", text="T", kind="key")
    session.commit()
    note_failure(session, mail.id, "550 5.1.1 The mailbox does not exist", permanent=True)
    session.commit()
    return found


@pytest.fixture
def customer(session: Session) -> seed.Company:
    found = seed.company(session, "Globex")
    session.commit()
    return found


def _open(web: Web, tab: Page, token: str, address: str) -> None:
    web.sign_in(tab.context, token)
    tab.goto(web.url + address)
    expect(tab.locator(".frame .skeleton")).to_have_count(0)


def test_through_another_persons_eyes_and_back(web: Web, tab: Page, root: seed.Company, customer: seed.Company) -> None:
    _open(web, tab, root.token, "/admin/users?q=globex")
    expect(tab.get_by_test_id("impersonation")).to_have_count(0)
    tab.get_by_role("button", name="More about mia@globex.example").click()
    tab.get_by_role("button", name="Look through their eyes").click()
    asked = tab.get_by_role("dialog", name="Look through another person's eyes")
    asked.get_by_label("Why").fill("They asked us to look at a budget.")
    asked.get_by_role("button", name="Look").click()
    tab.wait_for_url("**/dashboard")
    banner = tab.get_by_test_id("impersonation")
    expect(banner).to_contain_text("mia@globex.example at Globex")
    tab.goto(web.url + "/activity")
    expect(banner).to_be_visible()
    expect(tab.get_by_role("link", name="Began to look through a person's eyes")).to_be_visible()
    banner.get_by_role("button", name="End").click()
    tab.wait_for_url("**/admin/users")
    expect(tab.get_by_test_id("impersonation")).to_have_count(0)
    tab.goto(web.url + "/activity")
    expect(tab.get_by_role("link", name="Began to look through a person's eyes")).to_be_visible()


def test_an_organization_is_disabled_and_its_people_are_told_why_they_cannot_sign_in(
    web: Web, tab: Page, session: Session, root: seed.Company, customer: seed.Company
) -> None:
    person = session.get_one(User, customer.actor.user_id)
    person.password_hash = hash_password("a long enough password")
    session.commit()
    _open(web, tab, root.token, "/admin/organizations?q=globex")
    row = tab.locator("#organizations tbody tr")
    row.get_by_role("button", name="Disable").click()
    asked = tab.get_by_role("dialog", name="Disable Globex?")
    asked.get_by_label("Why").fill("They do not pay.")
    asked.get_by_label("Type Globex to confirm").fill("globex")
    asked.get_by_role("button", name="Disable").click()
    expect(asked.get_by_role("alert")).to_contain_text("Type Globex to disable this organization.")
    _looks(tab, "the dialog")
    asked.get_by_label("Type Globex to confirm").fill("Globex")
    asked.get_by_role("button", name="Disable").click()
    expect(row.get_by_text("Disabled", exact=True)).to_be_visible()
    expect(row).to_contain_text("They do not pay.")
    tab.context.clear_cookies()
    tab.goto(web.url)
    tab.get_by_label("E-mail").fill("mia@globex.example")
    tab.get_by_label("Password").fill("a long enough password")
    tab.get_by_role("button", name="Sign in", exact=True).click()
    expect(tab.get_by_role("alert")).to_contain_text("Your organization is disabled")
    expect(tab.get_by_role("alert")).to_contain_text("Ask who runs this installation")
    _open(web, tab, root.token, "/admin/organizations?q=globex")
    row.get_by_role("button", name="Enable").click()
    expect(row.get_by_role("button", name="Disable")).to_be_visible()
    expect(row.get_by_text("Disabled", exact=True)).to_have_count(0)


def test_a_line_of_the_log_opens(web: Web, tab: Page, root: seed.Company) -> None:
    _open(web, tab, root.token, "/activity")
    tab.get_by_role("link", name="Changed a budget").click()
    panel = tab.get_by_role("dialog", name="Changed a budget")
    expect(panel.get_by_role("region", name="What changed, before and after")).to_contain_text("20")
    tab.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Export CSV").click()
    assert "BUDGET_UPDATE" in download.value.path().read_text(encoding="utf-8")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_each_page_is_accessible_and_nothing_overflows(
    web: Web, tab: Page, root: seed.Company, customer: seed.Company, scheme: Literal["light", "dark"], width: int
) -> None:
    tab.set_viewport_size({"width": width, "height": 844})
    tab.emulate_media(color_scheme=scheme)
    for address in ADDRESSES:
        _open(web, tab, root.token, address)
        _looks(tab, address)
    tab.get_by_role("link", name="Changed a budget").click()
    expect(tab.get_by_role("dialog")).to_be_visible()
    _looks(tab, "the panel")


def _looks(tab: Page, what: str) -> None:
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), what
    found = Axe().run(tab)
    assert found.violations_count == 0, f"{what}: {found.generate_report()}"
