"""Where events wait while PostgreSQL is away: a journal of this process, and the child that ships it later."""

import atexit
import threading
from collections.abc import Sequence

import structlog

from guardian.config import settings
from guardian.errors import GuardianError
from guardian.journal import places
from guardian.journal.positions import waiting_bytes
from guardian.journal.shipper import Shipper
from guardian.journal.writing import Journal
from guardian.services.ledger.ingest.entries import encode, entry_of
from guardian.services.ledger.writing.calls import Call

_PARTS = ("journal", "ingest")
log = structlog.get_logger(__name__)


class Fallback:
    """Begun by the first event that needs it, and kept until the process ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._journal: Journal | None = None

    def keep(self, organization_id: str, calls: Sequence[Call]) -> None:
        """Return when they are on disk. Raises JournalFull, JournalBroken and OSError."""
        self._begun().commit_blocking(*(encode(entry_of(call, organization_id)) for call in calls))

    def resume(self) -> None:
        """Have shipped what a process of before has left, if it has. Raises nothing: the next event tries again."""
        try:
            folders = places.journal_folders(settings().guardian_data_dir.joinpath(*_PARTS))
            if any(waiting_bytes(folder) for folder in folders):
                self._begun()
        except (OSError, GuardianError) as error:
            log.error("ingest.not_resumed", error=str(error))

    def _begun(self) -> Journal:
        with self._lock:
            if self._journal is None:
                found = settings()
                held = places.own_folder(found.guardian_data_dir.joinpath(*_PARTS))
                journal = Journal(held.path, found.guardian_journal_max_bytes)
                journal.start()
                shipper = Shipper(held.path)
                shipper.start()
                # In this order, last one first: what is written is still shipped.
                atexit.register(shipper.close)
                atexit.register(journal.close)
                self._journal = journal
            return self._journal
