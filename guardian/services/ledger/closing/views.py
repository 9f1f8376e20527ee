"""What closing a month gives: frozen values, ready for a page or for JSON; months are UTC, as providers bill."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum

from guardian.models.enums import Provider
from guardian.periods import next_month


class Change(StrEnum):
    """What made a figure of a closed month another one."""

    LATE_BUCKET = "late_bucket"
    REPRICING = "repricing"
    NEW_IMPORT = "new_import"
    LATE_CALLS = "late_calls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A later change: closed + amount = now, of one book (tracked, reported or billed), provider, account and model."""

    book: str
    change: Change
    provider: Provider
    account: str | None
    model: str | None
    amount: Decimal
    quantity: Decimal
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedFigures:
    """What was frozen: the three books and the spend, None for a book that had nothing of that month."""

    closed_at: datetime
    closed_by: str | None
    spend: Decimal
    tracked: Decimal | None
    reported: Decimal | None
    billed: Decimal | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthView:
    """A calendar month (UTC). `closed` None: it is open, and `doubts` are sentences that closing it must confirm.

    `ended` False: it cannot be closed yet. `adjustments` are what changed since it was closed.
    """

    month: date
    ended: bool
    closed: ClosedFigures | None
    adjustments: tuple[Adjustment, ...]
    doubts: tuple[str, ...]


def end_of(month: date) -> datetime:
    """The instant at which the month is over."""
    return next_month(datetime.combine(month, time.min, UTC))


def long_day(day: date) -> str:
    """1 December 2026."""
    return f"{day.day} {day:%B %Y}"
