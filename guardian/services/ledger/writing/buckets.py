"""Writes what a provider states into the ledger: each listed bucket's rows become exactly the stated ones, once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import itemgetter

from sqlmodel import Session

from guardian import db
from guardian.models.enums import CostSource
from guardian.periods import Window, utcnow
from guardian.records import CostBucket, UsageBucket, UsageRecord
from guardian.services.ledger.bills.rows import STORED_PRICE, to_store
from guardian.services.ledger.retention import kept_from
from guardian.services.ledger.sql.bulk import Row, delete, upsert
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.ledger.sql.tables import COSTS, USAGE
from guardian.services.ledger.sums.rollups import RollupChanges
from guardian.services.ledger.writing.replaced import billed_rows, check_inside, listed_spans, reported_rows
from guardian.services.ledger.writing.rows import (
    COST_FACTS,
    USAGE_FACTS,
    LedgerAccount,
    cost_row,
    price_columns,
    usage_row,
)

_usage_facts, _cost_facts = itemgetter(*USAGE_FACTS), itemgetter(*COST_FACTS)
_cost = itemgetter("cost", "cost_source")


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """How many rows were stated (`read` = added + changed + unchanged), and what that did to the ledger."""

    read: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0

    def __add__(self, other: "WriteResult") -> "WriteResult":
        return WriteResult(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def altered(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def replace_buckets(session: Session, account: LedgerAccount, buckets: Iterable[UsageBucket]) -> WriteResult:
    """Make the reported book say what these buckets say, and the rollups with it.

    A bucket is the provider's whole word about its span, also when it is empty: rows of its series in it that are no
    longer stated go, rows as they were stay untouched, spans that are not listed are left alone. A row that comes
    twice counts once, as last stated. Waits for other writers of the same account. Raises ProviderContractBroken for
    buckets that overlap, for records outside their bucket, and where a wider row could be replaced in part only. What
    retention has forgotten stays as it was: the sums have it.
    """
    by_series: dict[str, list[UsageBucket]] = {}
    floor = kept_from(session, account.organization_id)
    for bucket in buckets:
        if floor is not None and bucket.start < floor:
            continue
        by_series.setdefault(bucket.series, []).append(bucket)
    if not by_series:
        return WriteResult()
    every = [bucket for listed in by_series.values() for bucket in listed]
    ensure_partitions(session, min(b.start for b in every), max(b.end for b in every))
    _lock(session, account)
    changes = RollupChanges()
    result = WriteResult()
    for series, listed in by_series.items():
        result += _replace_series(session, account, series, listed, changes)
    changes.apply(session)
    return result


def _replace_series(
    session: Session, account: LedgerAccount, series: str, buckets: Sequence[UsageBucket], changes: RollupChanges
) -> WriteResult:
    spans = listed_spans(account, series, buckets)
    stated: dict[str, tuple[Row, UsageRecord]] = {}
    for bucket in buckets:
        for record in bucket.records:
            check_inside(account, series, Window(bucket.start, bucket.end), Window(record.start, record.end))
            row = usage_row(account, series, record)
            stated[row["id"]] = row, record
    left = reported_rows(session, account, series, spans)
    writes: list[Row] = []
    added = 0
    for id, (row, record) in stated.items():
        old = left.pop(id, None)
        if old is not None and _settled(old, row, record):
            continue
        row |= price_columns(record, account.overrides)
        if old is None:
            added += 1
        elif _usage_facts(old) == _usage_facts(row) and _cost(old) == _cost(row):
            continue
        else:
            changes.add(old, -1)
        changes.add(row)
        writes.append(row)
    for old in left.values():
        changes.add(old, -1)
    delete(session, USAGE, list(left.values()))
    upsert(session, USAGE, to_store(session, writes), replace=[*USAGE_FACTS, *STORED_PRICE])
    return _result(stated, writes, added, left)


def replace_costs(session: Session, account: LedgerAccount, buckets: Iterable[CostBucket]) -> WriteResult:
    """Make the billed book say what these days of the cost report say; the rules are those of replace_buckets."""
    listed = list(buckets)
    if not listed:
        return WriteResult()
    _lock(session, account)
    spans = listed_spans(account, "cost", listed)
    stated: dict[str, Row] = {}
    now = utcnow()
    for bucket in listed:
        for record in bucket.records:
            check_inside(account, "cost", Window(bucket.start, bucket.end), Window(record.start, record.end))
            row = cost_row(account, record, now)
            stated[row["id"]] = row
    left = billed_rows(session, account, spans)
    writes: list[Row] = []
    added = 0
    for id, row in stated.items():
        old = left.pop(id, None)
        if old is not None and _cost_facts(old) == _cost_facts(row):
            continue
        added += old is None
        writes.append(row)
    delete(session, COSTS, list(left.values()))
    upsert(session, COSTS, writes, replace=[*COST_FACTS, "updated_at"])
    return _result(stated, writes, added, left)


def _result(stated: Mapping[str, object], writes: Sequence[Row], added: int, left: Mapping[str, object]) -> WriteResult:
    return WriteResult(
        read=len(stated),
        added=added,
        changed=len(writes) - added,
        removed=len(left),
        unchanged=len(stated) - len(writes),
    )


def _lock(session: Session, account: LedgerAccount) -> None:
    db.lock(session, "ledger", account.organization_id, account.provider, account.account_id)


def _settled(old: Row, row: Row, record: UsageRecord) -> bool:
    """Whether nothing new is stated of a row that has its price.

    An unpriced row is priced as soon as a price is known; a cost that the provider states is a fact like the others.
    """
    return (
        old["cost_source"] is not CostSource.UNPRICED
        and record.provider_cost is None
        and _usage_facts(old) == _usage_facts(row)
    )
