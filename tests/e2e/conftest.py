"""The whole product, started once by `guardian up` against a provider that is a real HTTP server, and a browser."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, expect, sync_playwright

from guardian.periods import DAY, floor_day
from guardian.ui import build
from guardian.ui.cookie import COOKIE_NAME
from tests.conftest import ROOT
from tests.fakes import oidc_server
from tests.fakes.oidc_server import OidcServer
from tests.fakes.provider_server import FakeProvider
from tests.tools.chromium import executable

_CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-quic",
    "--disable-component-update",
    "--disable-sync",
)
# What another run, or whoever runs the tests, may have set: this product brings its own servers.
_FOREIGN = ("DATABASE_URL", "REDIS_URL", "ENCRYPTION_KEY", "PUBLIC_URL", "SMTP_HOST", "SENTRY_DSN")
PASSWORD = "four words in a row"
START_SECONDS = 180
# The contracts' examples are moved so that their first day is one that every pull reads again: three days ago.
FIRST_DAY = floor_day(datetime.now(UTC)) - 3 * DAY


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("e2e"))


@dataclass(frozen=True)
class Product:
    """A running `guardian up`; `admin` is the session cookie of the person who runs the installation."""

    url: str
    provider: FakeProvider
    issuer: OidcServer
    process: "subprocess.Popen[bytes]"
    folder: Path
    admin: str

    def logs(self) -> str:
        """Everything that every process of it has said."""
        texts = [path.read_text(errors="replace") for path in sorted((self.folder / "data" / "logs").glob("*.log"))]
        return "\n".join([(self.folder / "up.log").read_text(errors="replace"), *texts])

    def sign_in(self, context: BrowserContext, token: str) -> None:
        context.add_cookies([{"name": COOKIE_NAME, "value": token, "url": self.url, "httpOnly": True}])


@dataclass
class Frames:
    """What the server sent to a tab over its WebSocket, and what the tab sent."""

    received: list[str] = field(default_factory=list[str])
    sent: list[str] = field(default_factory=list[str])

    def listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: self.received.append(str(payload)))
        socket.on("framesent", lambda payload: self.sent.append(str(payload)))


@pytest.fixture(scope="package")
def product() -> Iterator[Product]:
    """Started once for all tests of this folder, on free ports, with a data directory of its own."""
    if not build.is_current():
        build.build()
    # Not below pytest's own folder: that is closed to the user that PostgreSQL runs as when root starts it.
    folder = Path(tempfile.mkdtemp(prefix="guardian-e2e-"))
    folder.chmod(0o755)
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    with FakeProvider() as provider, OidcServer() as issuer, (folder / "up.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "guardian.cli", "up"],
            cwd=ROOT,
            env={
                **{name: value for name, value in os.environ.items() if name not in _FOREIGN},
                "GUARDIAN_DATA_DIR": str(folder / "data"),
                "GUARDIAN_PORT": str(port),
                "GUARDIAN_GATEWAY_PORT": str(_free_port()),
                "OPENAI_BASE_URL": provider.openai_url,
                "ANTHROPIC_BASE_URL": provider.anthropic_url,
                "OIDC_ISSUER": issuer.url,
                "OIDC_CLIENT_ID": oidc_server.CLIENT_ID,
                "OIDC_CLIENT_SECRET": oidc_server.CLIENT_SECRET,
                "OIDC_NAME": "Acme SSO",
            },
            stdout=output,
            stderr=output,
        )
        try:
            _wait_until_ready(process, folder / "up.log")
            yield Product(url, provider, issuer, process, folder, register(url, "admin@guardian.test", "Ada Admin"))
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(timeout=90)
            shutil.rmtree(folder, ignore_errors=True)
    assert status == 0


@pytest.fixture
def fake(product: Product) -> FakeProvider:
    return as_described(product.provider)


# Not for the whole session: while Playwright runs, no other test of this process can run an event loop of its own.
@pytest.fixture(scope="package")
def browser() -> Generator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable(), args=list(_CHROMIUM_ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    expect.set_options(timeout=20_000)  # a busy machine is no reason to fail
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def tab(context: BrowserContext, frames: Frames) -> Iterator[Page]:
    """A tab that fails its test when the page's script fails or the browser refuses something by policy."""
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda m: problems.append(m.text) if "Content Security Policy" in m.text else None)
    opened.on("websocket", frames.listen)
    yield opened
    assert problems == []


def as_described(provider: FakeProvider) -> FakeProvider:
    """The provider as the contracts' examples describe it, whatever an earlier test has planted or broken."""
    provider.heal()
    provider.renew()
    provider.load_examples("openai", FIRST_DAY)
    provider.load_examples("anthropic", FIRST_DAY)
    # A pull asks for as much as fits on a page; the provider gives less, so that every walk has pages to turn.
    provider.openai.usage_page_cap, provider.openai.costs_page_cap, provider.anthropic.page_cap = 60, 12, 60
    provider.latency = 0.0
    provider.log.clear()
    return provider


def register(url: str, email: str, name: str, company: str = "") -> str:
    """A new person over REST; the value of their session cookie."""
    body = json.dumps({"email": email, "password": PASSWORD, "name": name, "company": company or f"{name}'s"}).encode()
    request = Request(f"{url}/api/v1/auth/register", body, {"Content-Type": "application/json", "Origin": url})
    with urlopen(request, timeout=30) as answer:
        found = re.search(rf"{COOKIE_NAME}=([^;]+)", answer.headers["Set-Cookie"])
    assert found is not None
    return found[1]


def wait_for(holds: Callable[[], bool], seconds: float, why: Callable[[], str]) -> None:
    """Poll until it holds; fail with `why` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, why()
        time.sleep(0.1)


def _wait_until_ready(process: "subprocess.Popen[bytes]", log: Path) -> None:
    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        return "is ready" in log.read_text()

    wait_for(ready, START_SECONDS, log.read_text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
