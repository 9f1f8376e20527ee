"""Rows of our own CSV into the ledger: those that are here already left alone, each of the others into its book."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session, col, select

from guardian.models import ApiKey, ProviderAccount, User
from guardian.models.enums import CostSource, Provider
from guardian.periods import Window, floor_hour
from guardian.records import CostBreakdown
from guardian.services.ledger.bills.rows import to_store
from guardian.services.ledger.imports.batches import Entry, Importing, priced
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.sql.bulk import Row, insert_new
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.ledger.sql.tables import USAGE
from guardian.services.ledger.sums.rollups import RollupChanges
from guardian.services.ledger.sync.coverage import know_account
from guardian.services.ledger.writing.calls import Call, add_priced
from guardian.services.ledger.writing.rows import LedgerAccount, cost_columns, usage_row
from guardian.services.people.membership import is_known

_COVERED = "left out: a pull has the provider's own report of these hours"


@dataclass(frozen=True, slots=True)
class OwnRow:
    """A line of the file. `id` is what the row was called where it comes from."""

    line: int
    member: str
    id: str
    call: Call
    series: str
    end: datetime | None


@dataclass(frozen=True, slots=True)
class OwnRows:
    rows: list[OwnRow]

    def store(self, session: Session, importing: Importing, report: Report) -> None:
        known = _known(session, importing.organization_id, self.rows)
        report.duplicate += sum(row.id in known for row in self.rows)
        new = [row for row in self.rows if row.id not in known]
        users, keys = _ours(session, importing.organization_id, new)
        mine = [replace(row, call=_owned(row.call, importing, users, keys)) for row in new]
        _add_tracked(session, importing, [row for row in mine if row.end is None], report)
        _add_reported(session, importing, [row for row in mine if row.end is not None], report)


def _known(session: Session, organization_id: str, rows: Sequence[OwnRow]) -> set[str]:
    times = [row.call.usage.start for row in rows]
    found = session.connection().execute(
        text(
            "SELECT id FROM usage_logs WHERE organization_id = :organization AND id = ANY(:ids) "
            "AND timestamp BETWEEN :first AND :last"
        ),
        {
            "organization": organization_id,
            "ids": [row.id for row in rows],
            "first": min(times),
            "last": max(times),
        },
    )
    return set(found.scalars())


def _ours(session: Session, organization_id: str, rows: Sequence[OwnRow]) -> tuple[set[str], set[str]]:
    """Of the people and keys that the rows name, those of this organization."""
    people, keys = {row.call.user_id for row in rows}, {row.call.api_key_id for row in rows}
    users = session.exec(select(User.id).where(is_known(organization_id), col(User.id).in_(people)))
    mine = session.exec(select(ApiKey.id).where(ApiKey.organization_id == organization_id, col(ApiKey.id).in_(keys)))
    return set(users), set(mine)


def _owned(call: Call, importing: Importing, users: set[str], keys: set[str]) -> Call:
    return replace(
        call,
        user_id=call.user_id if call.user_id in users else importing.user_id,
        api_key_id=call.api_key_id if call.api_key_id in keys else importing.api_key_id,
    )


def _add_tracked(session: Session, importing: Importing, rows: Sequence[OwnRow], report: Report) -> None:
    entries = [Entry(row.line, row.call, row.member) for row in rows]
    result = add_priced(session, priced(entries, importing, report))
    report.added += result.added
    report.duplicate += result.duplicates


def _add_reported(session: Session, importing: Importing, rows: Sequence[OwnRow], report: Report) -> None:
    spans = _spans(session, importing.organization_id) if rows else {}
    lines: dict[str, Row] = {}
    for row in rows:
        call, usage = row.call, row.call.usage
        problems = usage.counts.problems()
        if problems:
            report.refuse(row.line, f"These counts cannot be true: {'; '.join(problems)}.", row.member)
            continue
        span = spans.get((usage.provider, call.account_id or ""))
        if span is not None and span.start <= floor_hour(usage.start) < span.end:
            report.skip(_COVERED)
            continue
        account = LedgerAccount(
            organization_id=importing.organization_id,
            provider=usage.provider,
            account_id=call.account_id or "",
            user_id=call.user_id,
        )
        line = usage_row(account, row.series, usage) | cost_columns(
            call.cost or CostBreakdown(amount=None, source=CostSource.UNPRICED)
        )
        lines.setdefault(line["id"], line)
    if not lines:
        return
    for provider, account_id in sorted({(line["provider"], line["account_id"]) for line in lines.values()}):
        # The rule of spend looks for the accounts whose two books may both have an hour (queries/books.py).
        know_account(session, importing.organization_id, provider, account_id)
    times = [line["timestamp"] for line in lines.values()]
    ensure_partitions(session, min(times), max(times))
    new = insert_new(session, USAGE, to_store(session, list(lines.values())))
    changes = RollupChanges()
    for id in new:
        changes.add(lines[id])
    changes.apply(session)
    report.added += len(new)
    report.duplicate += len(lines) - len(new)


def _spans(session: Session, organization_id: str) -> dict[tuple[Provider, str], Window]:
    rows = session.exec(select(ProviderAccount).where(ProviderAccount.organization_id == organization_id))
    return {
        (row.provider, row.account_id): Window(row.covered_from, row.covered_to)
        for row in rows
        if row.covered_from and row.covered_to
    }
