"""An import from its first byte to its last: read in one thread, stored in another, batch by batch, each committed."""

import gc
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from guardian.errors import GuardianError
from guardian.jobs.patience import patiently
from guardian.services.ledger import imports
from guardian.services.ledger.imports import Batch, Importing, ImportStopped, ImportView, Report, Source

_HEARTBEAT_SECONDS = 1.0
_OURS = "The import failed for a reason of ours. What was stored stays; import the file again, and it goes on."
CANCELLED = "Cancelled. What was stored stays; import the file again, and it goes on without doubles."

Progress = Callable[[int, int], None]
Asked = Callable[[], bool]
log = structlog.get_logger(__name__)


class _Cancelled(Exception):
    """Who started the import has asked for its end."""


def _no_progress(done: int, total: int) -> None:
    """For who does not look."""


def _never() -> bool:
    return False


def import_file(
    importing: Importing,
    path: Path,
    name: str,
    format: str | None = None,
    progress: Progress = _no_progress,
    cancelled: Asked = _never,
) -> ImportView | None:
    """Read the file into the ledger; gives its run, as it ended. `progress` gets (bytes read, bytes in all).

    Whatever happens, what was committed stays, and the run says how it ended: with the error CANCELLED soon after
    `cancelled` answered True. Gives None where somebody else has ended the run.
    """
    report = Report()
    error: str | None = _OURS
    try:
        source = Source(path, name)
        found = format or imports.detect(source)
        _Work(source, importing, found, progress, report, cancelled).run()
        error = None
    except ImportStopped:
        log.info("import.stopped", run=importing.run_id)
    except _Cancelled:
        error = CANCELLED
    except GuardianError as failure:
        error = failure.message
    except (SQLAlchemyError, psycopg.Error) as failure:
        log.exception("import.failed", run=importing.run_id, exc_info=failure)
    finally:
        ended = patiently(lambda session: imports.end_import(session, importing.run_id, report, error), cancelled)
    return ended


@contextmanager
def _without_cycles() -> Generator[None]:
    """Look for no cycles of objects meanwhile: rows make none, and the search takes two thirds of the time."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


@dataclass(slots=True)
class _Work:
    """One import under way. `pending` is the batch that is being stored while the next one is read."""

    source: Source
    importing: Importing
    format: str
    progress: Progress
    report: Report
    cancelled: Asked
    pending: "Future[None] | None" = None
    told: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        self._store(None)
        self.source.on_read = self._beat
        with _without_cycles(), ThreadPoolExecutor(1, thread_name_prefix="import") as storing:
            for batch in imports.READERS[self.format].read(self.source, self.importing, self.report):
                self._settle()
                self._check()
                self.pending = storing.submit(self._store, batch)
            self._settle()
        self.progress(self.source.total, self.source.total)

    def _check(self) -> None:
        if self.cancelled():
            raise _Cancelled

    def _settle(self) -> None:
        """Wait for the batch before; what went wrong with it is raised here."""
        if self.pending is not None:
            pending, self.pending = self.pending, None
            pending.result()

    def _beat(self) -> None:
        """A sign of life between batches: reading alone can take a while, and a silent run counts as cut off."""
        self._check()
        if time.monotonic() - self.told < _HEARTBEAT_SECONDS:
            return
        self.told = time.monotonic()
        self.progress(self._done(), self.source.total)
        if self.pending is None:
            self._store(None)

    def _store(self, batch: Batch | None) -> None:
        report = self.report
        before = report.added, report.duplicate, report.grown

        def store(session: Session) -> None:
            report.added, report.duplicate, report.grown = before
            imports.store_batch(session, self.importing, batch, report, format=self.format, bytes_read=self._done())

        try:
            patiently(store, unless=self.cancelled)
        except BaseException:
            report.added, report.duplicate, report.grown = before
            raise

    def _done(self) -> int:
        return min(self.source.total, self.source.read // imports.READERS[self.format].passes)
