"""From the commit of a pull to the figure on the screen: five open dashboards, in a real browser, over the real web."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlmodel import Session, select

from guardian import db, live
from guardian.embedded.processes import free_port, wait_until
from guardian.models import SyncRun
from guardian.models.enums import Provider
from guardian.periods import HOUR, floor_hour, utcnow
from guardian.records import UsageCounts, UsageRecord
from guardian.services.ledger.writing.rows import LedgerAccount
from guardian.ui import build
from guardian.ui.cookie import COOKIE_NAME
from tests.bench.figures import Figure, figure, measure
from tests.bench.place import FULL, Place, place
from tests.conftest import ROOT
from tests.fakes import seed
from tests.tools.chromium import executable

TARGET = 500.0  # ms, p95, from commit to DOM
PAGES = 5
CHANGES = 60 if FULL else 6
_OPENED = 20 if FULL else 3  # how often a page is opened anew, to compare with
_WARM_UP = 2
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-quic",
    "--disable-component-update",
    "--disable-sync",
    # Four of the five pages are behind the first one; browsers slow those down.
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
)
# Notes when each amount came to be in the page. The clock is this machine's, as is the bench's.
_WATCH = """() => {
    window.seen = {};
    const note = () => {
        const total = document.querySelector("[data-testid=total-spend]");
        if (total && !(total.dataset.exact in window.seen)) window.seen[total.dataset.exact] = Date.now();
    };
    new MutationObserver(note).observe(document.body, {subtree: true, childList: true, attributes: true});
    note();
}"""
_TOTAL = "document.querySelector('[data-testid=total-spend]').dataset.exact"


def run() -> list[Figure]:
    """Both figures, from a web process of its own that is gone afterwards."""
    if not build.is_current():
        build.build()
    with place() as at, Session(db.engine()) as session:
        company = seed.company(session, "Acme")
        seed.usage(session, company, days=90)
        session.commit()
        with _web(at) as url, _browser() as browser:
            pages = [_open(browser, url, company.token) for _ in range(PAGES)]
            taken: list[float] = []
            for number in range(_WARM_UP + CHANGES):
                found = _change(session, company, pages, number)
                taken += found if number >= _WARM_UP else []
            opened = measure([partial(_open, browser, url, company.token)] * _OPENED)
    anew = "dashboard opened anew, until its total shows"
    return [
        figure(f"live: commit to DOM, {PAGES} open pages", taken, target=TARGET, beside=anew),
        figure(anew, opened),
    ]


def _change(session: Session, company: seed.Company, pages: list[Page], number: int) -> list[float]:
    """One more hour of usage, stored and told as a pull does; milliseconds until each page showed it."""
    before = pages[0].evaluate(_TOTAL)
    committed = _commit(session, company, number)
    taken: list[float] = []
    for page in pages:
        expect(page.get_by_test_id("total-spend")).not_to_have_attribute("data-exact", before, timeout=30_000)
        taken.append(page.evaluate(f"window.seen[{_TOTAL}]") - committed)
    return taken


def _commit(session: Session, company: seed.Company, number: int) -> float:
    """When it was committed, in milliseconds of this machine's clock."""
    account = LedgerAccount(
        organization_id=company.organization.id,
        provider=Provider.OPENAI,
        account_id="org-openai-1",
        user_id=company.owner.id,
    )
    # Another hour each time, and dearer each time.
    hour = floor_hour(utcnow()) - (1 + number % 20) * HOUR
    record = UsageRecord(
        provider=Provider.OPENAI,
        operation="chat",
        model="gpt-4o",
        start=hour,
        end=hour + HOUR,
        counts=UsageCounts(input_tokens=1_000_000 * (number + 1)),
        requests=1_000,
    )
    seed.add_usage(session, account, hour, record)
    for run in session.exec(select(SyncRun)):
        run.rows_read += 1
    session.commit()
    committed = time.time() * 1000
    live.publish("org", company.organization.id, live.USAGE_UPDATE)
    return committed


def _open(browser: Browser, url: str, token: str) -> Page:
    """A dashboard in a browser profile of its own, as another colleague would have it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": COOKIE_NAME, "value": token, "url": url, "httpOnly": True}])
    page = context.new_page()
    page.goto(f"{url}/dashboard?range=7d")
    page.get_by_test_id("total-spend").wait_for()
    page.evaluate(_WATCH)
    return page


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable(), args=list(_FLAGS))
        yield launched
        launched.close()


@contextmanager
def _web(at: Place) -> Iterator[str]:
    """`guardian web` on a free port until the block ends; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (at.folder / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "guardian.cli", "web"],
            cwd=ROOT,
            env={**at.environment, "GUARDIAN_PORT": str(port)},
            stdout=log,
            stderr=log,
        )
    try:
        if not wait_until(partial(_answers, f"{url}/health/live"), 60):
            raise RuntimeError(f"guardian web did not start: {(at.folder / 'web.log').read_text()[-2_000:]}")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
