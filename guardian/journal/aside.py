"""Records that the ledger did not take: kept beside their journal with the reason, and read back to be sent again."""

import base64
import binascii
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import structlog

from guardian.journal.positions import sync_folder
from guardian.periods import rfc3339, utcnow

NAME = "set-aside.jsonl"
WARNING = (
    "Calls are set aside that the ledger has refused: `guardian doctor` says where, `guardian ship --resend` sends."
)
_TAKEN = ".resending"
_MOST_BYTES = 64 * 1024**2

log = structlog.get_logger(__name__)


class Aside(NamedTuple):
    """A line of the file; `record` is None where the line is none of ours."""

    line: str
    record: bytes | None


def keep(folder: Path, refused: Sequence[tuple[bytes, str]]) -> None:
    """Keep records, each with its reason, up to a size that no disk minds; they are on disk when this returns."""
    path = folder / NAME
    for record, reason in refused:
        line = line_of(record, reason)
        if path.exists() and path.stat().st_size + len(line) > _MOST_BYTES:
            log.error("shipping.lost", file=str(path), reason=reason, record=line)
            continue
        log.error("shipping.set_aside", file=str(path), reason=reason)
        _append(path, [line])


def any_below(parent: Path) -> bool:
    """Whether a journal below this folder has records that were set aside."""
    return any(path.stat().st_size for path in parent.glob(f"*/{NAME}*"))


def take(path: Path) -> Path:
    """Put the file where nobody writes to it any more, behind what an interrupted run of before left there.

    Raises FileNotFoundError where there is neither.
    """
    taken = path.with_name(path.name + _TAKEN)
    if not taken.exists():
        path.rename(taken)
    elif path.exists():
        # In this order: what is in both, should it be stopped between the two, is sent twice and counted once.
        _append(taken, path.read_text(encoding="utf-8").splitlines())
        path.unlink()
    sync_folder(path.parent)
    return taken


def read(path: Path) -> Iterator[Aside]:
    """The lines of a file."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if text := line.strip():
                yield Aside(text, _record(text))


def put_back(path: Path, lines: Sequence[str], taken: Path) -> None:
    """What is still refused goes back to the file, and what was taken from it is done."""
    if lines:
        _append(path, lines)
    taken.unlink(missing_ok=True)
    sync_folder(path.parent)


def line_of(record: bytes, reason: str) -> str:
    """A line for a record that is refused now."""
    text = base64.b64encode(record).decode()
    return json.dumps({"at": rfc3339(utcnow()), "reason": reason, "record": text})


def _record(line: str) -> bytes | None:
    try:
        told = json.loads(line)
        return base64.b64decode(cast("str", told["record"]), validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None


def _append(path: Path, lines: Sequence[str]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
