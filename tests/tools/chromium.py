"""Finds a Chromium for the browser tests, or gets one: `python -m tests.tools.chromium`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_ADVICE = (
    "No Chromium was found for the browser tests. Put one on the PATH (Debian and Ubuntu: sudo apt install chromium), "
    "or let Playwright fetch its own: .venv/bin/playwright install chromium"
)


class ChromiumMissing(Exception):
    """There is none; the message says what to install."""


def executable() -> str:
    """The path of a Chromium: one on the PATH, else Playwright's own. Raises ChromiumMissing."""
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return found
    own = _playwrights_own()
    if own is None:
        raise ChromiumMissing(_ADVICE)
    return own


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _install() -> None:
    """Debian's own package, as root; Playwright's download needs a host that many machines cannot reach."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise ChromiumMissing(_ADVICE)
    print("No Chromium yet: installing Debian's (a minute or two)…", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", "chromium"]):
        if subprocess.run([apt, *arguments], env=environment, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            raise ChromiumMissing(f"apt-get {arguments[0]} failed. {_ADVICE}")


def main() -> None:
    """Say which Chromium the tests will use. Exit status 1 and what to do when there is none."""
    try:
        try:
            found = executable()
        except ChromiumMissing:
            _install()
            found = executable()
    except ChromiumMissing as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    print(f"Chromium for the browser tests: {found}")


if __name__ == "__main__":
    main()
