"""Where journals are: each process writes to a folder of its own, and takes over one that nobody holds any more."""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from guardian.journal.positions import sync_folder

_OWNER, _READER = "owner.lock", "reader.lock"


@dataclass(frozen=True, slots=True)
class Held:
    """A folder that this process holds until `release`, or until it ends, however it ends."""

    path: Path
    descriptor: int

    def release(self) -> None:
        os.close(self.descriptor)


def own_folder(parent: Path) -> Held:
    """A folder below `parent` that nobody else holds: an abandoned one, with what is in it, else a new one.

    Raises OSError where it cannot be made.
    """
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in _numbered(parent):
        if (held := hold(path)) is not None:
            return held
    number = 1
    while True:
        path = parent / f"{number:04d}"
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
            continue
        sync_folder(parent)
        if (held := hold(path)) is not None:
            return held


def abandoned(parent: Path) -> list[Held]:
    """The folders below `parent` that nobody holds, held now: what is in them has lost its process."""
    return [held for path in _numbered(parent) if (held := hold(path)) is not None]


def hold(path: Path) -> Held | None:
    """Hold the folder as its only writer; None where somebody else does."""
    return _lock(path, _OWNER)


def hold_reading(path: Path) -> Held | None:
    """Hold the folder as its only reader; None where somebody else does."""
    return _lock(path, _READER)


def journal_folders(parent: Path) -> list[Path]:
    """Every journal's folder below `parent`, held or not."""
    return _numbered(parent)


def _lock(path: Path, name: str) -> Held | None:
    descriptor = os.open(path / name, os.O_RDWR | os.O_CREAT, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Held(path, descriptor)
    os.close(descriptor)
    return None


def _numbered(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.name.isdecimal() and path.is_dir())
