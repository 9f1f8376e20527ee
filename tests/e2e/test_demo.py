"""`guardian demo` whole: a month of spend without a key, calls that arrive live, and a stop that leaves nothing."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from guardian.demo.client import Rest
from guardian.demo.place import EMAIL
from guardian.embedded.processes import free_port, wait_until
from guardian.ui import build
from tests.conftest import ROOT

SECONDS = 240
_PASSWORD = re.compile(r"with the password (\S+)")


class Demo:
    """A data directory and two ports, on which `guardian demo` is started, watched and stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "demo"
        self.web, self.gateway = free_port(), free_port()
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self.listener = threading.Thread()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web}"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        # What a real installation uses is in the environment, and must not be used.
        real = {
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/real",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "SMTP_HOST": "smtp.invalid",
            "GUARDIAN_DATA_DIR": str(self.folder.parent / "real"),
        }
        ports = {"GUARDIAN_PORT": str(self.web), "GUARDIAN_GATEWAY_PORT": str(self.gateway)}
        return subprocess.Popen(
            [sys.executable, "-m", "guardian.cli", "demo", "--data-dir", str(self.folder), *arguments],
            cwd=ROOT,
            env={**os.environ, **real, **ports},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self) -> Rest:
        """Start it, wait until it says that it is ready, and sign in as it says."""
        self.lines = []
        self.process = self.start()
        self.listener = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self.listener.start()
        assert wait_until(lambda: self._said("with the password") or self.process_ended, SECONDS)
        assert not self.process_ended, "\n".join(self.lines)
        rest = Rest(self.url)
        rest.sign_in(EMAIL, self.password)
        return rest

    @property
    def password(self) -> str:
        found = _PASSWORD.search("\n".join(self.lines))
        assert found is not None
        return found[1]

    @property
    def process_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self) -> list[psutil.Process]:
        """Ctrl-C; the processes of it that are left then."""
        assert self.process is not None
        supervisor = psutil.Process(self.process.pid)
        family = [supervisor, *supervisor.children(recursive=True)]
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(SECONDS) == 0, "\n".join(self.lines)
        assert self.process.stdout is not None
        self.listener.join(SECONDS)
        self.process.stdout.close()
        return [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]

    def _said(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip())


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    if not build.is_current():
        build.build()
    # Not below pytest's own folder: that is closed to the user that PostgreSQL runs as when root starts it.
    folder = Path(tempfile.mkdtemp(prefix="guardian-demo-"))
    folder.chmod(0o755)
    running = Demo(folder)
    yield running
    if not running.process_ended:
        running.stop()
    shutil.rmtree(folder, ignore_errors=True)


def _calls(rest: Rest) -> list[dict[str, Any]]:
    return rest.data("GET", "/usage?origin=gateway&limit=50")


def test_a_month_of_spend_live_calls_and_nothing_left_running(demo: Demo, browser: Browser) -> None:
    rest = demo.run()
    spent = rest.data("GET", "/usage/summary?groupBy=provider")["totals"]
    assert Decimal(spent["cost"]) > 0
    assert spent["unpricedRows"] == 0
    month = rest.data("GET", "/usage/reconciliation?groupBy=provider")
    assert month["reportedBilled"]["unexplained"] == "0"
    assert Decimal(month["figures"]["tracked"]) < Decimal(month["figures"]["reported"])

    # Calls arrive through the gateway, and keep on arriving.
    assert wait_until(lambda: len(_calls(rest)) >= 2, SECONDS)
    first = {call["id"] for call in _calls(rest)}
    assert wait_until(lambda: bool({call["id"] for call in _calls(rest)} - first), SECONDS)
    assert {call["costSource"] for call in _calls(rest) if call["statusCode"] == 200} == {"computed"}
    budgets = {budget["name"]: budget for budget in rest.data("GET", "/budgets")}
    passed = budgets["Engineering, last 30 days"]
    assert Decimal(passed["spent"]) > Decimal(passed["limit"])
    assert wait_until(lambda: "firing" in [alert["state"] for alert in rest.data("GET", "/alerts")], SECONDS)
    _pages_say_what_it_is(demo, browser)

    born = (demo.folder / "demo.json").read_text()
    assert demo.stop() == []
    assert not (demo.folder.parent / "real").exists()

    # The second start goes on: the same company, the same past, nothing twice.
    rest = demo.run()
    assert (demo.folder / "demo.json").read_text() == born
    assert len(rest.data("GET", "/keys")) == 4
    assert len(rest.data("GET", "/tokens")) == 3
    assert sorted(budget["name"] for budget in rest.data("GET", "/budgets")) == sorted(budgets)
    assert first & {call["id"] for call in rest.data("GET", "/usage?origin=gateway&limit=200")}
    assert demo.stop() == []


def test_it_does_not_start_over_a_real_one(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "encryption.key").write_text("0" * 64)
    process = demo.start("--data-dir", str(tmp_path))
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert re.fullmatch(r"guardian: .* holds data that are no demonstration's: it is left alone\..*\n", said)
    assert [path.name for path in tmp_path.iterdir()] == ["encryption.key"]


def _pages_say_what_it_is(demo: Demo, browser: Browser) -> None:
    """Signed out and in, and where there is no page; the mail says so in its subject."""
    with browser.new_context() as context:
        tab = context.new_page()
        tab.set_default_timeout(30_000)
        tab.goto(demo.url)
        _labelled(tab)
        tab.get_by_label("E-mail").fill(EMAIL)
        tab.get_by_label("Password").fill(demo.password)
        tab.get_by_role("button", name="Sign in", exact=True).click()
        tab.wait_for_url("**/dashboard")
        expect(tab.get_by_test_id("total-spend")).to_contain_text("$")
        for page in ("/dashboard", "/requests", "/keys", "/nowhere"):
            tab.goto(demo.url + page)
            _labelled(tab)
    mails = list((demo.folder / "mailbox").glob("*.eml"))
    assert mails
    assert all("Subject: [Demonstration] " in mail.read_text(errors="replace") for mail in mails)


def _labelled(tab: Page) -> None:
    expect(tab.get_by_role("note")).to_contain_text("Demonstration", timeout=30_000)
