"""Days out of a console's export, into the reported or the billed book; and which days are left out, and why."""

from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from guardian.models import ProviderAccount, ProviderCost
from guardian.models.enums import Provider
from guardian.periods import DAY, Window, floor_day
from guardian.providers.reports.buckets import add_cost, add_usage, cost_identity, usage_identity
from guardian.records import CostBucket, CostRecord, UsageBucket, UsageRecord
from guardian.services.ledger.imports.batches import Importing
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.sync.coverage import extend_coverage, know_account
from guardian.services.ledger.writing.buckets import WriteResult, replace_buckets, replace_costs
from guardian.services.ledger.writing.rows import FILE_ACCOUNT, LedgerAccount

_NAME = "Imported files"
_COVERED = "left out: a pull has the provider's own report of these days"


@dataclass(frozen=True, slots=True)
class UsageDays:
    """Days of usage that tell of all of `span`; `whole` is the span of the file.

    A day without rows has none any more.
    """

    provider: Provider
    days: dict[datetime, dict[str, list[UsageRecord]]]
    whole: Window
    span: Window

    def store(self, session: Session, importing: Importing, report: Report) -> None:
        account = _account(session, importing, self.provider, self.whole)
        covered = _covered(session, importing, self.provider, account)
        every = dict.fromkeys(series for by_series in self.days.values() for series in by_series)
        buckets: list[UsageBucket] = []
        rows = 0
        for day, by_series in self.days.items():
            if any(span.start < day + DAY and day < span.end for span in covered):
                _leave_out(report, by_series.values())
                continue
            for series in every:
                sums: dict[object, UsageRecord] = {}
                records = by_series.get(series, [])
                for record in records:
                    key = usage_identity(record)
                    sums[key] = add_usage(sums[key], record) if key in sums else record
                rows += len(records)
                buckets.append(UsageBucket(series=series, start=day, end=day + DAY, records=tuple(sums.values())))
        if not buckets:
            return
        own = know_account(session, importing.organization_id, self.provider, account)
        own.name = own.name or _NAME
        _count(report, rows, replace_buckets(session, _ledger(importing, self.provider, account), buckets))
        extend_coverage(own, [self.span])


@dataclass(frozen=True, slots=True)
class CostDays:
    """Days of costs, as UsageDays."""

    provider: Provider
    days: dict[datetime, dict[str, list[CostRecord]]]
    whole: Window
    span: Window

    def store(self, session: Session, importing: Importing, report: Report) -> None:
        account = _account(session, importing, self.provider, self.whole)
        billed = _billed_days(session, importing, self.provider, account, self.days)
        buckets: list[CostBucket] = []
        rows = 0
        for day, by_series in self.days.items():
            if day in billed:
                _leave_out(report, by_series.values())
                continue
            records = [record for found in by_series.values() for record in found]
            sums: dict[object, CostRecord] = {}
            for record in records:
                key = cost_identity(record)
                sums[key] = add_cost(sums[key], record) if key in sums else record
            rows += len(records)
            buckets.append(CostBucket(start=day, end=day + DAY, records=tuple(sums.values())))
        if not buckets:
            return
        own = know_account(session, importing.organization_id, self.provider, account)
        own.name = own.name or _NAME
        _count(report, rows, replace_costs(session, _ledger(importing, self.provider, account), buckets))


def _leave_out(report: Report, found: Iterable[Sized]) -> None:
    if rows := sum(map(len, found)):
        report.skip(_COVERED, rows)


def _count(report: Report, rows: int, result: WriteResult) -> None:
    """Rows of the file, several of which can be one of the ledger: they differ in what the export does not name."""
    known = rows if not result.altered else min(result.unchanged, rows)
    report.duplicate += known
    report.added += rows - known


def _account(session: Session, importing: Importing, provider: Provider, whole: Window) -> str:
    """The account of files that this one belongs to: that whose days it continues, since a covered span has no gaps."""
    base = f"{FILE_ACCOUNT}{importing.account_id or ''}"
    rows = session.exec(
        select(ProviderAccount).where(
            ProviderAccount.organization_id == importing.organization_id, ProviderAccount.provider == provider
        )
    )
    mine = sorted((row for row in rows if _is_of(row.account_id, base)), key=lambda row: row.account_id)
    for row in mine:
        if row.covered_from is None or row.covered_to is None:
            return row.account_id
        if row.covered_from <= whole.end and whole.start <= row.covered_to:
            return row.account_id
    return f"{base}@{whole.start:%Y-%m-%d}" if mine else base


def _is_of(account_id: str, base: str) -> bool:
    return account_id == base or account_id.startswith(f"{base}@")


def _covered(session: Session, importing: Importing, provider: Provider, account: str) -> list[Window]:
    """What is known of these days from somewhere else: all accounts' pulls, or those of the account that was named."""
    rows = session.exec(
        select(ProviderAccount).where(
            ProviderAccount.organization_id == importing.organization_id,
            ProviderAccount.provider == provider,
            ProviderAccount.account_id != account,
        )
    )
    base = f"{FILE_ACCOUNT}{importing.account_id}"
    return [
        Window(row.covered_from, row.covered_to)
        for row in rows
        if row.covered_from
        and row.covered_to
        and (importing.account_id is None or row.account_id == importing.account_id or _is_of(row.account_id, base))
    ]


def _billed_days(
    session: Session, importing: Importing, provider: Provider, account: str, days: Mapping[datetime, object]
) -> set[datetime]:
    """Days of which another account, or the one that was named, has a bill already."""
    cost = ProviderCost
    query = select(cost.period_start).where(
        cost.organization_id == importing.organization_id,
        cost.provider == provider,
        cost.account_id != account,
        col(cost.period_start) >= min(days),
        col(cost.period_start) <= max(days),
    )
    if importing.account_id is not None:
        query = query.where(cost.account_id == importing.account_id)
    return {floor_day(moment) for moment in session.exec(query.distinct())}


def _ledger(importing: Importing, provider: Provider, account: str) -> LedgerAccount:
    return LedgerAccount(
        organization_id=importing.organization_id,
        provider=provider,
        account_id=account,
        user_id=importing.user_id,
        overrides=importing.overrides.get(provider, ()),
    )
