"""The pages of calls in a browser: calls arrive by themselves, wait while paused, and each has its own address."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import Session

from guardian import live
from guardian.models.base import new_id
from guardian.periods import utcnow
from guardian.services.ledger.queries import invalidate_organization
from guardian.services.ledger.writing.calls import Call
from tests.fakes import seed
from tests.ui import calls
from tests.ui.conftest import Web


def _open(web: Web, tab: Page, of: seed.Company, address: str = "/requests") -> None:
    web.sign_in(tab.context, of.token)
    tab.goto(web.url + address)
    expect(tab.locator(".skeleton")).to_have_count(0)
    expect(tab.locator(".body[aria-busy=true]")).to_have_count(0)


def _happens(session: Session, of: seed.Company, *made: Call) -> None:
    """Stored and told as what is shipped from a gateway's journal."""
    calls.write(session, of, *made)
    invalidate_organization(of.organization.id)
    live.publish("org", of.organization.id, live.USAGE_UPDATE)


def test_calls_arrive_without_a_reload_and_wait_while_it_is_paused(
    session: Session, web: Web, tab: Page, company: seed.Company
) -> None:
    _open(web, tab, company)
    expect(tab.get_by_text("No call yet")).to_be_visible()
    expect(tab.locator(".code-block")).to_contain_text("http://127.0.0.1:8001/openai/v1/chat/completions")
    tab.evaluate("window.untouched = true")
    _happens(session, company, calls.call(company, model="gpt-5-mini", cost="0.0042"))
    rows = tab.locator("#calls tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("$0.0042")
    _happens(session, company, calls.call(company, model="gpt-5.1"))
    expect(rows.first).to_contain_text("gpt-5.1")
    expect(rows.first).to_have_class(re.compile("fresh"))

    tab.get_by_role("button", name="Pause").click()
    expect(tab.get_by_role("button", name="Continue")).to_be_visible()
    _happens(session, company, calls.call(company, model="gpt-4o"), calls.call(company, model="o3"))
    expect(tab.get_by_test_id("waiting")).to_have_text("2 waiting")
    expect(rows).to_have_count(2)
    # What is looked at meanwhile does not end the pause.
    rows.first.click()
    expect(tab.get_by_test_id("call-cost")).to_be_visible()
    tab.go_back()
    expect(tab.get_by_test_id("waiting")).to_have_text("2 waiting")
    tab.get_by_role("button", name="Continue").click()
    expect(rows).to_have_count(4)
    expect(tab.get_by_test_id("waiting")).to_have_text("")
    assert tab.evaluate("window.untouched") is True


def test_calls_are_found_by_text_by_status_and_by_the_form(
    session: Session, web: Web, tab: Page, company: seed.Company
) -> None:
    calls.write(session, company, *calls.many(session, company, 60))
    _open(web, tab, company)
    rows = tab.locator("#calls tbody tr")
    expect(rows).to_have_count(50)
    tab.keyboard.press("/")
    expect(tab.get_by_label("Find calls")).to_be_focused()
    tab.keyboard.type("customer-3")
    tab.keyboard.press("Enter")
    expect(rows).to_have_count(9)
    tab.get_by_role("link", name="Remove the filter Text").click()
    expect(rows).to_have_count(50)
    tab.get_by_role("link", name="Failed").click()
    expect(tab.get_by_role("link", name="Remove the filter Status")).to_be_visible()
    assert set(rows.locator(".badge").all_inner_texts()) == {"429", "502"}
    tab.get_by_role("link", name="All calls").click()
    expect(rows).to_have_count(50)
    tab.get_by_role("button", name="Filter", exact=True).click()
    tab.get_by_label("Provider", exact=True).select_option("ANTHROPIC")
    tab.get_by_label("Caller").select_option("nightly batch (token)")
    tab.get_by_role("button", name="Show these calls").click()
    expect(rows).to_have_count(20)
    expect(tab.get_by_label("Caller")).to_be_hidden()
    assert "provider=ANTHROPIC" in tab.url
    tab.reload()
    expect(rows).to_have_count(20)
    tab.get_by_role("button", name="Filter", exact=True).click()
    expect(tab.get_by_label("Caller").locator("option:checked")).to_have_text("nightly batch (token)")
    tab.keyboard.press("Escape")
    # A live call that the filter does not pass stays out.
    _happens(session, company, calls.call(company, model="gpt-4o"))
    tab.get_by_role("link", name="Clear all").click()
    expect(rows.first).to_contain_text("gpt-4o")


def test_a_call_has_an_address_that_can_be_opened_and_shared(
    session: Session, web: Web, tab: Page, company: seed.Company
) -> None:
    calls.write(session, company, *calls.many(session, company, 8))
    theirs = seed.company(session, "Globex")
    calls.write(session, theirs, calls.call(theirs, model="secret-model"))
    _open(web, tab, company)
    tab.locator("#calls tbody tr").nth(6).click()
    expect(tab.get_by_role("heading", name="One call")).to_be_visible()
    expect(tab.get_by_text("Until the first token")).to_have_count(0)
    expect(tab.locator("#attempts tbody tr")).to_have_count(2)
    cost = tab.get_by_test_id("call-cost").get_attribute("data-exact")
    answer = tab.goto(tab.url)
    assert answer is not None
    assert answer.status == 200
    expect(tab.get_by_test_id("call-cost")).to_have_attribute("data-exact", cost or "")
    tab.get_by_role("link", name="All calls").click()
    expect(tab.locator("#calls tbody tr")).to_have_count(8)
    for id in (calls.ids(session, theirs)[0], new_id()):
        tab.goto(f"{web.url}/requests/{id}")
        expect(tab.get_by_role("heading", name="There is no such call")).to_be_visible()
        assert "secret-model" not in tab.content()


def test_set_up_is_copied_from_the_settings(
    web: Web, context: BrowserContext, tab: Page, company: seed.Company
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=web.url)
    _open(web, tab, company)
    tab.get_by_role("link", name="Connect an application").first.click()
    tab.get_by_text("Anthropic SDK, Python", exact=True).click()
    tab.get_by_role("button", name="Copy the set-up for Anthropic SDK, Python").click()
    assert 'base_url="http://127.0.0.1:8001/anthropic"' in tab.evaluate("navigator.clipboard.readText()")
    tab.get_by_text("Claude Code", exact=True).click()
    expect(tab.locator("[data-setup=claude-code] pre")).to_be_visible()
    expect(tab.locator("[data-setup=anthropic-python] pre")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_is_accessible_and_fits_a_phone(
    session: Session, web: Web, tab: Page, company: seed.Company, scheme: str
) -> None:
    tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # pyright: ignore[reportArgumentType]  # one of its words
    _open(web, tab, company)
    expect(tab.get_by_text("No call yet")).to_be_visible()
    _check(tab, "empty")
    calls.write(session, company, *calls.many(session, company, 80), _long(session, company))
    longest, *others = calls.ids(session, company)
    called = others[6]
    for address, shown in (
        ("/requests", "81 calls since"),
        ("/requests?status=error&model=gpt-5-mini", "Status: failed"),
        ("/requests?q=nothing", "No call matches"),
        ("/settings", "Connect an application"),
    ):
        _open(web, tab, company, address)
        # The tab's State is that of the address before until it has read this one.
        expect(tab.get_by_text(shown).first).to_be_visible()
        if address == "/settings":
            tab.get_by_text("curl", exact=True).click()
        _check(tab, address)
    for id in (called, longest):
        _open(web, tab, company, f"/requests/{id}")
        expect(tab.get_by_test_id("call-cost")).to_be_visible()
        tab.get_by_text("Raw fields").click()
        _check(tab, f"call {id}")


def _long(session: Session, of: seed.Company) -> Call:
    """A call of which every text is as long as it can be, some without a place to break."""
    word, words = "x" * 200, "words and more words " * 9
    key, token = calls.key(session, of, words[:100]), calls.token(session, of, words[:100])
    tried = [{"key": key.id, "model": word, "status": 503, "error": word}, {"key": key.id, "status": 200}]
    return calls.call(
        of,
        at=utcnow(),
        model=word,
        api_key_id=key.id,
        access_token_id=token.id,
        status_code=502,
        error=word,
        session=word,
        tags={"team": words, word[:64]: word},
        metadata={"endUser": word, "fallbackFrom": word, "attempts": tried, "requestId": new_id(), word: word},
        response_time=100_000_000,
    )


def _check(tab: Page, what: str) -> None:
    # Old data is dimmed until the new is there, and comes back over 120 ms: text has its contrast after that.
    expect(tab.locator(".body")).to_have_css("opacity", "1")
    expect(tab.locator(".body[aria-busy=true]")).to_have_count(0)
    for width in (1280, 900, 640, 390):
        tab.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(tab)
        assert found.violations_count == 0, f"{what} at {width}: {found.generate_report()}"
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, f"{what} at {width}"
    tab.set_viewport_size({"width": 1280, "height": 900})
