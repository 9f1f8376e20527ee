"""Records that were set aside, sent to the ledger again: after an update that reads them, or a mended database."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guardian import db
from guardian.errors import NotFoundError, ValidationError
from guardian.jobs.shipping import Announcer
from guardian.journal import aside
from guardian.services.ledger.ingest.entries import CallEntry, decode
from guardian.services.ledger.ingest.storing import store

_BATCH = 1_000


@dataclass(slots=True)
class Resent:
    """How many records the ledger has now, those that it had before too, and how many stay in the file."""

    taken: int = 0
    refused: int = 0


def resend(path: Path) -> Resent:
    """Send the records of a file that shipping has set aside; those that are refused again stay, with the new reason.

    It may be stopped and run again: a record counts once. Raises NotFoundError for a file that is not there, and
    UnavailableError and SQLAlchemyError while the database is away, when the next run goes on.
    """
    try:
        taken = aside.take(path)
    except FileNotFoundError:
        raise NotFoundError(f"File {path}") from None
    found, left, batch = Resent(), list[str](), list[aside.Aside]()
    with Announcer() as announcer:
        for each in aside.read(taken):
            batch.append(each)
            if len(batch) == _BATCH:
                left += _send(batch, found, announcer)
                batch = []
        left += _send(batch, found, announcer)
    aside.put_back(path, left, taken)
    found.refused = len(left)
    return found


def _send(batch: Sequence[aside.Aside], found: Resent, announcer: Announcer) -> list[str]:
    """The lines of those that are refused."""
    left: list[str] = []
    entries: list[tuple[bytes, CallEntry]] = []
    for each in batch:
        if each.record is None:
            left.append(each.line)
            continue
        try:
            entries.append((each.record, decode(each.record)))
        except ValidationError as error:
            left.append(aside.line_of(each.record, error.message))
    if entries:
        with db.session() as session:
            stored = store(session, [entry for _, entry in entries])
        left += [aside.line_of(entries[place][0], reason) for place, reason in stored.refused]
        found.taken += len(entries) - len(stored.refused)
        announcer.tell(stored.organizations)
    return left
