"""Which months are closed, and closing and reopening one."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from guardian.errors import ConflictError, NotFoundError, ValidationError
from guardian.models import ClosedMonth, ProviderCost, UsageRollup, User
from guardian.periods import DAY, month_start, utcnow
from guardian.services.actor import Actor
from guardian.services.ledger.closing.adjustments import read_adjustments
from guardian.services.ledger.closing.doubts import read_doubts
from guardian.services.ledger.closing.shares import imported_lines, read_imported
from guardian.services.ledger.closing.views import ClosedFigures, MonthView, end_of, long_day
from guardian.services.ledger.queries.summaries import summary
from guardian.services.ledger.reconciliation.lines import side_by_side
from guardian.services.ledger.reconciliation.reading import window_of
from guardian.services.ledger.reconciliation.service import Books, read_books
from guardian.services.ledger.reconciliation.views import BookLine, ReconciliationQuery
from guardian.services.ledger.views import SummaryQuery
from guardian.services.people import audit

MOST_LISTED = 24
_FROZEN = ("provider", "account", "model", "tokenKind")
_BOOKS = ("tracked", "reported", "billed")


def list_months(session: Session, actor: Actor) -> tuple[MonthView, ...]:
    """The latest 24 months of which any book has something, and the closed ones; newest first.

    Raises AuthorizationError.
    """
    actor.require("usage:read")
    organization, now = actor.organization_id, utcnow()
    rows = session.exec(select(ClosedMonth).where(ClosedMonth.organization_id == organization)).all()
    closed = {row.month: row for row in rows}
    first = min((day for day in (_first_day(session, organization), *closed) if day), default=None)
    if first is None:
        return ()
    months: list[date] = []
    month = month_start(now.date())
    while month >= month_start(first) and len(months) < MOST_LISTED:
        months.append(month)
        month = month_start(month - DAY)
    return tuple(_view(session, organization, month, closed.get(month), now) for month in months)


def get_month(session: Session, actor: Actor, month: date) -> MonthView:
    """One month, by any of its days. Raises AuthorizationError."""
    actor.require("usage:read")
    first = month_start(month)
    row = session.get(ClosedMonth, (actor.organization_id, first))
    return _view(session, actor.organization_id, first, row, utcnow())


def close_month(
    session: Session, actor: Actor, month: date, *, confirm: bool = False, note: str | None = None
) -> MonthView:
    """Freeze the figures of the month. `confirm` says that the doubts of the month are known and accepted.

    Raises AuthorizationError, and ConflictError for a month that has not ended, is closed already, holds nothing, or
    whose figures may still change (details.doubts says why) unless that is confirmed.
    """
    actor.require("books:close")
    organization, now, first = actor.organization_id, utcnow(), month_start(month)
    end = end_of(first)
    if now < end:
        raise ConflictError(f"{month_name(first)} ends on {long_day(end.date())}, 00:00 UTC. Close it after that.")
    last = end.date() - DAY
    doubts = read_doubts(session, organization, first, now)
    if doubts and not confirm:
        raise ConflictError(
            f"{month_name(first)} is not settled: {' '.join(doubts)} Close it later, or confirm to close it as it is.",
            details={"needsConfirm": True, "doubts": list(doubts)},
        )
    books = read_books(session, organization, ReconciliationQuery(first=first, last=last))
    if not (books.tracked or books.reported or books.billed):
        raise ConflictError(f"No book has anything of {month_name(first)}, so there is nothing to close.")
    window = window_of(first, last)
    spend = summary(session, actor, SummaryQuery(start=window.start, end=window.end)).totals.cost
    row = _frozen(actor, first, books, spend, now, note)
    row.lines = [*(row.lines or []), *imported_lines(read_imported(session, organization, first))]
    statement = insert(ClosedMonth).values(row.model_dump()).on_conflict_do_nothing().returning(col(ClosedMonth.month))
    if session.exec(statement).first() is None:
        raise ConflictError(f"{month_name(first)} is closed already. Reopen it first.")
    audit.note_change(session, ClosedMonth, None, row.model_dump(exclude={"lines"}))
    session.flush()
    return _view(session, organization, first, row, now)


def _frozen(actor: Actor, first: date, books: Books, spend: Decimal, now: datetime, note: str | None) -> ClosedMonth:
    """The month as it will be kept. Raises ValidationError for a note that is none."""
    return ClosedMonth(
        organization_id=actor.organization_id,
        month=first,
        closed_at=now,
        closed_by_id=actor.user_id,
        spend=spend,
        tracked=_sum(cell.cost for cell in books.tracked.values()),
        reported=_sum(cell.cost for cell in books.reported.values()),
        billed=_sum(line.amount for line in books.billed),
        lines=[
            {
                **dict(zip(_FROZEN, side.values, strict=True)),
                **{book: _line_json(getattr(side, book)) for book in _BOOKS},
            }
            for side in side_by_side(books.tracked, books.reported, books.billed, _FROZEN, {})
        ],
        note=_checked(note),
    )


def reopen_month(session: Session, actor: Actor, month: date) -> MonthView:
    """Forget the frozen figures of a month. Raises AuthorizationError, NotFoundError when it is not closed."""
    actor.require("books:close")
    row = session.get(ClosedMonth, (actor.organization_id, month_start(month)))
    if row is None:
        raise NotFoundError("Closed month")
    session.delete(row)
    session.flush()
    return _view(session, actor.organization_id, month_start(month), None, utcnow())


def _view(session: Session, organization_id: str, month: date, row: ClosedMonth | None, now: datetime) -> MonthView:
    ended = now >= end_of(month)
    if row is None:
        doubts = read_doubts(session, organization_id, month, now) if ended else ()
        return MonthView(month=month, ended=ended, closed=None, adjustments=(), doubts=doubts)
    by = session.get(User, row.closed_by_id) if row.closed_by_id else None
    return MonthView(
        month=month,
        ended=ended,
        closed=ClosedFigures(
            closed_at=row.closed_at,
            closed_by=(by.name or by.email) if by else None,
            spend=row.spend,
            tracked=row.tracked,
            reported=row.reported,
            billed=row.billed,
            note=row.note,
        ),
        adjustments=read_adjustments(session, row),
        doubts=(),
    )


def _first_day(session: Session, organization_id: str) -> date | None:
    """The first day that any book has something of."""
    reported = select(func.min(col(UsageRollup.hour))).where(UsageRollup.organization_id == organization_id)
    billed = select(func.min(col(ProviderCost.period_start))).where(ProviderCost.organization_id == organization_id)
    # min() of no row is NULL, which its type does not say.
    moments: list[datetime | None] = [session.exec(reported).one(), session.exec(billed).one()]
    return min((moment.astimezone(UTC).date() for moment in moments if moment is not None), default=None)


def _sum(amounts: Iterable[Decimal]) -> Decimal | None:
    """None for a book that has nothing, which is not zero."""
    found = list(amounts)
    return sum(found, Decimal(0)) if found else None


def _line_json(line: BookLine | None) -> dict[str, str | None] | None:
    if line is None:
        return None
    return {
        "quantity": None if line.quantity is None else f"{line.quantity.normalize():f}",
        "cost": None if line.cost is None else f"{line.cost:f}",
    }


def _checked(note: str | None) -> str | None:
    text = (note or "").strip()
    if len(text) > 500 or any(ord(c) < 32 for c in text):
        message = "A note has at most 500 characters and no line breaks."
        raise ValidationError(message, details=[{"field": "note", "message": message}])
    return text or None


def month_name(month: date) -> str:
    """November 2026."""
    return f"{month:%B %Y}"
