"""Phones, tablets and low windows with names and amounts as long as they may be."""

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session

from guardian.periods import utcnow
from guardian.services.people import audit
from tests.fakes import seed
from tests.ui.conftest import Web
from tests.unit.guard.ledger import add_calls

_WORD = "W" * 100


@pytest.fixture
def company(session: Session) -> seed.Company:
    """A person and a thing of one unbreakable word, and calls for ten millions."""
    found = seed.company(session, "Acme", zone="UTC")
    found.owner.name = _WORD
    found.owner.email = f"{'w' * 60}@acme.example"
    session.add(found.owner)
    add_calls(session, found.actor, utcnow(), "9999999.99")
    audit.record(session, found.actor, "BUDGET_CREATE", resource_type="budget", metadata={"name": _WORD})
    session.commit()
    return found


def test_long_words_neither_widen_a_phones_page_nor_squeeze_what_is_beside_them(
    web: Web, tab: Page, company: seed.Company
) -> None:
    web.sign_in(tab.context, company.token)
    tab.set_viewport_size({"width": 390, "height": 844})
    for address, seen in (("/settings", "Reports by mail"), ("/activity", "What was done"), ("/team", "Members")):
        tab.goto(f"{web.url}{address}")
        expect(tab.get_by_role("heading", name=seen)).to_be_visible()
        assert tab.evaluate("document.documentElement.scrollWidth") == 390, address
    tab.goto(f"{web.url}/activity")
    what = tab.get_by_role("link", name="Set a budget").bounding_box()
    assert what is not None
    assert what["height"] < 30


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_an_amount_is_never_broken_over_two_lines(web: Web, tab: Page, company: seed.Company, width: int) -> None:
    web.sign_in(tab.context, company.token)
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto(f"{web.url}/dashboard")
    expect(tab.get_by_test_id("total-spend")).to_have_text("$9,999,999.99")
    lines = tab.locator(".tile .value [data-exact]").evaluate_all("all => all.map(e => e.getClientRects().length)")
    assert lines
    assert set(lines) == {1}


def test_a_low_window_scrolls_its_sidebar_and_moves_nothing(web: Web, tab: Page, company: seed.Company) -> None:
    web.sign_in(tab.context, company.token)
    tab.set_viewport_size({"width": 1280, "height": 500})
    tab.goto(f"{web.url}/keys")
    expect(tab.get_by_role("link", name="Activity")).to_be_visible()
    brand = tab.locator(".sidebar .brand").bounding_box()
    assert brand is not None
    assert brand["height"] == 32
