"""The alerts page in a browser: a sentence that follows the fields, news on every open page, and its looks."""

from datetime import timedelta
from decimal import Decimal
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from guardian import live
from guardian.models import Alert, AlertGroup
from guardian.models.enums import AlertState, AlertType
from guardian.periods import floor_hour, utcnow
from guardian.services.guard import alerts
from guardian.services.guard.alerts import NewAlert
from guardian.services.ledger.sql.partitions import ensure_partitions
from tests.fakes import seed
from tests.ui.conftest import Web
from tests.unit.guard.ledger import add_calls


@pytest.fixture
def company(session: Session) -> seed.Company:
    """A company that once spent $80 in an hour."""
    found = seed.company(session, "Acme")
    now = floor_hour(utcnow())
    ensure_partitions(session, now - timedelta(days=40), now)
    add_calls(session, found.actor, now - timedelta(days=4, minutes=20), "80")
    session.commit()
    return found


@pytest.fixture
def firing(session: Session, company: seed.Company) -> str:
    """The id of an alert that fires for two models."""
    wanted = NewAlert(name="Spend", type=AlertType.COST_THRESHOLD, threshold=Decimal(50), group_by="model")
    found = alerts.create_alert(session, company.actor, wanted).alert.id
    for key in ("gpt-5", "ft:gpt-4.1-mini-2025-04-14:acme-research-and-development:customer-support-classifier-v17"):
        session.add(AlertGroup(alert_id=found, group_key=key, state=AlertState.FIRING, fired_at=utcnow()))
    session.get_one(Alert, found).state = AlertState.FIRING
    alerts.test_alert(session, company.actor, found)
    session.commit()
    return found


def _open(web: Web, tab: Page, token: str, address: str = "/alerts") -> None:
    web.sign_in(tab.context, token)
    tab.goto(web.url + address)
    expect(tab.locator(".frame .skeleton")).to_have_count(0)


def test_an_alert_is_built_from_a_ready_made_one(session: Session, web: Web, tab: Page, company: seed.Company) -> None:
    _open(web, tab, company.token)
    tab.get_by_role("group", name="Ready-made alerts").get_by_role("button", name="Spend in a day").click()
    builder = tab.get_by_role("dialog", name="New alert")
    sentence, preview = builder.get_by_test_id("sentence"), builder.get_by_test_id("preview")
    expect(sentence).to_contain_text("AI provider spend is above $50.00 in a calendar day.")
    expect(preview).to_contain_text("Would have fired once in the last 30 days")
    builder.get_by_label("Threshold, dollars").fill("90")
    expect(sentence).to_contain_text("above $90.00")
    expect(preview).to_contain_text("Would not have fired in the last 30 days; the nearest that it came was $80.00.")
    builder.get_by_label("What it looks at").select_option("team")
    builder.get_by_label("Which one").fill("web")
    builder.get_by_label("Its owner by e-mail").uncheck()
    expect(sentence).to_contain_text("Show here, and tell nobody, when AI provider spend of team web")
    builder.get_by_label("Name").fill("Web")
    builder.get_by_role("button", name="Watch it").click()
    expect(builder).to_be_hidden()
    expect(tab.get_by_test_id("alert")).to_contain_text(
        "tell nobody, when AI provider spend of team web is above $90.00"
    )
    row = session.exec(select(Alert)).one()
    assert (row.name, row.threshold, row.notify_email) == ("Web", Decimal(90), False)


def test_an_alert_shows_at_once_on_a_page_about_something_else(
    web: Web, tab: Page, company: seed.Company, firing: str, session: Session
) -> None:
    other = seed.company(session, "Globex")
    session.commit()
    _open(web, tab, company.token, "/keys")
    badge = tab.get_by_test_id("alerts-firing")
    expect(badge.first).to_have_text("1")
    facts = {"alertId": firing, "name": "Spend", "state": "firing", "sentence": "AI provider spend was $71.50."}
    live.publish("org", other.organization.id, live.ALERT_TRIGGERED, {**facts, "sentence": "Somebody else's."})
    live.publish("org", company.organization.id, live.ALERT_TRIGGERED, facts)
    expect(tab.get_by_text("AI provider spend was $71.50.")).to_be_visible()
    expect(tab.get_by_text("Somebody else's.")).to_have_count(0)
    alerts.acknowledge(session, company.actor, firing)
    session.commit()
    live.publish("org", company.organization.id, live.ALERT_TRIGGERED, {**facts, "state": "acknowledged"})
    expect(badge).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_accessible_and_nothing_overflows(
    web: Web, tab: Page, company: seed.Company, firing: str, scheme: Literal["light", "dark"], width: int
) -> None:
    tab.set_viewport_size({"width": width, "height": 844})
    tab.emulate_media(color_scheme=scheme)
    _open(web, tab, company.token, f"/alerts?alert={firing}")
    expect(tab.get_by_test_id("change")).to_have_count(1)
    _looks(tab)
    tab.get_by_role("dialog").get_by_role("button", name="Edit").click()
    expect(tab.get_by_test_id("preview")).to_be_visible()
    _looks(tab)


def _looks(tab: Page) -> None:
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
