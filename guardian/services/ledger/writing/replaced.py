"""Which stored rows a report takes the place of, by the time that its buckets cover."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlmodel import Session

from guardian.errors import ProviderContractBroken
from guardian.models.enums import UsageOrigin
from guardian.periods import DAY, Window, united
from guardian.records import CostBucket, UsageBucket
from guardian.services.ledger.sql.bulk import Row
from guardian.services.ledger.sql.tables import COSTS, USAGE
from guardian.services.ledger.writing.rows import FILE_ACCOUNT, LedgerAccount

_WIDEST_BUCKET = DAY  # of every provider's report (contracts)


def listed_spans(account: LedgerAccount, series: str, buckets: Iterable[UsageBucket | CostBucket]) -> list[Window]:
    """The time that the buckets cover. Raises ProviderContractBroken where two different ones overlap."""
    windows = sorted({Window(b.start, b.end) for b in buckets}, key=lambda w: w.start)
    for one, two in pairwise(windows):
        if two.start < one.end:
            raise ProviderContractBroken(
                f"{account.provider}'s {series} report lists buckets that overlap ({_span(one)} and {_span(two)}), "
                "so its sums would count twice."
            )
    return united(windows)


def check_inside(account: LedgerAccount, series: str, bucket: Window, record: Window) -> None:
    if record.start < bucket.start or record.end > bucket.end or record.end <= record.start:
        raise ProviderContractBroken(
            f"{account.provider}'s {series} report has a row of {_span(record)} in its bucket {_span(bucket)}."
        )


def reported_rows(session: Session, account: LedgerAccount, series: str, spans: Sequence[Window]) -> dict[str, Row]:
    """The series' stored rows that the spans replace, by id."""
    t = USAGE.c
    # origin first: without it the tracked rows of a busy month would be read and thrown away.
    query = select(USAGE).where(
        t.origin == UsageOrigin.SYNC,
        t.organization_id == account.organization_id,
        t.provider == account.provider,
        _of_account(t.account_id, account),
        t.series == series,
        t.timestamp > spans[0].start - _WIDEST_BUCKET,
        t.timestamp < spans[-1].end,
        t.bucket_end > spans[0].start,
    )
    rows = _read(session, query)
    return {row["id"]: row for row in rows if _goes(account, series, row, row["timestamp"], row["bucket_end"], spans)}


def billed_rows(session: Session, account: LedgerAccount, spans: Sequence[Window]) -> dict[str, Row]:
    t = COSTS.c
    query = select(COSTS).where(
        t.organization_id == account.organization_id,
        t.provider == account.provider,
        _of_account(t.account_id, account),
        t.period_start > spans[0].start - _WIDEST_BUCKET,
        t.period_start < spans[-1].end,
        t.period_end > spans[0].start,
    )
    rows = _read(session, query)
    return {
        row["id"]: row for row in rows if _goes(account, "cost", row, row["period_start"], row["period_end"], spans)
    }


def _read(session: Session, query: Select[Any]) -> list[Row]:
    found = session.connection().execute(query)
    names = list(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found]


def _of_account(column: ColumnElement[Any], account: LedgerAccount) -> ColumnElement[bool]:
    """The account's rows, and those of console exports that were imported for it, or for nobody in particular."""
    own = column == account.account_id
    if account.account_id.startswith(FILE_ACCOUNT):
        return own
    files = (FILE_ACCOUNT, f"{FILE_ACCOUNT}{account.account_id}")
    return or_(own, column.in_(files), *(column.startswith(f"{name}@", autoescape=True) for name in files))


def _goes(account: LedgerAccount, series: str, row: Row, start: Any, end: Any, spans: Sequence[Window]) -> bool:
    """Whether what is stated now takes the row's place. An exported day gives way to a report of any part of it."""
    if row["account_id"] != account.account_id:
        return any(span.start < end and start < span.end for span in spans)
    return _is_replaced(account, series, start, end, spans)


def _is_replaced(account: LedgerAccount, series: str, start: Any, end: Any, spans: Sequence[Window]) -> bool:
    """Whether a stored row [start, end) lies in the listed time; False when it lies outside of it.

    Raises ProviderContractBroken when it does both: taking a day's row away for one restated hour would lose the other
    23, and leaving it would count the hour twice.
    """
    at = bisect_right(spans, start, key=lambda w: w.start)
    if at and end <= spans[at - 1].end:
        return True
    if (at and start < spans[at - 1].end) or (at < len(spans) and spans[at].start < end):
        raise ProviderContractBroken(
            f"{account.provider}'s {series} report states only a part of {_span(Window(start, end))}, which it stated "
            "as one before. Pull the whole of it."
        )
    return False


def _span(window: Window) -> str:
    return f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
