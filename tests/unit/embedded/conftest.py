"""Folders in which embedded servers can live, gone after the test with everything that still runs in them."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from guardian.embedded.home import ELSEWHERE
from guardian.embedded.processes import stop, working_in


@pytest.fixture
def open_dir(open_dir: Path) -> Iterator[Path]:
    """As for all tests, and what a test puts elsewhere or leaves running goes too."""
    folder = open_dir
    before = set(ELSEWHERE.glob("*")) if ELSEWHERE.exists() else set()
    yield folder
    places = [folder, *(path for path in ELSEWHERE.glob("*") if path not in before and _mentions(folder, path))]
    for place in places:
        for program in ("postgres", "redis-server"):
            for working in (place, *(path for path in place.rglob("*") if path.name in ("cluster", "redis"))):
                stop(working_in(working, program), ((signal.SIGKILL, 5.0),))
        shutil.rmtree(place, ignore_errors=True)


def _mentions(folder: Path, place: Path) -> bool:
    """Whether a data directory below `folder` remembers a server in `place`."""
    return any(str(place) in memory.read_text() for memory in folder.rglob("*.json"))
