"""Re-pricing done: chunk by chunk, each in one transaction with its place in the run, its rollups and its way back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlmodel import Session, SQLModel, col

from guardian import db, live, queue
from guardian.errors import ConflictError
from guardian.models import RepriceChange, RepriceRun, UsageRollup
from guardian.models.enums import CostSource, RepriceStatus, UsageOrigin
from guardian.periods import floor_hour, utcnow
from guardian.pricing.overrides import matches
from guardian.services.ledger.bills.rows import STORED_PRICE, to_store, whole_rows
from guardian.services.ledger.queries import invalidate_organization
from guardian.services.ledger.repricing.rows import can_be_repriced, kept, priced_again, unkept
from guardian.services.ledger.repricing.runs import catalog_version, digest_of, tell, terms_of
from guardian.services.ledger.repricing.views import UNFINISHED, Notes
from guardian.services.ledger.sql.bulk import Row, upsert
from guardian.services.ledger.sql.tables import USAGE
from guardian.services.ledger.sums.rollups import RollupChanges

# A chunk is read, priced and written in about a second: so long at most does a pull of the same account wait for it.
ROWS_PER_CHUNK = 2_000
_CHANGES = SQLModel.metadata.tables[RepriceChange.__tablename__]
_KEYS = (USAGE.c.timestamp, USAGE.c.id, USAGE.c.provider, USAGE.c.account_id, USAGE.c.origin)
_DONE: Mapping[str, RepriceStatus] = {
    "dry": RepriceStatus.FINISHED,
    "apply": RepriceStatus.APPLIED,
    "undo": RepriceStatus.UNDONE,
}


def step(session: Session, run_id: str) -> bool:
    """Do the next chunk of a run; whether there may be more. Two workers on one run take turns and double nothing.

    Raises ConflictError when the prices have changed since the run began.
    """
    run = session.get(RepriceRun, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.status not in UNFINISHED:
        return False
    notes = Notes.of(run)
    if notes.total is None:
        _prepare(session, run, notes)
    more = _undo_chunk(session, run, notes) if notes.phase == "undo" else _price_chunk(session, run, notes)
    run.status = RepriceStatus.RUNNING if more else _DONE[notes.phase]
    if not more and notes.phase == "apply":
        run.applied_at = utcnow()
    if not more and notes.phase == "undo":
        run.undone_at = utcnow()
    # Always another text, so that the run's updated_at says that somebody works on it.
    run.summary = notes.dump()
    run.updated_at = utcnow()
    session.add(run)
    session.flush()
    tell(session, run)
    return more


def _prepare(session: Session, run: RepriceRun, notes: Notes) -> None:
    """How much there is to do, by the rollups: exact but for what comes in or goes meanwhile."""
    notes.started = utcnow().isoformat()
    if notes.phase == "undo":
        notes.total = run.rows_changed
        return
    rollup = UsageRollup
    within = [
        col(rollup.organization_id) == run.organization_id,
        col(rollup.hour) >= floor_hour(run.period_start),
        col(rollup.hour) < run.period_end,
        col(rollup.cost_source) != CostSource.PROVIDER,
        *([col(rollup.provider) == run.provider] if run.provider else []),
    ]
    if run.model_pattern is not None:
        names = session.connection().scalars(select(col(rollup.model)).where(*within).distinct()).all()
        notes.models = sorted(name for name in names if matches(run.model_pattern, name))
        within.append(col(rollup.model).in_(notes.models))
    notes.total = int(session.connection().scalar(select(func.sum(col(rollup.rows))).where(*within)) or 0)


def _price_chunk(session: Session, run: RepriceRun, notes: Notes) -> bool:
    terms = terms_of(session, run)
    if run.price_version != catalog_version() or notes.terms != digest_of(terms):
        raise ConflictError("Prices were changed while this run was at work. Undo what it wrote, and start it anew.")
    ahead = _ahead(run, notes)
    keys = _keys(session, select(*_KEYS).where(*ahead))
    if not keys:
        return False
    last = (keys[-1]["timestamp"], keys[-1]["id"])
    rows = _locked_rows(session, run, keys, and_(*ahead, tuple_(USAGE.c.timestamp, USAGE.c.id) <= last))
    differences = [
        found
        for row in rows
        if can_be_repriced(row)
        if (found := priced_again(row, terms[row["provider"]])) is not None
    ]
    for difference in differences:
        notes.count(difference)
    run.rows_read += len(rows)
    run.rows_changed += len(differences)
    _sum_up(run, notes)
    if notes.phase == "apply" and differences:
        _write(session, run, [(d.row, d.columns) for d in differences])
        changes: list[Row] = [
            {
                "organization_id": run.organization_id,
                "run_id": run.id,
                "usage_id": each.row["id"],
                "timestamp": each.row["timestamp"],
                "before": each.before,
                "after": each.after,
            }
            for each in differences
        ]
        upsert(session, _CHANGES, changes, replace=("before", "after"))
    notes.done += len(keys)
    notes.cursor = [last[0].isoformat(), last[1]]
    return len(keys) == ROWS_PER_CHUNK


def _undo_chunk(session: Session, run: RepriceRun, notes: Notes) -> bool:
    change = RepriceChange
    query = (
        select(col(change.usage_id), col(change.timestamp), col(change.before), col(change.after))
        .where(col(change.organization_id) == run.organization_id, col(change.run_id) == run.id)
        .order_by(col(change.usage_id))
        .limit(ROWS_PER_CHUNK)
    )
    if notes.cursor:
        query = query.where(col(change.usage_id) > notes.cursor[-1])
    changes = session.connection().execute(query).all()
    if not changes:
        return False
    times = [changed.timestamp for changed in changes]
    these = and_(
        USAGE.c.organization_id == run.organization_id,
        USAGE.c.timestamp.between(min(times), max(times)),
        USAGE.c.id.in_([changed.usage_id for changed in changes]),
    )
    keys = _keys(session, select(*_KEYS).where(these))
    stored = {row["id"]: row for row in _locked_rows(session, run, keys, these)}
    restored: list[tuple[Row, Row]] = []
    for changed in changes:
        row = stored.get(changed.usage_id)
        now = None if row is None else kept(row)
        if row is not None and now == changed.after:
            restored.append((row, unkept(changed.before)))
        elif now == changed.before:
            notes.restored += 1  # by an undo that failed further on
        else:
            # Somebody else's price by now, or that of other counts: to take it back would take away what they wrote.
            notes.refused += 1
    if restored:
        _write(session, run, restored)
    notes.restored += len(restored)
    notes.done += len(changes)
    notes.cursor = [changes[-1].usage_id]
    return len(changes) == ROWS_PER_CHUNK


def _ahead(run: RepriceRun, notes: Notes) -> list[ColumnElement[bool]]:
    """The rows that the run has still before it."""
    t = USAGE.c
    found = [
        t.organization_id == run.organization_id,
        t.timestamp >= run.period_start,
        t.timestamp < run.period_end,
        t.cost_source != CostSource.PROVIDER,
        *([t.provider == run.provider] if run.provider else []),
        *([t.model.in_(notes.models)] if notes.models is not None else []),
    ]
    if notes.cursor:
        at = datetime.fromisoformat(notes.cursor[0])
        # The first condition alone uses the index; both together are exact.
        found += [t.timestamp >= at, tuple_(t.timestamp, t.id) > (at, notes.cursor[1])]
    return found


def _keys(session: Session, query: Select[*tuple[Any, ...]]) -> Sequence[Mapping[str, Any]]:
    ordered = query.order_by(USAGE.c.timestamp, USAGE.c.id).limit(ROWS_PER_CHUNK)
    return _dicts(session, ordered)


def _dicts(session: Session, query: Select[*tuple[Any, ...]]) -> list[Row]:
    found = session.connection().execute(query)
    names = list(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found]


def _locked_rows(
    session: Session, run: RepriceRun, keys: Sequence[Mapping[str, Any]], which: ColumnElement[bool]
) -> list[Row]:
    """The rows as they are once nobody else writes them: pulls of their accounts wait until this chunk is committed.

    A pull works out what its rows add to the rollups from what it read before: without its lock, a price that we write
    in between would stay in the rollups for ever. Accounts are locked in one order, so that nobody waits in a circle.
    """
    query = select(USAGE).where(which).order_by(USAGE.c.timestamp, USAGE.c.id)
    if Notes.of(run).phase == "dry":
        return whole_rows(session, _dicts(session, query))  # nothing is written, so nobody has to wait
    reported = [key for key in keys if key["origin"] == UsageOrigin.SYNC]
    accounts = {(key["provider"], key["account_id"]) for key in reported}
    for provider, account_id in sorted(accounts, key=str):
        db.lock(session, "ledger", run.organization_id, provider, account_id or "")
    found = whole_rows(session, _dicts(session, query.with_for_update()))
    # A report of another account that came in since was priced on its arrival, by the prices of today.
    return [
        row for row in found if row["origin"] != UsageOrigin.SYNC or (row["provider"], row["account_id"]) in accounts
    ]


def _write(session: Session, run: RepriceRun, priced: Sequence[tuple[Row, Row]]) -> None:
    """Give the rows these price columns, and the rollups the difference; tell the pages after the commit."""
    changes = RollupChanges()
    rows: list[Row] = []
    for row, columns in priced:
        changes.add(row, -1)
        rows.append({**row, **columns})
        changes.add(rows[-1])
    upsert(session, USAGE, to_store(session, rows), replace=STORED_PRICE)
    changes.apply(session)
    # The caches first: pages that hear of the change read anew.
    db.after_commit(session, partial(invalidate_organization, run.organization_id))
    facts = {"runId": run.id, "kind": "reprice"}
    db.after_commit(session, partial(live.publish, "org", run.organization_id, live.USAGE_UPDATE, facts))
    db.after_commit(session, partial(queue.check_soon, run.organization_id))


def _sum_up(run: RepriceRun, notes: Notes) -> None:
    found = notes.differences()
    run.cost_before = sum((each.before for each in found), Decimal(0))
    run.cost_after = sum((each.after for each in found), Decimal(0))
    run.unpriced_before = sum(each.unpriced_before for each in found)
    run.unpriced_after = sum(each.unpriced_after for each in found)
