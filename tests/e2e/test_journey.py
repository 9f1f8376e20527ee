"""From a provider's key to a live dashboard, the whole way over real HTTP: the station to end at is the exact cent.

What the contracts' paired examples cost, by hand, at the prices in force (dollars a million tokens):

    gpt-6-sol, default     350,000 × 2.00 + 800,000 cached × 0.20 + 50,000 written × 2.50 + 90,000 out × 10   1.885
    gpt-5.4-mini, batch    5,400,000 × 0.375 + 610,000 out × 2.25                                           3.3975
    gpt-6-sol, priority    (190,000 × 2.00 + 120,000 cached × 0.20 + 21,000 out × 10) × 2                    1.228
    OpenAI                                                                                                  6.5105
    claude-opus-5-5        1 M × 4 + 1 M read × 0.20 + 1 M written × 5 + 1 M out × 20 + 3 searches × 0.01     29.23
    claude-haiku-4-5       (52,000 × 1 + 8,100 out × 5) / 2 for the batch                                   0.04625
    Anthropic                                                                                             29.27625
"""

from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from guardian.periods import DAY
from tests.e2e import driving
from tests.e2e.conftest import FIRST_DAY, Frames, Product
from tests.fakes import anthropic_api, openai_api
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import Key

OPENAI, ANTHROPIC = Decimal("6.5105"), Decimal("29.27625")
FIRST, THIRD = Decimal("5.2825"), Decimal("1.228")


def test_from_an_openai_key_to_a_live_dashboard(
    product: Product, fake: FakeProvider, tab: Page, frames: Frames
) -> None:
    # 1 million tokens of gpt-6-sol at $2 in calls far from a long context, restated to 1.5 million later on.
    late = fake.openai.plant_completion(
        int((FIRST_DAY + DAY).timestamp()),
        uncached=1_000_000,
        output=0,
        num_model_requests=400,
        model="gpt-6-sol",
        project_id="proj_web",
        api_key_id="key_Ab1",
    )
    driving.sign_up(tab, product, "mia@openai.test", "Acme")
    expect(tab.get_by_text("Nothing is connected yet")).to_be_visible()
    tab.get_by_role("link", name="Add a key").click()
    expect(tab.get_by_text("No key yet")).to_be_visible()

    _refused_keys(tab)
    _good_key(tab, fake)
    total = _dashboard(tab, product, OPENAI + 2)
    for day, spent in ((FIRST_DAY, FIRST), (FIRST_DAY + DAY, Decimal(2)), (FIRST_DAY + 2 * DAY, THIRD)):
        tab.goto(f"{product.url}/dashboard?from={day:%Y-%m-%d}&to={day:%Y-%m-%d}")
        expect(total).to_have_attribute("data-exact", f"{spent.normalize():f}")

    # A planted change, a pull, and the open page moves by itself.
    tab.goto(f"{product.url}/dashboard?range=90d")
    expect(total).to_have_text("$8.51")
    tab.evaluate("window.notReloaded = true")
    fake.openai.usage["completions"].restate(
        late, input_tokens=1_500_000, input_uncached_tokens=1_500_000, input_text_tokens=1_500_000
    )
    other = tab.context.new_page()
    other.goto(f"{product.url}/keys")
    card = driving.key_card(other, "Production")
    card.get_by_role("button", name="Pull now").click()
    expect(total).to_have_text("$9.51", timeout=driving.PULL_SECONDS)
    assert driving.exact(total) == OPENAI + 3
    assert tab.evaluate("window.notReloaded") is True
    # The other page told how it went, without a reload either.
    driving.pulled(card, "changed 1")

    _delete_key(other)
    expect(total).to_have_text("$9.51")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    other.goto(f"{product.url}/keys")
    other.wait_for_url(f"{product.url}/?next=%2Fkeys")
    for secret in (openai_api.ADMIN_KEY, openai_api.PROJECT_KEY):
        assert not [frame for frame in frames.received if secret in frame]
        assert secret not in product.logs()


def _refused_keys(tab: Page) -> None:
    """A wrong key is told to be wrong; an inference key is kept, and told to be of the wrong kind for reports."""
    tab.get_by_role("button", name="Add a key").click()
    driving.fill_key(tab, "OpenAI", "Production", "sk-admin-wrong-0123456789abcdef")
    alert = tab.get_by_role("dialog").get_by_role("alert")
    expect(alert).to_contain_text("OpenAI does not accept this key: it is wrong, revoked or expired.")
    expect(alert).to_contain_text("Nothing was stored.")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    expect(tab.get_by_text("No key yet")).to_be_visible()

    tab.get_by_role("button", name="Add a key").click()
    driving.fill_key(tab, "OpenAI", "Chatbot", openai_api.PROJECT_KEY)
    card = driving.key_card(tab, "Chatbot")
    expect(card.get_by_text("Inference key")).to_be_visible()
    expect(card.get_by_text("This key reads no reports")).to_be_visible()
    expect(card.get_by_role("button", name="Pull now")).to_have_count(0)


def _good_key(tab: Page, fake: FakeProvider) -> None:
    """The back-fill of 90 days begins at once, and its progress is seen to move."""
    # Slow enough that somebody who watches sees it move.
    fake.latency = 0.15
    tab.get_by_role("button", name="Add a key").click()
    driving.fill_key(tab, "OpenAI", "Production", openai_api.ADMIN_KEY)
    card = driving.key_card(tab, "Production")
    bar = card.get_by_role("progressbar", name="Pulling 90 days")
    expect(bar).to_be_visible()
    expect(bar).not_to_have_attribute("aria-valuenow", "0", timeout=driving.PULL_SECONDS)
    fake.latency = 0.0
    driving.pulled(card, "read ")
    expect(card.get_by_text("Works")).to_be_visible()
    for report in ("/organization/usage/completions", "/organization/costs"):
        assert [request for request in fake.requests(report) if dict(request.query).get("page")], "no page was turned"


def _dashboard(tab: Page, product: Product, spent: Decimal) -> Locator:
    tab.get_by_role("link", name="Dashboard", exact=True).click()
    tab.wait_for_url("**/dashboard")
    tab.get_by_role("link", name="90 days").click()
    total = tab.get_by_test_id("total-spend")
    expect(total).to_have_attribute("data-exact", f"{spent.normalize():f}")
    expect(total).to_have_text("$8.51")
    assert driving.breakdown(tab, "By model") == {"gpt-6-sol": Decimal("5.113"), "gpt-5.4-mini": Decimal("3.3975")}
    assert driving.breakdown(tab, "By project") == {"Web": Decimal("5.113"), "Etl": Decimal("3.3975")}
    assert driving.breakdown(tab, "By provider key") == {
        "web production": Decimal("5.113"),
        "etl nightly": Decimal("3.3975"),
    }
    # The provider's own cost report, tool calls included: 1.885 + 3.3975 + 0.035.
    expect(tab.get_by_text("$5.32", exact=True)).to_be_visible()
    return total


def _delete_key(tab: Page) -> None:
    card = driving.key_card(tab, "Production")
    card.get_by_role("button", name="More for Production").click()
    tab.get_by_role("button", name="Delete").click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("It is the last active admin key of this account: its figures stop being updated.")
    confirm = dialog.get_by_role("button", name="Delete the key")
    expect(confirm).to_be_disabled()
    dialog.get_by_label("Type Production to confirm").fill("Production")
    confirm.click()
    expect(tab.get_by_text("Production is deleted.")).to_be_visible()
    expect(card).to_have_count(0)
    expect(driving.key_card(tab, "Chatbot")).to_be_visible()


def test_from_an_anthropic_key_to_the_cent(product: Product, fake: FakeProvider, tab: Page) -> None:
    driving.sign_up(tab, product, "mia@anthropic.test", "Claude users")
    tab.goto(f"{product.url}/keys")
    card = driving.add_key(tab, "Anthropic", "Claude", anthropic_api.ADMIN_KEY)
    expect(card).to_contain_text("Organization Name")
    tab.goto(f"{product.url}/dashboard?range=90d")
    total = tab.get_by_test_id("total-spend")
    expect(total).to_have_text("$29.28")
    assert driving.exact(total) == ANTHROPIC
    assert driving.breakdown(tab, "By model") == {
        "claude-opus-5-5": Decimal("29.23"),
        "claude-haiku-4-5-20251001": Decimal("0.04625"),
    }
    assert driving.breakdown(tab, "By project")["Workspace Name"] == Decimal("0.04625")
    assert driving.breakdown(tab, "By provider key")["Developer Key"] == Decimal("29.23")


def test_a_revoked_key_says_so_on_the_page_and_by_mail(
    product: Product, fake: FakeProvider, tab: Page, browser: Browser
) -> None:
    driving.sign_up(tab, product, "mia@revoked.test", "Unlucky")
    tab.goto(f"{product.url}/keys")
    card = driving.add_key(tab, "OpenAI", "Soon revoked", openai_api.ADMIN_KEY)
    fake.openai.keys[openai_api.ADMIN_KEY].revoked = True
    card.get_by_role("button", name="Pull now").click()
    expect(card.get_by_text("Rejected")).to_be_visible(timeout=driving.PULL_SECONDS)
    expect(card).to_contain_text("OpenAI does not accept this key: it is wrong, revoked or expired.")
    expect(card).to_contain_text("Replace it with a valid one.")
    tab.goto(f"{product.url}/dashboard?range=90d")
    expect(tab.get_by_text("Soon revoked")).to_be_visible()
    expect(tab.get_by_test_id("total-spend")).to_have_text("$6.51")

    with browser.new_context() as admins:
        product.sign_in(admins, product.admin)
        page = admins.new_page()
        page.goto(f"{product.url}/admin")
        mail = page.get_by_role("link").filter(has_text="mia@revoked.test")
        mail.filter(has_text="Your OpenAI key needs attention").click()
        body = page.frame_locator("iframe")
        # Whole: lists of mails are shown the beginning of it too, in a part that is not to be seen.
        said = body.get_by_text("The usage of your OpenAI key “Soon revoked” can no longer be pulled.", exact=True)
        expect(said).to_be_visible()

    # A new key in its place, and all is well.
    fake.openai.keys["sk-admin-second-0123456789abcdef"] = Key("admin")
    tab.goto(f"{product.url}/keys")
    card = driving.key_card(tab, "Soon revoked")
    card.get_by_role("button", name="Replace the key").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_label("Key", exact=True).fill("sk-admin-second-0123456789abcdef")
    dialog.get_by_role("button", name="Test and replace").click()
    expect(card.get_by_text("Works")).to_be_visible(timeout=driving.PULL_SECONDS)
    driving.pulled(card, "nothing new")


@pytest.mark.parametrize("where", ["/keys", "/settings", "/dashboard?range=7d"])
def test_a_link_leads_back_after_signing_in(product: Product, tab: Page, where: str) -> None:
    tab.goto(product.url + where)
    tab.get_by_label("E-mail").fill("admin@guardian.test")
    tab.get_by_label("Password").fill("wrong words in a row")
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    expect(tab.get_by_label("E-mail")).to_have_value("admin@guardian.test")
    tab.get_by_label("Password").fill("four words in a row")
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url(product.url + where)
