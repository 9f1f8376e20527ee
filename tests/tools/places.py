"""Folders in which tests run servers: open to the user that root's run as, so that all their files are in them, and
gone after the run. What a run that was killed left behind goes when the next one begins."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "guardian-tests-"
# Locked as long as the run lives, and by its end unlocked, whatever ended it. Children do not inherit the lock.
_OWNER = "owner"


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that others may walk through, as most places for a data directory are; pytest's own is closed."""
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    folder.chmod(0o711)
    with (folder / "draft").open("w") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        (folder / "draft").rename(folder / _OWNER)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned() -> None:
    """Embedded servers end with the process that started them, so nothing works in a folder without an owner."""
    for owner in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_OWNER}"):
        with suppress(OSError), owner.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(owner.parent, ignore_errors=True)
