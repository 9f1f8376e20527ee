"""What people do in the pages, as steps of a journey."""

from decimal import Decimal

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import PASSWORD, Product

# A back-fill asks some 60 pages of a provider that answers at once; the machine may be busy.
PULL_SECONDS = 90_000


def sign_up(tab: Page, product: Product, email: str, company: str) -> None:
    """From the sign-in page to the dashboard of a new organization."""
    tab.goto(product.url)
    tab.get_by_role("link", name="Create an account").click()
    tab.get_by_label("Your name").fill("Mia Winter")
    tab.get_by_label("Company").fill(company)
    tab.get_by_label("E-mail").fill(email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Create account").click()
    tab.wait_for_url("**/dashboard")


def sign_in(tab: Page, product: Product, email: str, password: str = PASSWORD) -> None:
    tab.goto(product.url)
    tab.get_by_label("E-mail").fill(email)
    tab.get_by_label("Password").fill(password)
    tab.get_by_role("button", name="Sign in").click()


def fill_key(tab: Page, provider: str, label: str, secret: str) -> None:
    """Fill the open form in and submit it."""
    dialog = tab.get_by_role("dialog")
    dialog.get_by_label(provider).check()
    dialog.get_by_label("Label").fill(label)
    dialog.get_by_label("Key", exact=True).fill(secret)
    dialog.get_by_role("button", name="Test and save").click()


def add_key(tab: Page, provider: str, label: str, secret: str) -> Locator:
    """On the key manager: store a key and wait until its back-fill is over; its card."""
    tab.get_by_role("button", name="Add a key").click()
    fill_key(tab, provider, label, secret)
    card = key_card(tab, label)
    pulled(card)
    return card


def key_card(tab: Page, label: str) -> Locator:
    return tab.get_by_test_id("key").filter(has=tab.get_by_role("heading", name=label, exact=True))


def pulled(card: Locator, said: str = "read ") -> None:
    """Wait until the key's pull is over, as the page itself tells."""
    expect(card.get_by_text(said)).to_be_visible(timeout=PULL_SECONDS)
    expect(card.get_by_role("progressbar")).to_have_count(0, timeout=PULL_SECONDS)


def exact(amount: Locator) -> Decimal:
    """The whole amount behind what is shown."""
    return Decimal(amount.get_attribute("data-exact") or "NaN")


def breakdown(tab: Page, title: str) -> dict[str, Decimal]:
    """The rows of a card of the dashboard: what is shown as name, and the exact amount."""
    rows = tab.locator(".card", has=tab.get_by_role("heading", name=title, exact=True)).get_by_role("listitem")
    return {row.locator(".name > span").first.inner_text(): exact(row.locator("[data-exact]")) for row in rows.all()}
