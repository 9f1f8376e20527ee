"""Calls that a file may tell of while they are still being answered: read again later, they end as their last word.

Of all that is told of a call, in whatever order and by however many files, the usage with the most tokens counts, once.
A row that grows keeps its id, its time, its owner and its key; its price is that of its time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import and_, select, text
from sqlmodel import Session

from guardian import db
from guardian.models.base import derived_id
from guardian.periods import floor_day
from guardian.pricing.calculator import price
from guardian.services.ledger.imports.batches import BATCH, Entry, Importing, priced_entries
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.sql.bulk import Row, upsert
from guardian.services.ledger.sql.tables import USAGE
from guardian.services.ledger.sums.rollups import RollupChanges
from guardian.services.ledger.writing.calls import Call, Priced, add_priced
from guardian.services.ledger.writing.rows import (
    PRICE_COLUMNS,
    USAGE_FACTS,
    cost_columns,
    count_columns,
    metadata_of,
)

# Lines of one call are no further apart: an answer is written within minutes, and copies keep its time.
_APART = timedelta(hours=12)
_GROWING = (*USAGE_FACTS, *PRICE_COLUMNS, "model", "service_tier", "session", "tags", "metadata")


def growing(call: Call) -> Call:
    """The call under an id that only says its day, so that it is found by any of its lines."""
    return replace(call, known_since=floor_day(call.usage.start))


@dataclass(frozen=True, slots=True)
class GrowingCalls:
    """Calls for the tracked book, each with its line in `priced`."""

    calls: Sequence[Call]
    priced: Priced

    def store(self, session: Session, importing: Importing, report: Report) -> None:
        if self.priced.first is None or self.priced.last is None:
            return
        # Two imports at once must not both find that a call is new.
        db.lock(session, "growing calls", importing.organization_id)
        stored = _stored(session, importing.organization_id, self.calls, self.priced.first, self.priced.last)
        new: list[str] = []
        larger: dict[str, Call] = {}
        for call, line in zip(self.calls, self.priced.lines, strict=True):
            known = next((id for id in _ids(importing.organization_id, call) if id in stored), None)
            if known is None:
                new.append(line)
                continue
            report.duplicate += 1
            tokens = call.usage.counts.total_tokens
            if tokens > stored[known]:
                larger[known], stored[known] = call, tokens
        if new:
            result = add_priced(session, replace(self.priced, lines=new))
            report.added += result.added
            report.duplicate += result.duplicates
        if larger:
            times = self.priced.first - _APART, self.priced.last + _APART
            report.grown += _enlarge(session, importing, larger, *times)


def in_growing_batches(entries: Iterable[Entry], importing: Importing, report: Report) -> Iterator[GrowingCalls]:
    """As in_batches, for calls that `growing` made."""
    left = iter(entries)
    while some := list(islice(left, BATCH)):
        sound, priced = priced_entries(some, importing, report)
        yield GrowingCalls([entry.call for entry in sound], priced)


def _ids(organization_id: str, call: Call) -> list[str]:
    """What the call's row may be called: by the day of each line that may have come first, or by its exact time."""
    start = call.usage.start
    days = dict.fromkeys((floor_day(start - _APART), floor_day(start + _APART), start))
    return [derived_id(day, organization_id, "call", *call.identity) for day in days]


def _stored(
    session: Session, organization_id: str, calls: Sequence[Call], first: datetime, last: datetime
) -> dict[str, int]:
    """The tokens of those of the calls that the ledger has, by their row's id."""
    ids = [id for call in calls for id in _ids(organization_id, call)]
    found = session.connection().execute(
        text(
            "SELECT id, total_tokens FROM usage_logs WHERE organization_id = :organization AND id = ANY(:ids) "
            "AND timestamp BETWEEN :first AND :last"
        ),
        {"organization": organization_id, "ids": ids, "first": first - _APART, "last": last + _APART},
    )
    return {row[0]: row[1] for row in found}


def _enlarge(session: Session, importing: Importing, larger: dict[str, Call], first: datetime, last: datetime) -> int:
    which = and_(
        USAGE.c.organization_id == importing.organization_id,
        USAGE.c.timestamp.between(first, last),
        USAGE.c.id.in_(list(larger)),
    )
    query = select(USAGE).where(which).order_by(USAGE.c.timestamp, USAGE.c.id).with_for_update()
    changes = RollupChanges()
    rows: list[Row] = []
    for found in session.connection().execute(query).mappings():
        old = dict(found)
        rows.append({**old, **_facts(old, larger[old["id"]], importing)})
        changes.add(old, -1)
        changes.add(rows[-1])
    upsert(session, USAGE, rows, replace=_GROWING)
    changes.apply(session)
    return len(rows)


def _facts(old: Row, call: Call, importing: Importing) -> Row:
    """What the larger usage makes of the row."""
    usage = replace(call.usage, start=old["timestamp"], end=old["timestamp"])
    cost = price(usage, importing.overrides.get(usage.provider, ()), key_id=old["api_key_id"])
    return {
        **count_columns(usage.counts),
        **cost_columns(cost),
        "requests": usage.requests,
        "model": usage.model,
        "service_tier": usage.service_tier,
        "session": call.session,
        "tags": dict(call.tags),
        "metadata": metadata_of(usage, call.metadata),
    }
