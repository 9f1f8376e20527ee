"""Calls that a file may tell of while they are still being answered: read again later, they end as their last word.

Of all that is told of a call, in whatever order and by however many files, the usage with the most tokens counts, once.
A row that grows keeps its id, its time, its owner and its key; its price is that of its time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import cast

from sqlalchemy import and_, select, text
from sqlmodel import Session

from guardian import db
from guardian.models.base import ID_LENGTH, id_at
from guardian.periods import DAY
from guardian.pricing.calculator import price
from guardian.services.ledger.bills.rows import STORED_PRICE, requests_of, to_store
from guardian.services.ledger.imports.batches import BATCH, Entry, Importing, priced_entries
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.sql.bulk import Row, upsert
from guardian.services.ledger.sql.tables import USAGE
from guardian.services.ledger.sums.rollups import RollupChanges
from guardian.services.ledger.writing.calls import Call, Priced, add_priced
from guardian.services.ledger.writing.rows import (
    USAGE_FACTS,
    cost_columns,
    count_columns,
    metadata_of,
)

# Lines of one call are no further apart: an answer is written within minutes, and copies keep its time.
_APART = timedelta(hours=12)
# Each id is looked up by itself: `id = ANY(…)` as a filter compares every row of the months with all 15,000 ids.
_STORED = text(
    "SELECT stored.id, total_tokens FROM unnest(CAST(:ids AS text[])) AS wanted(id) "
    "JOIN usage_logs AS stored ON stored.id = wanted.id "
    "WHERE organization_id = :organization AND stored.timestamp BETWEEN :first AND :last"
)
_GROWING = (*USAGE_FACTS, *STORED_PRICE, "model", "service_tier", "session", "tags", "metadata")


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
        ids = [_ids(call, line) for call, line in zip(self.calls, self.priced.lines, strict=True)]
        stored = _stored(session, importing.organization_id, self.calls, ids, self.priced.first, self.priced.last)
        new: list[str] = []
        larger: dict[str, Call] = {}
        for call, line, names in zip(self.calls, self.priced.lines, ids, strict=True):
            known = next((id for id in names if id in stored), None)
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
    """As in_batches, for calls whose `known_since` is the UTC day of their start: their id says no more of the time."""
    left = iter(entries)
    while some := list(islice(left, BATCH)):
        sound, priced = priced_entries(some, importing, report)
        yield GrowingCalls([entry.call for entry in sound], priced)


def _ids(call: Call, line: str) -> tuple[str, str]:
    """What the call's row may be called: by its own day, or by the nearest other one, if a line of that came first."""
    id, day, start = line[:ID_LENGTH], cast("datetime", call.known_since), call.usage.start
    return id, id_at(id, day - DAY if start - day < _APART else day + DAY)


def _stored(
    session: Session,
    organization_id: str,
    calls: Sequence[Call],
    ids: Sequence[tuple[str, str]],
    first: datetime,
    last: datetime,
) -> dict[str, int]:
    """The tokens of those of the calls that the ledger has, by their row's id."""
    found = session.connection().execute(
        _STORED,
        {
            "organization": organization_id,
            "ids": [id for names in ids for id in names],
            "first": first - _APART,
            "last": last + _APART,
        },
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
        old: Row = dict(found)
        old["requests"] = requests_of(old)
        rows.append({**old, **_facts(old, larger[old["id"]], importing)})
        changes.add(old, -1)
        changes.add(rows[-1])
    upsert(session, USAGE, to_store(session, rows), replace=_GROWING)
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
