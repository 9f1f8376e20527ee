"""From a journal into the ledger, for as long as its process runs: read, store, tell the pages, done; and again."""

import gc
import os
import random
import signal
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from guardian import db, live, queue
from guardian.errors import ConfigurationError, GuardianError, ValidationError
from guardian.jobs.key_uses import KeyUses
from guardian.journal import aside, intents, places
from guardian.journal.format import framed
from guardian.journal.positions import waiting_bytes
from guardian.journal.reading import JournalReader, Positioned
from guardian.journal.segment import Segment, mend
from guardian.services.ledger.ingest.entries import CallEntry, decode
from guardian.services.ledger.ingest.storing import Stored, store
from guardian.services.ledger.queries import invalidate_organization

MOST = 5_000  # records of one transaction
_IDLE_SECONDS = 0.1
_ADOPT_SECONDS = 30.0
_LONGEST_PAUSE = 5.0
_FAILURES = (GuardianError, SQLAlchemyError, psycopg.Error, OSError)
_STDIN = 0
log = structlog.get_logger(__name__)


def run(folder: Path) -> None:
    """Ship the folder's journal, and abandoned ones beside it, until standard input ends or SIGTERM comes.

    What is there then is shipped too, unless the database is away: it stays for the next start. While the database is
    away it waits, and goes on. A folder that another process still ships is waited for.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the parent, whose end ends this
    threading.Thread(target=_wait_for_end, args=(stop,), name="stdin", daemon=True).start()
    held = _hold_reading(folder, stop)
    if held is None:
        log.warning("shipping.held", folder=str(folder))
        return
    try:
        with Announcer() as announcer, rare_cycles():
            Shipping(folder, announcer).run(stop)
    finally:
        held.release()


class Shipping:
    """One journal's way into the ledger."""

    def __init__(self, folder: Path, announcer: "Announcer") -> None:
        self._folder, self._announcer = folder, announcer
        self._reader = JournalReader(folder)
        self._key_uses = KeyUses()

    def run(self, stop: threading.Event) -> None:
        """Ship until told to stop, and then what is left."""
        failures, adopt_at = 0, time.monotonic()
        while True:
            ending = stop.is_set()
            try:
                shipped = self.round()
                if not shipped and time.monotonic() >= adopt_at:
                    adopt_at = time.monotonic() + _ADOPT_SECONDS
                    self._adopt()
                failures = 0
            except _FAILURES as error:
                if ending:
                    log.warning("shipping.left", folder=str(self._folder), error=_words(error))
                    return
                failures += 1
                pause = min(_LONGEST_PAUSE, 0.2 * 2 ** min(failures, 10)) * random.uniform(0.5, 1)  # noqa: S311  # no secret
                log.warning("shipping.waits", folder=str(self._folder), error=_words(error), seconds=round(pause, 2))
                stop.wait(pause)
                continue
            if not shipped:
                if ending:
                    return
                stop.wait(_IDLE_SECONDS)

    def round(self) -> int:
        """Ship at most MOST records; gives how many. Whoever is stopped in the middle of it ships them again."""
        found = self._reader.read(MOST)
        if not found:
            return 0
        entries, refused = _decoded(found)
        stored = _stored([entry for _, entry in entries]) if entries else Stored()
        refused += [(entries[place][0], reason) for place, reason in stored.refused]
        if refused:
            aside.keep(self._folder, [(found[place].record, reason) for place, reason in refused])
        self._reader.done(found[-1].position)
        with suppress(*_FAILURES):  # when a key was last used is told by the next call, too
            self._key_uses.note(entry for _, entry in entries)
        self._announcer.tell(stored.organizations)
        return len(found)

    def _adopt(self) -> None:
        """Ship what processes that are gone have left beside us, whose folders nobody has taken over."""
        with ExitStack() as holding:
            for held in places.abandoned(self._folder.parent):
                holding.callback(held.release)
                if held.path != self._folder and (waiting_bytes(held.path) or intents.left(held.path)):
                    self._ship_abandoned(held.path)

    def _ship_abandoned(self, folder: Path) -> None:
        reading = places.hold_reading(folder)
        if reading is None:
            return
        try:
            # Which seals what is there: nobody else will. Behind it come the calls that nobody wrote an end of.
            segment = Segment.make(folder, mend(folder))
            try:
                if unfinished := intents.left(folder):
                    segment.append(framed(unfinished, segment.size))
            finally:
                segment.close()
            intents.forget(folder)
            if unfinished:
                Segment.make(folder, mend(folder)).close()
            other = Shipping(folder, self._announcer)
            shipped = 0
            while count := other.round():
                shipped += count
            if shipped:
                log.info("shipping.adopted", folder=str(folder), records=shipped)
        finally:
            reading.release()


class Announcer:
    """Tells the pages whose ledger grew, from a thread of its own: a Redis that is away must not hold up the ledger."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._organizations: set[str] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def __enter__(self) -> "Announcer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._closing = True
            self._change.notify()
        self._thread.join(timeout=5)

    def tell(self, organizations: set[str]) -> None:
        """Each is told once, however often it grows until its turn."""
        if organizations:
            with self._change:
                self._organizations |= organizations
                self._change.notify()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._organizations or self._closing)
                some, self._organizations = self._organizations, set()
            if not some:
                return
            for organization_id in sorted(some):
                try:
                    invalidate_organization(organization_id)  # in this order: pages that are told read anew
                    live.publish("org", organization_id, live.USAGE_UPDATE)
                    queue.check_soon(organization_id)
                except ConfigurationError as error:
                    log.warning("shipping.untold", organization=organization_id, error=error.message)


def _decoded(found: Sequence[Positioned]) -> tuple[list[tuple[int, CallEntry]], list[tuple[int, str]]]:
    """The entries with their places, and the places of records that are none, with why."""
    entries: list[tuple[int, CallEntry]] = []
    refused: list[tuple[int, str]] = []
    for place, (record, _) in enumerate(found):
        try:
            entries.append((place, decode(record)))
        except ValidationError as error:
            refused.append((place, error.message))
    return entries, refused


def _stored(entries: Sequence[CallEntry]) -> Stored:
    with db.session() as session:
        return store(session, entries)


def _wait_for_end(stop: threading.Event) -> None:
    """Read standard input to its end. From the descriptor: a thread in sys.stdin's lock would disturb the exit."""
    with suppress(OSError):  # closed already
        while os.read(_STDIN, 4096):
            pass
    stop.set()


def _hold_reading(folder: Path, stop: threading.Event) -> places.Held | None:
    """Hold the folder, also where the shipper of a process that was killed still does its last round."""
    while (held := places.hold_reading(folder)) is None:
        if stop.wait(_IDLE_SECONDS):
            return None
    return held


@contextmanager
def rare_cycles() -> Generator[None]:
    """Look for cycles of objects rarely: rows make none, and the search takes two thirds of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 10, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _words(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
