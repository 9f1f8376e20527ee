"""Pages under test: a State without a browser, and the whole web process with one."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import reflex as rx
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from reflex.istate.data import HeaderData, ReflexURL, SessionData, URLData
from sqlmodel import Session

from guardian.ui import build
from guardian.ui.cookie import COOKIE_NAME, seal
from guardian.ui.live_hub import hub
from tests.conftest import ENCRYPTION_KEY, ROOT, Servers
from tests.fakes import seed

S = TypeVar("S", bound=rx.State)
T = TypeVar("T")
_CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-quic",
    "--disable-component-update",
    "--disable-sync",
)
StatePage = Callable[..., Any]


@pytest.fixture
def page_of() -> Iterator[StatePage]:
    """Makes a State as a browser's tab has it: `page_of(KeysState, token, "/keys?x=1")`; token None is signed out.

    Private API of Reflex, in this one place.
    """

    def make(state_class: type[S], token: str | None = None, address: str = "/") -> S:
        found = state_class(_reflex_internal_init=True)
        root = found._get_root_state()
        root.rx_router_headers = HeaderData(cookie=seal(token) if token else "")
        root.rx_router_session = SessionData(client_token="tab-1", client_ip="127.0.0.1", session_id="socket-1")
        root.rx_router_url = URLData.from_url(ReflexURL(f"http://127.0.0.1{address}"))
        return found

    yield make
    hub.forget("tab-1")


@dataclass
class Web:
    """A web process on its own port; `log` is what it printed."""

    port: int
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "web.log").read_text()

    def start(self) -> None:
        """Serve, and wait until it answers."""
        variables = {
            **os.environ,
            "GUARDIAN_PORT": str(self.port),
            "GUARDIAN_DATA_DIR": str(self.folder / "data"),
            "ENCRYPTION_KEY": ENCRYPTION_KEY,
        }
        command = "from guardian.config import settings; from guardian.ui.server import serve; serve(settings())"
        with (self.folder / "web.log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", command], cwd=ROOT, env=variables, stdout=output, stderr=output
            )
        wait_for(self._is_up, 60, lambda: self.log)

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        return _answers(f"{self.url}/ping")

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> int:
        """SIGTERM, and its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=30)

    def sign_in(self, context: BrowserContext, token: str) -> None:
        """Give a browser the session cookie of that token."""
        context.add_cookies([{"name": COOKIE_NAME, "value": token, "url": self.url, "httpOnly": True}])


@pytest.fixture(scope="session")
def built_pages() -> Path:
    """The pages, built if they are not there or older than the code."""
    build.ensure_built()
    return build.PAGES


@pytest.fixture
def database_name(request: pytest.FixtureRequest) -> str | None:
    """The web process that tests share finds the database of each under the same name."""
    return "of_web" if "web" in request.fixturenames else None


@pytest.fixture(scope="package")
def shared_web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Started by the first test that needs it: it takes some seconds."""
    served = Web(free_port(), tmp_path_factory.mktemp("web"))
    yield served
    if served.is_running:
        served.stop()


@pytest.fixture
def web(built_pages: Path, environment: Servers, shared_web: Web) -> Web:
    """The web process on a free port, with the test's own database and an empty Redis."""
    if not shared_web.is_running:
        shared_web.start()
    return shared_web


@pytest.fixture
def own_web(built_pages: Path, environment: Servers, tmp_path: Path) -> Iterator[Web]:
    """A web process of the test's own, which it may stop."""
    served = Web(free_port(), tmp_path)
    try:
        served.start()
        yield served
    finally:
        served.stop()


@pytest.fixture
def company(session: Session) -> seed.Company:
    """An organization with its people, and nothing in it."""
    found = seed.company(session, "Acme")
    session.commit()
    return found


@pytest.fixture
def signed_in(session: Session) -> str:
    """The cookie's value of somebody whose organization has 60 days of usage."""
    company = seed.company(session, "Acme")
    seed.usage(session, company)
    session.commit()
    return company.token


# Not for the whole session: while Playwright runs, no other test of this process can run an event loop of its own.
@pytest.fixture(scope="package")
def browser() -> Generator[Browser]:
    """A Chromium of the machine, else Playwright's own."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(_CHROMIUM_ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Generator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture
def tab(context: BrowserContext) -> Generator[Page]:
    """A tab that fails its test when the page's script fails or the browser refuses something by policy."""
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda m: problems.append(m.text) if "Content Security Policy" in m.text else None)
    yield opened
    assert problems == []


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread: Playwright keeps an event loop in the tests' own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(holds: Callable[[], bool], seconds: float, why: Callable[[], str] = lambda: "") -> None:
    """Poll until it holds; fail with `why` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, why()
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False
