"""Dialogs over the life of a tab: a reload, the way back, a connection that was lost, another person."""

from playwright.sync_api import Page, WebSocket, expect
from sqlmodel import Session

from tests.fakes import seed
from tests.ui.conftest import Web


def test_a_reload_closes_the_dialog_and_keeps_what_was_saved(web: Web, tab: Page, company: seed.Company) -> None:
    web.sign_in(tab.context, company.token)
    tab.goto(f"{web.url}/team")
    _make_team(tab, "Search")
    tab.get_by_role("button", name="New team").click()
    tab.get_by_role("dialog").get_by_label("Name").fill("Half typed")
    tab.reload()
    expect(tab.get_by_text("Search", exact=True)).to_be_visible()
    expect(tab.get_by_role("dialog")).to_have_count(0)
    _make_team(tab, "Web")


def test_a_dialog_that_one_went_back_from_is_closed_on_return(web: Web, tab: Page, company: seed.Company) -> None:
    web.sign_in(tab.context, company.token)
    tab.goto(f"{web.url}/dashboard")
    for name, opener in (("Team", "New team"), ("Keys", "Add a key")):
        tab.get_by_role("link", name=name, exact=True).click()
        tab.get_by_role("button", name=opener).first.click()
        expect(tab.get_by_role("dialog")).to_be_visible()
        tab.go_back()
        expect(tab.get_by_role("heading", name="Dashboard", exact=True)).to_be_visible()
        tab.go_forward()
        expect(tab.get_by_role("button", name=opener).first).to_be_enabled()
        expect(tab.get_by_role("dialog")).to_have_count(0)
        tab.get_by_role("button", name=opener).first.click()
        expect(tab.get_by_role("dialog")).to_be_visible()
        tab.keyboard.press("Escape")
        expect(tab.get_by_role("dialog")).to_have_count(0)
        tab.go_back()


def test_what_is_typed_in_a_dialog_survives_a_lost_connection(own_web: Web, tab: Page, company: seed.Company) -> None:
    own_web.sign_in(tab.context, company.token)
    tab.goto(f"{own_web.url}/team")
    tab.get_by_role("button", name="New team").click()
    tab.get_by_role("dialog").get_by_label("Name").fill("Search")
    own_web.stop()
    expect(tab.get_by_text("Offline.")).to_be_visible()
    own_web.start()
    expect(tab.get_by_text("Offline.")).to_have_count(0, timeout=30_000)
    expect(tab.get_by_role("dialog").get_by_label("Name")).to_have_value("Search")
    tab.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(tab.get_by_role("dialog")).to_have_count(0)
    expect(tab.get_by_text("Search", exact=True)).to_be_visible()


def test_the_next_person_in_a_tab_is_sent_nothing_of_the_last(
    session: Session, web: Web, tab: Page, company: seed.Company
) -> None:
    other = seed.company(session, "Globex")
    session.commit()
    web.sign_in(tab.context, company.token)
    tab.goto(f"{web.url}/team")
    expect(tab.get_by_text(company.owner.email).first).to_be_visible()
    received: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: received.append(str(payload)))

    tab.on("websocket", listen)
    web.sign_in(tab.context, other.token)
    tab.reload()
    expect(tab.get_by_text(other.owner.email).first).to_be_visible()
    assert received
    assert company.owner.email not in "".join(received)


def _make_team(tab: Page, name: str) -> None:
    tab.get_by_role("button", name="New team").click()
    tab.get_by_role("dialog").get_by_label("Name").fill(name)
    tab.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(tab.get_by_role("dialog")).to_have_count(0)
    expect(tab.get_by_text(name, exact=True)).to_be_visible()
