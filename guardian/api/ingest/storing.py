"""Calls of many requests into the ledger together: what came while one transaction ran goes into the next one."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import psycopg
import structlog
from psycopg.errors import ProgramLimitExceeded
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlmodel import Session

from guardian.api.ingest.fallback import Fallback
from guardian.api.ingest.kept_connection import KeptConnection
from guardian.api.ingest.senders import Sender
from guardian.api.ingest.telling import Teller
from guardian.errors import GuardianError, JournalBroken, UnavailableError
from guardian.models.enums import CostSource, Provider
from guardian.pricing.calculator import price
from guardian.pricing.overrides import Override
from guardian.services.ledger.ingest.once import Once, Outcome, add_once
from guardian.services.ledger.pricebook.overrides import overrides_of
from guardian.services.ledger.writing.calls import Call, Overrides, price_calls
from guardian.services.people import audit

MOST = 5_000  # calls of one transaction
_AWAY_SECONDS = 1.0
_FRESH_SECONDS = 5.0
_AUDIT_SECONDS = 3600
ACTION = "USAGE_INGEST"
_OF_A_ROW = (DataError, IntegrityError, psycopg.DataError, psycopg.IntegrityError, ProgramLimitExceeded)
# Whatever else the database says, as the shipper of the journal takes it: none of the events' doing, and it passes. The
# driver tells of a table that a migration has changed in several kinds of error.
_AWAY = (UnavailableError, SQLAlchemyError, psycopg.Error)
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Result:
    """An outcome per call and the reasons of the refused ones; None for calls that wait in the journal."""

    outcomes: list[Outcome | None] = field(default_factory=list[Outcome | None])
    reasons: dict[int, str] = field(default_factory=dict[int, str])


class _Submission(NamedTuple):
    sender: Sender
    calls: Sequence[Call]
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[Result]"


class Storing:
    """`add` returns when the calls are committed, or, while PostgreSQL is away, on disk in the journal.

    One thread stores. Two that store beside each other took 9 % more batches a second, but left the pages of the
    indexes by time half empty, since each writes amid what the other has written: 550 bytes an event instead of 482.
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._waiting: deque[_Submission] = deque()
        self._thread: threading.Thread | None = None
        self._fallback, self._teller, self._connection = Fallback(), Teller(), KeptConnection()
        self._overrides: dict[tuple[str, Provider], tuple[float, tuple[Override, ...]]] = {}
        self._audited: dict[tuple[str, str], float] = {}
        self._taken: dict[tuple[str, str], int] = {}
        self._away_until = 0.0

    def resume(self) -> None:
        """Have shipped what a process of before has left in its journal."""
        self._fallback.resume()

    async def add(self, sender: Sender, calls: Sequence[Call]) -> Result:
        """Raises JournalFull, JournalBroken."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        with self._change:
            self._waiting.append(_Submission(sender, calls, loop, done))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
                self._thread.start()
            self._change.notify()
        return await done

    def _run(self) -> None:
        while True:
            with self._change:
                if not self._waiting:
                    self._connection.give_back()
                    self._change.wait_for(lambda: self._waiting)
                group = [self._waiting.popleft()]
                size = len(group[0].calls)
                while self._waiting and size + len(self._waiting[0].calls) <= MOST:
                    group.append(self._waiting.popleft())
                    size += len(group[-1].calls)
            self._settle_each(group)

    def _settle_each(self, group: Sequence[_Submission]) -> None:
        by_organization: dict[str, list[_Submission]] = {}
        for each in group:
            by_organization.setdefault(each.sender.actor.organization_id, []).append(each)
        for organization_id, some in by_organization.items():
            self._settle(organization_id, some)

    def _settle(self, organization_id: str, group: Sequence[_Submission]) -> None:
        """Store the group, and tell each who waits what became of theirs."""
        calls = [call for each in group for call in each.calls]
        try:
            outcomes, reasons = self._stored(organization_id, calls, [each.sender for each in group])
        except Exception as error:  # noqa: BLE001  # a thread that ends would leave all who wait without an answer
            _tell([(each.loop, each.done, error) for each in group])
            return
        results: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[Result], Result | Exception]] = []
        first = 0
        for each in group:
            last = first + len(each.calls)
            mine = {place - first: reason for place, reason in reasons.items() if first <= place < last}
            results.append((each.loop, each.done, Result(outcomes[first:last], mine)))
            first = last
        _tell(results)

    def _stored(
        self, organization_id: str, calls: Sequence[Call], senders: Sequence[Sender]
    ) -> tuple[list[Outcome | None], dict[int, str]]:
        if time.monotonic() < self._away_until:
            return self._kept(organization_id, calls)
        try:
            once = self._added(organization_id, calls, senders)
        except _OF_A_ROW as error:
            if len(calls) == 1:
                return [Outcome.REFUSED], {0: f"The ledger cannot take it: {str(error).splitlines()[0]}"}
            middle = len(calls) // 2
            outcomes, reasons = self._stored(organization_id, calls[:middle], senders)
            more, others = self._stored(organization_id, calls[middle:], senders)
            return outcomes + more, reasons | {place + middle: reason for place, reason in others.items()}
        except _AWAY as error:
            self._away_until = time.monotonic() + _AWAY_SECONDS
            log.warning("ingest.journaled", calls=len(calls), error=str(error).partition("\n")[0])
            return self._kept(organization_id, calls)
        if once.stored.added:
            self._teller.tell(organization_id)
        return list[Outcome | None](once.outcomes), once.reasons

    def _added(self, organization_id: str, calls: Sequence[Call], senders: Sequence[Sender]) -> Once:
        with self._connection.session(lambda: bool(self._waiting)) as session:
            overrides = self._agreed(session, organization_id, calls)
            once = add_once(session, organization_id, [_priced_here(call, overrides) for call in calls], overrides)
            noted = self._audit(session, senders, once.stored.added)
        self._audited.update(noted)
        return once

    def _kept(self, organization_id: str, calls: Sequence[Call]) -> tuple[list[Outcome | None], dict[int, str]]:
        """Into the journal; what could never get from there into the ledger is refused now."""
        refused: list[tuple[int, str]] = []
        price_calls(organization_id, calls, refused=refused)
        reasons = dict(refused)
        kept = [call for place, call in enumerate(calls) if place not in reasons]
        try:
            if kept:
                self._fallback.keep(organization_id, kept)
        except OSError as error:
            raise JournalBroken(f"The journal's disk refuses: {error.strerror}. Try again shortly.") from None
        return [Outcome.REFUSED if place in reasons else None for place in range(len(calls))], reasons

    def _agreed(self, session: Session, organization_id: str, calls: Sequence[Call]) -> Overrides:
        """The organization's prices, read at most every five seconds; a re-pricing mends what came in between."""
        found: dict[Provider, tuple[Override, ...]] = {}
        now = time.monotonic()
        for provider in {call.usage.provider for call in calls}:
            read_at, agreed = self._overrides.get((organization_id, provider), (-_FRESH_SECONDS, ()))
            if now - read_at >= _FRESH_SECONDS:
                agreed = overrides_of(session, organization_id, provider)
                self._overrides[organization_id, provider] = now, agreed
            found[provider] = agreed
        return found

    def _audit(self, session: Session, senders: Sequence[Sender], added: int) -> dict[tuple[str, str], float]:
        """The rows that are due, in the transaction of what they tell of; gives when they were written."""
        now = time.monotonic()
        noted: dict[tuple[str, str], float] = {}
        for sender in senders:
            key = (sender.actor.organization_id, sender.token_id or sender.actor.user_id)
            last = self._audited.get(key)
            if key in noted or (last is not None and now - last < _AUDIT_SECONDS):
                continue
            noted[key] = now
            facts: dict[str, Any] = {"events": added, "per": "hour"}
            kind = "token" if sender.token_id else "user"
            audit.record(session, sender.actor, ACTION, resource_type=kind, resource_id=key[1], metadata=facts)
        return noted


def _priced_here(call: Call, overrides: Overrides) -> Call:
    """A sender's own figure gives way to an agreed price."""
    if call.cost is None or call.cost.source is not CostSource.ESTIMATED:
        return call
    agreed = overrides.get(call.usage.provider, ())
    return replace(call, cost=None) if agreed and price(call.usage, agreed).amount is not None else call


def _tell(
    results: Sequence[tuple[asyncio.AbstractEventLoop, "asyncio.Future[Result]", Result | Exception]],
) -> None:
    """One call of each loop for all of its waiting requests."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Result], Result | Exception]]] = {}
    for loop, done, result in results:
        by_loop.setdefault(loop, []).append((done, result))
    for loop, some in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, some)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _resolve(results: Sequence[tuple["asyncio.Future[Result]", Result | Exception]]) -> None:
    for done, result in results:
        if done.done():  # its request was cancelled; what it told is stored
            continue
        if isinstance(result, Exception):
            done.set_exception(result if isinstance(result, GuardianError) else GuardianError("Internal server error"))
            if not isinstance(result, GuardianError):
                log.error("ingest.failed", exc_info=result)
        else:
            done.set_result(result)
