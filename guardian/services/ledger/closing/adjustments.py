"""What changed in a month since it was closed: how much, in which book, and why."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from guardian.models import ClosedMonth, ImportRun
from guardian.models.enums import Provider
from guardian.periods import DAY
from guardian.services.ledger.closing.views import Adjustment, Change, end_of
from guardian.services.ledger.reconciliation.kinds import TOKENS
from guardian.services.ledger.reconciliation.reading import read_bills, read_usage, window_of
from guardian.services.ledger.reconciliation.sentences import provider_name

_ZERO = Decimal(0)
Sums = dict[tuple[str, Provider, str | None, str | None], tuple[Decimal, Decimal]]
"""(amount, tokens) by book, provider, account (not of the tracked book, whose calls need not name it) and model."""


def read_adjustments(session: Session, row: ClosedMonth) -> tuple[Adjustment, ...]:
    """How the books of a closed month differ from what was frozen, the greatest first."""
    then, now = _frozen_sums(row.lines or []), _sums(session, row.organization_id, row.month)
    imported = session.exec(
        select(func.count())
        .select_from(ImportRun)
        .where(
            ImportRun.organization_id == row.organization_id,
            col(ImportRun.updated_at) > row.closed_at,
            col(ImportRun.rows_added) > 0,
        )
    ).one()
    found: list[Adjustment] = []
    for place in then.keys() | now.keys():
        before, after = then.get(place, (_ZERO, _ZERO)), now.get(place, (_ZERO, _ZERO))
        amount, quantity = after[0] - before[0], after[1] - before[1]
        if amount or quantity:
            found.append(_adjustment(place, amount, quantity, imported=bool(imported)))
    return tuple(sorted(found, key=lambda each: (-abs(each.amount), each.sentence)))


def _adjustment(
    place: tuple[str, Provider, str | None, str | None], amount: Decimal, quantity: Decimal, *, imported: bool
) -> Adjustment:
    book, provider, account, model = place
    if book == "billed" or (book == "reported" and quantity):
        change = Change.LATE_BUCKET
    elif not quantity:
        change = Change.REPRICING
    else:
        change = Change.NEW_IMPORT if imported else Change.LATE_CALLS
    return Adjustment(
        book=book,
        change=change,
        provider=provider,
        account=account,
        model=model,
        amount=amount,
        quantity=quantity,
        sentence=f"{_WORDS[change].format(provider=provider_name(provider), book=book)}: {model or 'without a model'}.",
    )


_WORDS: Mapping[Change, str] = {
    Change.LATE_BUCKET: "{provider} restated its {book} figures",
    Change.REPRICING: "The {book} book was priced anew",
    Change.NEW_IMPORT: "An import added calls",
    Change.LATE_CALLS: "Calls arrived after the month was closed",
}


def _frozen_sums(lines: Sequence[Any]) -> Sums:
    found: Sums = {}
    for line in lines:
        for book in ("tracked", "reported", "billed"):
            figures: Mapping[str, str | None] | None = line[book]
            if figures is not None:
                tokens = figures["quantity"] if line["tokenKind"] in TOKENS else None
                _add(
                    found,
                    (book, Provider(line["provider"]), None if book == "tracked" else line["account"], line["model"]),
                    Decimal(figures["cost"] or 0),
                    Decimal(tokens or 0),
                )
    return found


def _sums(session: Session, organization_id: str, month: date) -> Sums:
    window = window_of(month, end_of(month).date() - DAY)
    found: Sums = {}
    for group in read_usage(session, organization_id, window, {}):
        spot, book = group.spot, "reported" if group.reported else "tracked"
        tokens = sum(group.cell.quantities.values(), _ZERO)
        account = spot.account if group.reported else None
        _add(found, (book, spot.provider, account, spot.model), group.cell.cost, tokens)
    for line in read_bills(session, organization_id, window, {}):
        tokens = line.quantity if line.kind in TOKENS else None
        _add(found, ("billed", line.spot.provider, line.spot.account, line.spot.model), line.amount, tokens or _ZERO)
    return found


def _add(sums: Sums, place: tuple[str, Provider, str | None, str | None], amount: Decimal, tokens: Decimal) -> None:
    before = sums.get(place, (_ZERO, _ZERO))
    sums[place] = before[0] + amount, before[1] + tokens
