"""A page while something is away: the database, the web process itself, a provider that refuses a key."""

import psycopg
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import Session, select

from guardian.config import settings
from guardian.models import ApiKey, Organization
from guardian.models.enums import Provider, SyncStatus
from guardian.periods import DAY, utcnow
from tests.conftest import Servers
from tests.fakes import seed
from tests.ui.conftest import Web


def test_without_a_database_the_page_says_so_and_recovers(
    session: Session, environment: Servers, web: Web, tab: Page, signed_in: str
) -> None:
    session.rollback()
    name = settings().require_database_url().rsplit("/", 1)[1]
    web.sign_in(tab.context, signed_in)
    with psycopg.connect(environment.database_url("postgres"), autocommit=True) as admin:
        _rename(admin, name, f"{name}_away")
        try:
            tab.goto(f"{web.url}/dashboard")
            expect(tab.get_by_role("alert")).to_contain_text("The database does not answer.")
            request_id = tab.get_by_role("alert").locator("code").inner_text()
            assert len(request_id) > 10
            expect(tab.get_by_test_id("total-spend")).to_have_count(0)
        finally:
            _rename(admin, f"{name}_away", name)
    tab.get_by_role("button", name="Try again").click()
    expect(tab.get_by_test_id("total-spend")).to_be_visible()
    expect(tab.get_by_role("alert")).to_have_count(0)


def test_a_lost_connection_shows_a_banner_and_the_page_is_fresh_when_it_is_back(
    session: Session, own_web: Web, tab: Page, signed_in: str
) -> None:
    own_web.sign_in(tab.context, signed_in)
    tab.goto(f"{own_web.url}/dashboard")
    # The menu of narrow screens has it too.
    expect(tab.get_by_text("Acme", exact=True).first).to_be_visible()
    tab.evaluate("window.notReloaded = true")
    own_web.stop()
    expect(tab.get_by_text("Offline.")).to_be_visible()
    organization = session.exec(select(Organization)).one()
    organization.name = "Acme Holding"
    session.add(organization)
    session.commit()
    own_web.start()
    expect(tab.get_by_text("Acme Holding", exact=True).first).to_be_visible(timeout=30_000)
    expect(tab.get_by_text("Offline.")).to_have_count(0)
    assert tab.evaluate("window.notReloaded") is True


def test_a_script_that_fails_leaves_words_and_a_way_on(own_web: Web, context: BrowserContext, signed_in: str) -> None:
    own_web.sign_in(context, signed_in)
    tab = context.new_page()
    tab.goto(f"{own_web.url}/dashboard")
    tab.get_by_test_id("total-spend").wait_for()
    own_web.stop()
    tab.get_by_text("Offline.").wait_for()
    # What React is about to remove is gone already, as after a browser extension's work: it throws.
    tab.evaluate("document.querySelector('.offline').remove()")
    own_web.start()
    expect(tab.get_by_text("This page could not be shown")).to_be_visible(timeout=30_000)
    tab.get_by_role("button", name="Reload").click()
    expect(tab.get_by_test_id("total-spend")).to_be_visible()


def test_pulls_that_run_and_that_fail_are_told(session: Session, web: Web, tab: Page, signed_in: str) -> None:
    now = utcnow()
    openai, anthropic = (session.exec(select(ApiKey).where(ApiKey.provider == p)).one() for p in _PROVIDERS)
    running = seed.pull(openai, now - 90 * DAY, now, SyncStatus.RUNNING)
    failed = seed.pull(anthropic, now - 3 * DAY, now, SyncStatus.FAILED)
    failed.error = "Anthropic says that this key is revoked. Replace it with a new admin key."
    session.add_all([running, failed])
    session.commit()
    web.sign_in(tab.context, signed_in)
    tab.goto(f"{web.url}/dashboard")
    bar = tab.get_by_role("progressbar", name="Pulling OpenAI, main")
    expect(bar).to_have_attribute("aria-valuenow", "42")
    expect(tab.get_by_text("about 2 min left")).to_be_visible()
    expect(tab.get_by_text("this key is revoked")).to_be_visible()
    expect(tab.get_by_role("link", name="Open keys")).to_be_visible()


_PROVIDERS = (Provider.OPENAI, Provider.ANTHROPIC)


def _rename(admin: psycopg.Connection, name: str, other: str) -> None:
    """A database by another name is away for everybody who is, or wants to be, connected."""
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    admin.execute(f"ALTER DATABASE {name} RENAME TO {other}".encode())
